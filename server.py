"""The composition root: settings, what lives as long as the process, and the ASGI app."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from strawberry.http.websocket_origin import normalize_origin

import migrations
from models import Database
from realtime.bell import bell
from realtime.feed import Feed
from realtime.lives import living
from realtime.lookout import Lookout, Sight
from realtime.relay import Relay
from realtime.retention import Retention
from resolvers import timetable
from resolvers.addresses import Addresses, Range
from resolvers.budgets import Budget, Budgets
from resolvers.caps import Caps, Most
from resolvers.cipher import Cipher
from resolvers.clock import Clock, SystemClock
from resolvers.context import Means, ViewerKind
from resolvers.limits import Limiter
from resolvers.live import Live
from resolvers.passwords import Passwords
from schema.documents import Trust
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
from schema.websocket import Bounds, Sockets
from schema.wire import Patience
from web import graphiql
from web.headers import SecurityHeaders

SECRET_LEAST = 32
TWO_NUMBERS = re.compile(r"(\d{1,10}):(\d{1,10})", re.ASCII)
INT_MOST = 2**31 - 1  # of GraphQL
DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """From each operation to bugs alone."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """Read once, from the environment: PLENARY_DATABASE_URL and so on."""

    model_config = SettingsConfigDict(env_prefix="PLENARY_", hide_input_in_errors=True)

    database_url: str = "sqlite+aiosqlite:///var/plenary.db"
    broker_url: str = Field(default="", validate_default=True)
    environment: Environment = Environment.DEVELOPMENT
    secret_key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    trusted_addresses: Annotated[tuple[Range, ...], NoDecode] = ()
    join_url: str = ""
    trusted_documents: Trust = Trust.PREFER
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    log_format: LogFormat | None = Field(default=None, validate_default=True)
    log_level: LogLevel | None = Field(default=None, validate_default=True)
    metrics_token: SecretStr = SecretStr("")
    otlp_endpoint: str = ""
    sockets: Annotated[Most, NoDecode] = Most(100, 10_000)
    live_operations: Annotated[Most, NoDecode] = Most(1_000, 50_000)
    streams: Annotated[Most, NoDecode] = Most(100, 10_000)
    requests: Annotated[Most, NoDecode] = Most(100, 5_000)
    budget_anonymous: Annotated[Budget, NoDecode] = Budget(10_000, 1_000)
    budget_guest: Annotated[Budget, NoDecode] = Budget(10_000, 500)
    budget_member: Annotated[Budget, NoDecode] = Budget(20_000, 1_000)
    budget_integration: Annotated[Budget, NoDecode] = Budget(50_000, 2_500)
    operation_timeout: float = Field(default=30, ge=0, le=3_600)
    statement_timeout: float = Field(default=10, ge=0, le=3_600)
    socket_operations: int = Field(default=100, gt=0)
    socket_messages: float = Field(default=100, ge=1, le=1_000_000)  # a second
    init_seconds: float = Field(default=5, gt=0, le=3_600)
    header_seconds: float = Field(default=10, gt=0, le=3_600)
    unread_seconds: float = Field(default=30, gt=0, le=3_600)
    ping_seconds: float = Field(default=20, gt=0, le=3_600)
    drain_seconds: float = Field(default=10, gt=0, le=3_600)
    log_retention_hours: float = Field(default=168, ge=0, le=1_000_000)
    log_retention_changes: int = Field(default=1_000_000, ge=0)

    @field_validator("sockets", "live_operations", "streams", "requests", mode="before")
    @classmethod
    def _are_caps(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if not (found := TWO_NUMBERS.fullmatch(value)):
            raise ValueError("must be two numbers: of one account, from one address, as in 100:10000")
        return Most(*map(int, found.groups()))

    @field_validator("budget_anonymous", "budget_guest", "budget_member", "budget_integration", mode="before")
    @classmethod
    def _are_budgets(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value == "0":
            return Budget(0, 0)
        found = TWO_NUMBERS.fullmatch(value)
        budget = Budget(*map(int, found.groups())) if found else Budget(0, 0)
        if not all(0 < number <= INT_MOST for number in budget):
            raise ValueError("must be two numbers: points at most, and a second, as in 10000:500; or 0 for no budget")
        return budget

    @field_validator("allowed_origins")
    @classmethod
    def _names_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(normalize_origin(origin) != origin for origin in value):
            raise ValueError("must be origins, like https://app.example.com")
        return value

    @field_validator("trusted_addresses", "allowed_origins", mode="before")
    @classmethod
    def _is_a_list(cls, value: object) -> object:
        return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _names_a_database(cls, value: str) -> str:
        beginnings = tuple(f"{driver}://" for driver in DRIVERS)
        if not value.startswith(beginnings):
            raise ValueError(f"must begin with {' or '.join(beginnings)}")
        try:
            url = make_url(value)
        except (ArgumentError, ValueError) as error:
            raise ValueError("must be a database URL; its port, if any, is a number") from error
        if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
            raise ValueError("must name a file: in memory, each connection would have a database of its own")
        return value

    @field_validator("broker_url")
    @classmethod
    def _names_a_broker(cls, value: str, info: Any) -> str:
        """Unless it is said: the database itself if that can carry the bell."""
        database_url = info.data.get("database_url", "")
        value = value or (database_url if database_url.startswith("postgresql") else "memory://")
        bell(value)
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_secret(cls, value: SecretStr, info: Any) -> SecretStr:
        if "environment" not in info.data:  # which is bad, and has been said
            return value
        is_development = info.data["environment"] is Environment.DEVELOPMENT
        if not is_development and len(value.get_secret_value()) < SECRET_LEAST:
            raise ValueError(f"must be set in production, to at least {SECRET_LEAST} random characters")
        return value if value.get_secret_value() else SecretStr(_own_secret(Path("var/secret_key")))

    @field_validator("log_format")
    @classmethod
    def _has_a_format(cls, value: LogFormat | None, info: Any) -> LogFormat:
        return value or (LogFormat.CONSOLE if _is_development(info) else LogFormat.JSON)

    @field_validator("log_level")
    @classmethod
    def _has_a_level(cls, value: LogLevel | None, info: Any) -> LogLevel:
        return value or (LogLevel.WARNING if _is_development(info) else LogLevel.INFO)

    @field_validator("metrics_token")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SECRET_LEAST:
            raise ValueError(f"must have at least {SECRET_LEAST} random characters")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _names_a_collector(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        if value and not _has_exporter():
            raise ValueError("must be empty, or plenary[otel] be installed")
        return value

    @property
    def is_development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT

    @property
    def bounds(self) -> Bounds:
        return Bounds(self.socket_operations, self.socket_messages, self.init_seconds)

    @property
    def patience(self) -> Patience:
        return Patience(
            headers=self.header_seconds, unread=self.unread_seconds, ping=self.ping_seconds, drain=self.drain_seconds
        )

    @property
    def demo_file(self) -> Path:
        """Ids and sign-ins of the demo: beside the SQLite database, or in var/."""
        url = make_url(self.database_url)
        is_file = url.get_backend_name() == "sqlite" and url.database
        return (Path(url.database or "").parent if is_file else Path("var")) / "demo.json"


def _is_development(info: Any) -> bool:
    return info.data.get("environment") is Environment.DEVELOPMENT


def _has_exporter() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def _own_secret(path: Path) -> str:
    """Made on first use, for development. Linked into place whole: of two processes at once, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


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
        self.means = Means(self.database, self.clock, cipher, limiter, self.passwords, self.settings.join_url)
        self.relay = Relay(self.database, self.bell)
        self.retention = Retention(
            self.database,
            self.clock.now,
            age=timedelta(hours=self.settings.log_retention_hours),
            most=self.settings.log_retention_changes,
        )
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
            *(graphiql.routes(settings.demo_file) if settings.is_development else ()),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders, secure=not settings.is_development),
            Middleware(CORSMiddleware, **_pages(settings)),
            Middleware(Guard, service.metrics),
        ],
        exception_handlers={HTTPException: refuse},
    )


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
