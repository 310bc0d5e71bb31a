"""Letters: what is to leave by e-mail, and what has become of it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from models.base import Row, choice, moment


class LetterState(StrEnum):
    WAITING = "WAITING"
    SENT = "SENT"
    KEPT = "KEPT"  # in the outbox of development
    REFUSED = "REFUSED"  # by the mail server, for good
    GIVEN_UP = "GIVEN_UP"  # after many tries
    VOID = "VOID"  # too late, or wanted no longer


class Letter(Row, table=True):
    """`sealed` is what the template needs, secrets among it; it is gone as soon as nobody gets the letter any more.

    `due_at` is when something is to be done with it next: to try it, or to forget it. While a process has it, it is
    when that process must have let go of it. `reason` is the class of what last went wrong.
    """

    __table_args__ = (Index("ix_letter_due", "state", "due_at"),)

    template: str = Field(max_length=64)
    locale: str = Field(max_length=16)
    email: str = Field(max_length=254)
    about_id: UUID | None = None
    sealed: bytes | None = None
    state: LetterState = choice(LetterState.WAITING)
    due_at: datetime = moment()
    expires_at: datetime = moment()
    tries: int = 0
    reason: str | None = Field(default=None, max_length=32)
    settled_at: datetime | None = moment()
