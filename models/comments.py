"""Comments on a content."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Lifecycle, Row, choice, moment, ref


class Comment(Row, table=True):
    __table_args__ = (Index("ix_comment_thread", "content_id", "created_at", "id"),)
    deciding: ClassVar = ("lifecycle",)

    network_id: UUID = ref("network")
    content_id: UUID = ref("content", index=False)
    author_id: UUID = ref("member")
    body: str = Field(max_length=10_000)
    lifecycle: Lifecycle = choice(Lifecycle.PUBLISHED)
    edited_at: datetime | None = moment()
