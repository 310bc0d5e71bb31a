"""What every row is made of: a random id, times in UTC, and enums stored as text."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import DateTime, Dialect, Enum, MetaData, TypeDecorator, false
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

NOBODY = UUID(int=0)

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


class MemberKind(StrEnum):
    INTERNAL = "INTERNAL"
    EXTERNAL = "EXTERNAL"
    GUEST = "GUEST"
    SERVICE = "SERVICE"


class NetworkRole(StrEnum):
    OWNER = "OWNER"
    ADMIN = "ADMIN"
    MODERATOR = "MODERATOR"
    MEMBER = "MEMBER"


class Lifecycle(StrEnum):
    PUBLISHED = "PUBLISHED"
    WITHDRAWN = "WITHDRAWN"


class UTCDateTime(TypeDecorator[datetime]):
    """A moment. SQLite drops offsets silently, so what is stored is always UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Row(SQLModel):
    """A stored thing.

    `deciding` names the columns that decide who may see the row: a change announces their values from before.
    `nouns` are the names that the outer world gives such rows, if not the name of the class.
    """

    deciding: ClassVar[tuple[str, ...]] = ()
    nouns: ClassVar[tuple[str, ...]] = ()

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime = Field(default=None, sa_type=UTCDateTime)

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - SQLAlchemy calls it on the class
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    @property
    def noun(self) -> str:
        """The name that the outer world gives this row: half of its global id."""
        return type(self).__name__


def moment(**options: Any) -> Any:
    """A column for a moment; empty until it has come."""
    return Field(default=None, sa_type=UTCDateTime, **options)


def choice(default: StrEnum, **options: Any) -> Any:
    """A column for one of a closed set, stored by name."""
    return Field(default=default, sa_type=_by_name(type(default)), **options)


def later(default: Any, **options: Any) -> Any:
    """A column that is not null and came after its table: rows from before get the default."""
    server = {"server_default": false() if default is False else str(default)}
    if isinstance(default, StrEnum):
        options["sa_type"] = _by_name(type(default))
    return Field(default=default, sa_column_kwargs=server, **options)


def maybe(kind: type[StrEnum]) -> Any:
    """As `choice`, empty until it is chosen."""
    return Field(default=None, sa_type=_by_name(kind))


def _by_name(kind: type[StrEnum]) -> Enum:
    return Enum(kind, native_enum=False, length=16, create_constraint=False)


def ref(target: str, *, index: bool = True, **options: Any) -> Any:
    """A column that points at another row. By name, because rows do not import each other."""
    return Field(foreign_key=f"{target}.id", index=index, **options)
