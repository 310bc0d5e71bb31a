"""The change log: that something changed, never what.

The relay numbers it after commit.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, Column, Integer
from sqlmodel import Field, SQLModel

from models.base import UTCDateTime, choice

_BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in a column of type INTEGER


class Kind(StrEnum):
    ROW = "ROW"  # a row came, changed or went
    COUNTERS = "COUNTERS"  # only its hot numbers moved
    RIGHTS = "RIGHTS"  # who may see what behind these topics has changed


class Change(SQLModel, table=True):
    """One announcement.

    `before` holds the deciding columns as they were (None: the row is new). `gained` and `lost` name principals
    whose standing towards this very row changed with it. `seen_with` is a second row that one must see, too.
    """

    seq: int | None = Field(default=None, sa_column=Column(_BIG, primary_key=True, autoincrement=True))
    position: int | None = Field(default=None, sa_column=Column(_BIG, unique=True))
    kind: Kind = choice(Kind.ROW)
    topics: list[str] = Field(sa_type=JSON)
    noun: str = Field(max_length=32)
    row_id: UUID
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    gained: list[str] = Field(default_factory=list, sa_type=JSON)
    lost: list[str] = Field(default_factory=list, sa_type=JSON)
    seen_with: dict[str, str] | None = Field(default=None, sa_type=JSON)
    at: datetime = Field(sa_type=UTCDateTime)

    @property
    def is_new(self) -> bool:
        """Whether nobody can have seen the row before, and whoever sees it now may hear of it."""
        return self.before is None and not (self.gained or self.lost or self.seen_with)


class Head(SQLModel, table=True):
    """One row: the lock of the relay, the last number given, the first one kept, and which log this is."""

    id: int = Field(default=1, primary_key=True)
    position: int = Field(default=0, sa_type=BigInteger)
    trimmed: int = Field(default=0, sa_type=BigInteger)
    epoch: UUID = Field(default_factory=uuid4)
