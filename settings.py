"""Settings: what those who run the service say, read once, from the environment."""

import re
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from strawberry.http.websocket_origin import normalize_origin

from realtime.bell import bell
from realtime.smtp import Server
from resolvers import stationery
from resolvers.addresses import Range
from resolvers.budgets import Budget
from resolvers.caps import Most
from resolvers.cipher import own_secret
from resolvers.form import is_link
from resolvers.stationery import Letterhead
from schema.documents import Trust
from schema.websocket import Bounds
from schema.wire import Patience

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
    app_url: str = ""
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = Field(default="", validate_default=True)
    mail_locale: str = stationery.ENGLISH
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
        return value if value.get_secret_value() else SecretStr(own_secret(Path("var/secret_key")))

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

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value():
            Server.of(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, value: str, info: Any) -> str:
        if not value and info.data.get("smtp_url", SecretStr("")).get_secret_value():
            raise ValueError("must be set where PLENARY_SMTP_URL is, as in Plenary <plenary@example.com>")
        return stationery.sender(value) if value else value

    @field_validator("mail_locale")
    @classmethod
    def _is_spoken(cls, value: str) -> str:
        if value not in stationery.locales():
            raise ValueError(f"must be one of {', '.join(sorted(stationery.locales()))}")
        return value

    @field_validator("app_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not is_link(value):
            raise ValueError("must begin with http:// or https://")
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
    def mail_server(self) -> Server | None:
        url = self.smtp_url.get_secret_value()
        return Server.of(url) if url else None

    @property
    def letterhead(self) -> Letterhead:
        return Letterhead(self.mail_from or Letterhead.sender, self.app_url, self.mail_locale)

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
