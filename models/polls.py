"""Polls on a board: one question, its options, and one ballot for each voter."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, moment, ref


class PollState(StrEnum):
    DRAFT = "DRAFT"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    WITHDRAWN = "WITHDRAWN"


class PollResults(StrEnum):
    """When those who vote see how the others did."""

    ALWAYS = "ALWAYS"
    AFTER_CLOSE = "AFTER_CLOSE"


class Poll(Row, table=True):
    deciding: ClassVar = ("state",)

    network_id: UUID = ref("network")
    community_id: UUID = ref("community")
    board_id: UUID = ref("question_board")
    title: str = Field(max_length=300)
    choices_most: int = 1
    anonymous: bool = True
    results: PollResults = choice(PollResults.ALWAYS)
    state: PollState = choice(PollState.DRAFT)
    voters: int = 0
    opened_at: datetime | None = moment()
    closed_at: datetime | None = moment()


class PollOption(Row, table=True):
    poll_id: UUID = ref("poll")
    position: int
    text: str = Field(max_length=200)
    votes: int = 0


class Ballot(Row, table=True):
    """That somebody has voted: once, whatever and however often they choose."""

    __table_args__ = (UniqueConstraint("poll_id", "principal_id"),)

    poll_id: UUID = ref("poll", index=False)
    principal_id: UUID = ref("principal")


class BallotChoice(Row, table=True):
    __table_args__ = (UniqueConstraint("ballot_id", "option_id"),)

    ballot_id: UUID = ref("ballot", index=False)
    option_id: UUID = ref("poll_option")
