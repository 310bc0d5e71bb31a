"""Invitations into a network: the only way in for somebody without an account there."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from models.base import MemberKind, NetworkRole, Row, choice, moment, ref


class InvitationState(StrEnum):
    PENDING = "PENDING"
    ACCEPTED = "ACCEPTED"
    REVOKED = "REVOKED"


class Invitation(Row, table=True):
    network_id: UUID = ref("network")
    inviter_id: UUID = ref("member")
    community_id: UUID | None = ref("community", default=None)
    email: str = Field(max_length=254)
    kind: MemberKind = choice(MemberKind.INTERNAL)
    role: NetworkRole = choice(NetworkRole.MEMBER)
    token_hash: bytes = Field(max_length=32, unique=True)
    state: InvitationState = choice(InvitationState.PENDING)
    expires_at: datetime = moment()
    organisation_id: UUID | None = ref("organisation", default=None)
    # Why an owner lets them in although competitors are there.
    override_reason: str | None = Field(default=None, max_length=500)
    # Of a guest: what they will be here for, and until when.
    purpose: str | None = Field(default=None, max_length=500)
    stays_until: datetime | None = moment()
