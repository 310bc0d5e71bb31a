"""Question boards: where an audience asks and a panel answers."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from models.base import Row, choice, moment, ref


class BoardState(StrEnum):
    SCHEDULED = "SCHEDULED"
    OPEN = "OPEN"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


class Moderation(StrEnum):
    PRE = "PRE"
    NONE = "NONE"


class Anonymity(StrEnum):
    FORBIDDEN = "FORBIDDEN"
    ALLOWED = "ALLOWED"


class QuestionBoard(Row, table=True):
    network_id: UUID = ref("network")
    community_id: UUID = ref("community")
    title: str = Field(max_length=200)
    state: BoardState = choice(BoardState.SCHEDULED)
    moderation: Moderation = choice(Moderation.PRE)
    anonymity: Anonymity = choice(Anonymity.ALLOWED)
    published_count: int = 0
    opened_at: datetime | None = moment()
    closed_at: datetime | None = moment()
