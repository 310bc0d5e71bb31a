"""Answers already given: a retry with the same key gets the first one again."""

from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, ref


class Answer(Row, table=True):
    """`answer_noun` and `answer_id` name the row that was returned, `sealed` holds a token that was shown once."""

    __table_args__ = (UniqueConstraint("principal_id", "mutation", "key"),)

    principal_id: UUID = ref("principal", index=False)
    mutation: str = Field(max_length=64)
    key: str = Field(max_length=128)
    arguments_hash: bytes = Field(max_length=32)
    answer_noun: str = Field(default="", max_length=32)
    answer_id: UUID | None = None
    sealed: bytes | None = None
