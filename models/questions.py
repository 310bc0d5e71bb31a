"""Questions on a board, their votes, and the seal over an anonymous asker."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, maybe, moment, ref


class QuestionState(StrEnum):
    PENDING = "PENDING"
    VISIBLE = "VISIBLE"
    ANSWERED = "ANSWERED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    DISMISSED = "DISMISSED"


class AnsweredHow(StrEnum):
    LIVE = "LIVE"
    TEXT = "TEXT"
    ELSEWHERE = "ELSEWHERE"


class Question(Row, table=True):
    __table_args__ = (Index("ix_question_activity", "community_id", "published_at", "id"),)
    deciding: ClassVar = ("state", "on_screen")

    network_id: UUID = ref("network")
    community_id: UUID = ref("community", index=False)
    board_id: UUID = ref("question_board")
    author_id: UUID | None = ref("member", default=None)
    anonymous: bool = False
    body: str = Field(max_length=500)
    state: QuestionState = choice(QuestionState.PENDING)
    # Given at publication, so that the gaps do not count what was rejected.
    number: int | None = None
    published_at: datetime | None = moment()
    reject_reason: str | None = Field(default=None, max_length=500)
    on_screen: bool = False
    answered_at: datetime | None = moment()
    answered_how: AnsweredHow | None = maybe(AnsweredHow)
    votes: int = 0


class Vote(Row, table=True):
    __table_args__ = (UniqueConstraint("question_id", "principal_id"),)

    question_id: UUID = ref("question", index=False)
    principal_id: UUID = ref("principal")


class AuthorSeal(Row, table=True):
    """The only place that knows who asked anonymously."""

    question_id: UUID = ref("question", unique=True)
    principal_id: UUID = ref("principal")
