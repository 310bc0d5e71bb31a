"""Topics, posts and ideas, and their revisions."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import Lifecycle, Row, choice, moment, ref


class ContentKind(StrEnum):
    TOPIC = "TOPIC"
    POST = "POST"
    IDEA = "IDEA"
    QUESTION = "QUESTION"


class AnswerState(StrEnum):
    UNANSWERED = "UNANSWERED"
    ANSWERED = "ANSWERED"
    RESOLVED = "RESOLVED"


class Content(Row, table=True):
    __table_args__ = (Index("ix_content_activity", "community_id", "published_at", "id"),)
    deciding: ClassVar = ("lifecycle", "tags")
    nouns: ClassVar = ("Topic", "Post", "Idea")

    network_id: UUID = ref("network")
    community_id: UUID = ref("community", index=False)
    # None when it began as a question that hides who asked.
    author_id: UUID | None = ref("member", default=None)
    question_id: UUID | None = ref("question", default=None, unique=True)
    kind: ContentKind = choice(ContentKind.TOPIC)
    title: str = Field(max_length=200)
    body: str = Field(default="", max_length=20_000)
    # Each tag between line ends: a feed's filter looks at them, so they must be among the deciding columns.
    tags: str = Field(default="\n", max_length=1_100)
    lifecycle: Lifecycle = choice(Lifecycle.PUBLISHED)
    published_at: datetime = moment()
    edited_at: datetime | None = moment()
    revision: int = 1
    comment_count: int = 0
    answer_state: AnswerState = choice(AnswerState.UNANSWERED)
    # No foreign key: content and comment would point at each other, which SQLite cannot create or drop in order.
    accepted_comment_id: UUID | None = None

    @property
    def noun(self) -> str:
        return self.kind.title()


class Revision(Row, table=True):
    """What a content said before it was edited. Immutable."""

    __table_args__ = (UniqueConstraint("content_id", "no"),)

    content_id: UUID = ref("content", index=False)
    author_id: UUID = ref("member")
    no: int
    title: str = Field(max_length=200)
    body: str = Field(max_length=20_000)
