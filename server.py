"""The composition root: what lives as long as the process, and the ASGI app."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial
from importlib import import_module
from typing import Any

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Route

import migrations
from models import Database
from realtime.bell import bell
from realtime.feed import Feed
from realtime.lives import living
from realtime.lookout import Lookout, Sight
from realtime.post import Outbox, Post
from realtime.relay import Relay
from realtime.retention import Retention
from resolvers import letters, timetable
from resolvers.addresses import Addresses
from resolvers.budgets import Budgets
from resolvers.caps import Caps
from resolvers.cipher import Cipher
from resolvers.clock import Clock, SystemClock
from resolvers.context import Context, Means, ViewerKind
from resolvers.limits import Limiter
from resolvers.live import Live
from resolvers.passwords import Passwords
from schema.door import LOCAL, Door
from schema.entrance import Entrance
from schema.execution import Execution
from schema.guard import Guard, refuse
from schema.http import ASKED_WITH, METHODS, TOLD_WITH, Endpoint
from schema.metrics import Metrics, State
from schema.observing import Observer
from schema.probes import Probes
from schema.rendering import render
from schema.root import build
from schema.websocket import Sockets
from settings import Environment, LogFormat, LogLevel, Settings
from web import graphiql, outbox
from web.headers import SecurityHeaders

__all__ = ["Environment", "LogFormat", "LogLevel", "Service", "Settings", "create_app"]


@dataclass
class Service:
    """Everything that lives as long as the process."""

    settings: Settings
    clock: Clock = field(default_factory=SystemClock)
    passwords: Passwords = field(default_factory=Passwords)
    timing: Mapping[str, float] = field(default_factory=dict)
    tick: float = 1.0
    spans: Any = None  # schema.spans.Spans, which only those import who collect them
    is_closing: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.settings.database_url, statement_timeout=self.settings.statement_timeout)
        self.bell = bell(self.settings.broker_url)
        cipher = Cipher(self.settings.secret_key.get_secret_value())
        addresses = Addresses(self.settings.trusted_addresses)
        limiter = Limiter(self.clock, addresses)
        join_url, letterhead = self.settings.join_url, self.settings.letterhead
        self.means = Means(self.database, self.clock, cipher, limiter, self.passwords, join_url, letterhead)
        self.relay = Relay(self.database, self.bell)
        self.retention = Retention(
            self.database,
            self.clock.now,
            age=timedelta(hours=self.settings.log_retention_hours),
            most=self.settings.log_retention_changes,
        )
        carrier = self.settings.mail_server or (Outbox() if self.settings.is_development else None)
        self.post = Post(self.database, self.clock.now, partial(letters.compose, self.means), carrier)
        self.feed = Feed(self.database, self.bell)
        self.live = Live(self.means, self.feed, render, **self.timing)
        self.relay.numbered = self.feed.remember
        self.database.committed = self.relay.committed
        self.metrics = Metrics()
        self.lookout = Lookout(self.settings.database_url)
        if self.settings.otlp_endpoint:
            self.spans = import_module("schema.spans").exporting(self.settings.otlp_endpoint)
        kinds = {kind: getattr(self.settings, f"budget_{kind}") for kind in ViewerKind}
        self.execution = Execution(
            build(),
            Budgets(kinds, addresses),
            Observer(self.metrics, *([self.spans] if self.spans else [])),
            trust=self.settings.trusted_documents,
            timeout=self.settings.operation_timeout,
            development=self.settings.is_development,
        )
        self.caps = {
            "sockets": Caps("sockets", self.settings.sockets, addresses),
            "live_operations": Caps("live operations", self.settings.live_operations, addresses),
            "streams": Caps("streams", self.settings.streams, addresses),
            "requests": Caps("requests", self.settings.requests, addresses, retry_after=1),
        }
        door = Door(
            self.means,
            self.live,
            is_local=self.settings.is_development,
            allowed_origins=self.settings.allowed_origins,
        )
        self.endpoint = Endpoint(self.execution, door, self.caps["requests"], self.caps["streams"])
        bounds = self.settings.bounds
        caps = {name: self.caps[name] for name in ("sockets", "live_operations", "requests")}
        self.sockets = Sockets(build(), self.execution, door, bounds, **caps)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Number changes and deliver them, and do what is due, for as long as the block lasts."""
        async with self.bell:
            await self.relay.begin()
            await self.live.start()
            lives = (
                self.relay.run(),
                self.retention.run(),
                self.live.delivery.run(),
                timetable.run(self.means, every=self.tick),
                self.post.run(every=self.tick),
            )
            try:
                async with living(*lives, missed=partial(setattr, self, "is_closing", True)):  # noqa: FBT003
                    yield
            finally:
                await self.lookout.close()
                await self.database.close()
                if self.spans:
                    await asyncio.to_thread(self.spans.close)

    def state(self, sight: Sight | None) -> State:
        return State(sight, self.clock.now(), self.bell.is_up, self.database, self.live.delivery)


@cache
def _revision() -> str:
    return migrations.newest()


def create_app(service: Service) -> Entrance:
    settings = service.settings
    probes = Probes(
        service.lookout,
        service.metrics,
        service.state,
        lambda: service.is_closing,
        _revision(),
        settings.metrics_token.get_secret_value(),
        settings.is_development,
    )

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        async with service.running():
            yield

    return Entrance(
        {"/graphql": Guard(service.sockets, service.metrics)},
        routes=[
            Route("/graphql", service.endpoint),
            *probes.routes(),
            *(_own_pages(service) if settings.is_development else ()),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders, secure=not settings.is_development),
            Middleware(CORSMiddleware, **_pages(settings)),
            Middleware(Guard, service.metrics),
        ],
        exception_handlers={HTTPException: refuse},
    )


def _own_pages(service: Service) -> list[BaseRoute]:
    """They tell secrets, so there are none in production."""
    ctx = Context(service.means)
    letters_page = outbox.routes(partial(letters.recent, ctx), partial(letters.opened, ctx))
    return [*graphiql.routes(service.settings.demo_file), *letters_page]


def _pages(settings: Settings) -> dict[str, Any]:
    """From where pages may ask. Only those that are named may send the cookie along."""
    named = settings.allowed_origins
    return {
        "allow_origins": named,
        "allow_credentials": bool(named),
        "allow_origin_regex": LOCAL.pattern if settings.is_development and not named else None,
        "allow_methods": METHODS,
        "allow_headers": ASKED_WITH,
        "expose_headers": TOLD_WITH,
    }
