"""Question boards: where an audience asks and a panel answers, and when."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, later, moment, ref


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
    DEFAULT = "DEFAULT"
    FORCED = "FORCED"


class ShowCounts(StrEnum):
    ALWAYS = "ALWAYS"
    AFTER_CLOSE = "AFTER_CLOSE"
    MODERATORS = "MODERATORS"


class BoardOrder(StrEnum):
    TOP = "TOP"
    NEW = "NEW"
    MANUAL = "MANUAL"
    UNANSWERED = "UNANSWERED"
    RECORDING = "RECORDING"


class VisitorRights(StrEnum):
    NONE = "NONE"
    READ = "READ"
    ASK = "ASK"
    ASK_AND_VOTE = "ASK_AND_VOTE"


class Unanswered(StrEnum):
    """What becomes of the questions that nobody answered, when a board closes."""

    TOPICS = "TOPICS"
    DISMISSED = "DISMISSED"


class QuestionBoard(Row, table=True):
    deciding: ClassVar = ("state", "visitors")

    network_id: UUID = ref("network")
    community_id: UUID = ref("community")
    title: str = Field(max_length=200)
    state: BoardState = choice(BoardState.SCHEDULED)
    moderation: Moderation = choice(Moderation.PRE)
    anonymity: Anonymity = choice(Anonymity.ALLOWED)
    show_counts: ShowCounts = later(ShowCounts.ALWAYS)
    order: BoardOrder = later(BoardOrder.TOP)
    max_length: int = later(500)
    open_per_asker: int = later(3)
    asks_per_minute: int = later(2)
    votes_per_person: int | None = None
    published_count: int = 0
    opens_at: datetime | None = moment()
    opened_at: datetime | None = moment()
    closed_at: datetime | None = moment()
    join_code: str | None = Field(default=None, max_length=8, unique=True)
    visitors: VisitorRights = later(VisitorRights.NONE)
    # The last time that strikingly many visitors came at once, and how many.
    burst_at: datetime | None = moment()
    burst_size: int = later(0)


class AnswerWindow(Row, table=True):
    """A time when somebody answers. A board may have several, for several parts of the world."""

    network_id: UUID = ref("network")
    board_id: UUID = ref("question_board")
    starts_at: datetime = moment()
    ends_at: datetime = moment()
    time_zone: str = Field(max_length=64)


class WindowAnswerer(Row, table=True):
    __table_args__ = (UniqueConstraint("window_id", "member_id"),)

    window_id: UUID = ref("answer_window", index=False)
    member_id: UUID = ref("member")


class AskerMute(Row, table=True):
    """An asker of this board whose questions are refused: by handle, because nobody is to know who it is."""

    __table_args__ = (UniqueConstraint("board_id", "handle"),)

    board_id: UUID = ref("question_board", index=False)
    handle: str = Field(max_length=16)
