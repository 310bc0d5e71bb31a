"""Nominations: somebody asks that a person be let into a community; those who manage it decide."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from models.base import Row, choice, moment, ref


class NominationState(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"


class Nomination(Row, table=True):
    network_id: UUID = ref("network", index=False)
    community_id: UUID = ref("community")
    nominator_id: UUID = ref("member")
    name: str = Field(max_length=100)
    email: str = Field(max_length=254)
    organisation: str | None = Field(default=None, max_length=200)
    reason: str = Field(max_length=500)
    state: NominationState = choice(NominationState.PENDING)
    decided_at: datetime | None = moment()
    # Why not, for those who manage the community; the nominator is told the state alone.
    decline_reason: str | None = Field(default=None, max_length=500)
    invitation_id: UUID | None = ref("invitation", default=None)
