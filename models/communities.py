"""Communities and who belongs to them."""

from datetime import datetime
from enum import IntFlag, StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, moment, ref


class Admits(StrEnum):
    INTERNALS = "INTERNALS"
    GUESTS = "GUESTS"
    EXTERNALS = "EXTERNALS"


class Visibility(StrEnum):
    OPEN = "OPEN"
    PRIVATE = "PRIVATE"
    HIDDEN = "HIDDEN"


class JoinPolicy(StrEnum):
    OPEN = "OPEN"
    REQUEST = "REQUEST"
    INVITE = "INVITE"


class CommunityPurpose(StrEnum):
    DEPARTMENT = "DEPARTMENT"
    ESCALATION = "ESCALATION"
    SESSION = "SESSION"
    MEETING = "MEETING"
    CUSTOMER = "CUSTOMER"
    INTEREST = "INTEREST"
    OTHER = "OTHER"


class CommunityState(StrEnum):
    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class MembershipState(StrEnum):
    INVITED = "INVITED"
    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    LEFT = "LEFT"
    REMOVED = "REMOVED"
    BANNED = "BANNED"


class CommunityRole(IntFlag):
    """Roles combine, so they are bits: a rule can ask for any of several in one comparison."""

    MEMBER = 1
    PRESENTER = 2
    RESPONDER = 4
    MANAGER = 8
    OWNER = 16


class Community(Row, table=True):
    network_id: UUID = ref("network")
    name: str = Field(max_length=100)
    about: str = Field(default="", max_length=5_000)
    purpose: CommunityPurpose = choice(CommunityPurpose.OTHER)
    admits: Admits = choice(Admits.INTERNALS)
    visibility: Visibility = choice(Visibility.OPEN)
    join_policy: JoinPolicy = choice(JoinPolicy.OPEN)
    state: CommunityState = choice(CommunityState.ACTIVE)
    member_count: int = 0


class Membership(Row, table=True):
    __table_args__ = (UniqueConstraint("community_id", "member_id"),)
    deciding: ClassVar = ("state", "roles")

    network_id: UUID = ref("network", index=False)
    community_id: UUID = ref("community", index=False)
    member_id: UUID = ref("member")
    roles: int = CommunityRole.MEMBER
    state: MembershipState = choice(MembershipState.ACTIVE)
    checked_in_at: datetime | None = moment()
    # Why an owner let them in although competitors are there.
    override_reason: str | None = Field(default=None, max_length=500)
