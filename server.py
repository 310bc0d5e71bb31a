"""The composition root: settings, what lives as long as the process, and the ASGI app."""

import asyncio
import os
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from strawberry.http.websocket_origin import normalize_origin

from models import Database
from realtime.bell import bell
from realtime.feed import Feed
from realtime.relay import Relay
from resolvers import timetable
from resolvers.cipher import Cipher
from resolvers.clock import Clock, SystemClock
from resolvers.context import Means
from resolvers.limits import Limiter, Range
from resolvers.live import Live
from resolvers.passwords import Passwords
from schema.documents import Trust
from schema.door import LOCAL, Door
from schema.execution import Execution
from schema.http import ASKED_WITH, METHODS, TOLD_WITH, Endpoint
from schema.root import build
from schema.websocket import Sockets
from web import graphiql
from web.headers import SecurityHeaders

BODY_LIMIT = 256 * 1024
SECRET_LEAST = 32
DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")


class Environment(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """Read once, from the environment: PLENARY_DATABASE_URL and so on."""

    model_config = SettingsConfigDict(env_prefix="PLENARY_", hide_input_in_errors=True)

    database_url: str = "sqlite+aiosqlite:///var/plenary.db"
    broker_url: str = "memory://"
    environment: Environment = Environment.DEVELOPMENT
    secret_key: SecretStr = Field(default=SecretStr(""), validate_default=True)
    trusted_addresses: Annotated[tuple[Range, ...], NoDecode] = ()
    join_url: str = ""
    trusted_documents: Trust = Trust.PREFER
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()

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
    def _names_a_broker(cls, value: str) -> str:
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

    @property
    def is_development(self) -> bool:
        return self.environment is Environment.DEVELOPMENT

    @property
    def demo_file(self) -> Path:
        """Ids and sign-ins of the demo: beside the SQLite database, or in var/."""
        url = make_url(self.database_url)
        is_file = url.get_backend_name() == "sqlite" and url.database
        return (Path(url.database or "").parent if is_file else Path("var")) / "demo.json"


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

    def __post_init__(self) -> None:
        self.database = Database(self.settings.database_url)
        self.broadcast = bell(self.settings.broker_url)
        cipher = Cipher(self.settings.secret_key.get_secret_value())
        limiter = Limiter(self.clock, self.settings.trusted_addresses)
        self.means = Means(self.database, self.clock, cipher, limiter, self.passwords, self.settings.join_url)
        self.relay = Relay(self.database, self.broadcast)
        self.live = Live(self.means, Feed(self.database, self.broadcast), **self.timing)
        self.database.committed = self.relay.nudge
        self.execution = Execution(build(), trust=self.settings.trusted_documents)
        door = Door(
            self.means,
            self.live,
            is_local=self.settings.is_development,
            allowed_origins=self.settings.allowed_origins,
        )
        self.endpoint = Endpoint(self.execution, door)
        self.sockets = Sockets(build(), self.execution, door)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Number changes and deliver them, and do what is due, for as long as the block lasts."""
        async with self.broadcast:
            await self.relay.drain()
            await self.live.start()
            tasks = [
                asyncio.create_task(self.relay.run()),
                asyncio.create_task(self.live.delivery.run()),
                asyncio.create_task(timetable.run(self.means, every=self.tick)),
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                for task in tasks:
                    with suppress(asyncio.CancelledError):
                        await task
                await self.database.close()


def create_app(service: Service) -> Starlette:
    async def is_alive(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    async def is_ready(_request: Request) -> JSONResponse:
        try:
            async with service.database.read() as session:
                await session.execute(text("SELECT position FROM head"))
        except (OSError, SQLAlchemyError):
            return JSONResponse({"status": "no database"}, 503)
        return JSONResponse({"status": "ready"})

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    return Starlette(
        routes=[
            Route("/graphql", service.endpoint),
            WebSocketRoute("/graphql", service.sockets),
            Route("/health/live", is_alive),
            Route("/health/ready", is_ready),
            *(graphiql.routes(service.settings.demo_file) if service.settings.is_development else ()),
        ],
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders, secure=not service.settings.is_development),
            Middleware(CORSMiddleware, **_pages(service.settings)),
        ],
        max_body_size=BODY_LIMIT,
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
