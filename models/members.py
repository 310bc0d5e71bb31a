"""Members: an account's standing in one network, with the short profile that others see there."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import MemberKind, NetworkRole, Row, choice, maybe, moment, ref


class MemberState(StrEnum):
    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    GRACE = "GRACE"  # a guest for whom nobody vouches, until somebody does
    LEFT = "LEFT"


class EndedReason(StrEnum):
    """Why somebody is here no longer."""

    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"
    SPONSOR_LEFT = "SPONSOR_LEFT"
    NO_COMMUNITY = "NO_COMMUNITY"


class Attendance(StrEnum):
    ONSITE = "ONSITE"
    REMOTE = "REMOTE"
    NONE = "NONE"


class Member(Row, table=True):
    __table_args__ = (UniqueConstraint("network_id", "principal_id"),)

    network_id: UUID = ref("network", index=False)
    principal_id: UUID = ref("principal")
    kind: MemberKind = choice(MemberKind.INTERNAL)
    role: NetworkRole = choice(NetworkRole.MEMBER)
    state: MemberState = choice(MemberState.ACTIVE)
    # How they take part in an event; None where nobody is counted.
    attendance: Attendance | None = maybe(Attendance)
    name: str = Field(max_length=100)
    headline: str = Field(default="", max_length=200)
    about: str = Field(default="", max_length=5_000)
    organisation_id: UUID | None = ref("organisation", default=None)
    # Who vouches for a guest, and what the guest is here for.
    sponsor_id: UUID | None = ref("member", default=None)
    purpose: str | None = Field(default=None, max_length=500)
    # Until when they stand here; None for those who stay. It is cleared once all that ended with it has been ended.
    expires_at: datetime | None = moment(index=True)
    # From when on those who may renew a guest's time are reminded of it.
    renewal_due_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    ended_reason: EndedReason | None = maybe(EndedReason)
