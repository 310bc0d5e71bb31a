"""Questions on a board, their votes, and the seal over an anonymous asker."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, later, maybe, moment, ref

UNRANKED = 1_000_000


class QuestionState(StrEnum):
    PENDING = "PENDING"
    VISIBLE = "VISIBLE"
    ANSWERED = "ANSWERED"
    REJECTED = "REJECTED"
    MERGED = "MERGED"
    WITHDRAWN = "WITHDRAWN"
    DISMISSED = "DISMISSED"


class AnsweredHow(StrEnum):
    LIVE = "LIVE"
    TEXT = "TEXT"
    ELSEWHERE = "ELSEWHERE"


class QuestionSource(StrEnum):
    """Where it was asked from."""

    SESSION = "SESSION"
    STREAM = "STREAM"
    RECORDING = "RECORDING"


class Question(Row, table=True):
    __table_args__ = (Index("ix_question_activity", "community_id", "published_at", "id"),)
    deciding: ClassVar = ("state", "on_screen")

    network_id: UUID = ref("network")
    community_id: UUID = ref("community", index=False)
    board_id: UUID = ref("question_board")
    author_id: UUID | None = ref("member", default=None)
    anonymous: bool = False
    visitor_name: str | None = Field(default=None, max_length=50)
    # Tells one asker's questions on this board from another's, and no more than that.
    asker_handle: str | None = Field(default=None, max_length=16)
    source: QuestionSource = later(QuestionSource.SESSION)
    timecode_ms: int | None = None
    body: str = Field(max_length=500)
    state: QuestionState = choice(QuestionState.PENDING)
    # Given at publication, so that the gaps do not count what was rejected.
    number: int | None = None
    published_at: datetime | None = moment()
    edited_at: datetime | None = moment()
    withdrawn_at: datetime | None = moment()
    reject_reason: str | None = Field(default=None, max_length=500)
    rejected_by_id: UUID | None = ref("member", index=False, default=None)
    merged_into_id: UUID | None = ref("question", default=None)
    # Each label between line ends, as the tags of a content.
    labels: str | None = Field(default=None, max_length=600)
    private_labels: str | None = Field(default=None, max_length=600)
    # Its place where moderators set the order; what they have not placed comes after what they have.
    rank: int = later(UNRANKED)
    revision: int = later(1)
    on_screen: bool = False
    answered_at: datetime | None = moment()
    answered_how: AnsweredHow | None = maybe(AnsweredHow)
    answer: str | None = Field(default=None, max_length=5_000)
    answer_link: str | None = Field(default=None, max_length=500)
    answer_timecode_ms: int | None = None
    answer_window_id: UUID | None = ref("answer_window", default=None)
    votes: int = 0


class QuestionAddressee(Row, table=True):
    __table_args__ = (UniqueConstraint("question_id", "member_id"),)

    question_id: UUID = ref("question", index=False)
    member_id: UUID = ref("member")


class Vote(Row, table=True):
    __table_args__ = (UniqueConstraint("question_id", "principal_id"),)

    question_id: UUID = ref("question", index=False)
    principal_id: UUID = ref("principal")


class AuthorSeal(Row, table=True):
    """The only place that knows who asked anonymously."""

    question_id: UUID = ref("question", unique=True)
    principal_id: UUID = ref("principal")
