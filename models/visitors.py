"""Visitors: whoever came to a board by its join code, one for each device."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import Row, moment, ref


class Visitor(Row, table=True):
    """A device. Its token is known to the device alone."""

    principal_id: UUID = ref("principal", unique=True)
    token_hash: bytes = Field(max_length=32, unique=True)


class Visit(Row, table=True):
    """A visitor's seat at one board."""

    __table_args__ = (
        UniqueConstraint("board_id", "principal_id"),
        Index("ix_visit_burst", "board_id", "address_hash", "created_at"),
    )

    network_id: UUID = ref("network", index=False)
    board_id: UUID = ref("question_board", index=False)
    principal_id: UUID = ref("principal")
    name: str = Field(max_length=50)
    address_hash: bytes = Field(max_length=32)
    ended_at: datetime | None = moment()
