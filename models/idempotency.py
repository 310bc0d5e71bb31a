"""Answers already given: a retry with the same key gets the first one again."""

from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from models.base import Row, ref


class Answer(Row, table=True):
    """`sealed` names the row that was returned, and holds a token that was shown once.

    Sealed, because the row may be a question that this principal asked anonymously.
    """

    __table_args__ = (UniqueConstraint("principal_id", "mutation", "key"), Index("ix_answer_age", "created_at"))

    principal_id: UUID = ref("principal", index=False)
    mutation: str = Field(max_length=64)
    key: str = Field(max_length=128)
    arguments_hash: bytes = Field(max_length=32)
    sealed: bytes | None = None
