"""Graces: a guest for whom nobody vouches any more has no access, until somebody takes them over or time runs out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col

from models import EndedReason, Kind, Member, MemberKind, Membership, MembershipState, MemberState
from realtime import topics
from resolvers.session import Transaction

GRACE = timedelta(days=14)
WARNED_BEFORE = timedelta(days=14)


def set_stay(member: Member, until: datetime | None) -> None:
    """Until when; of a guest, those who may renew it are told some time before. A letter would be due then, too."""
    member.expires_at = until
    is_guest = member.kind is MemberKind.GUEST and until is not None
    member.renewal_due_at = until - WARNED_BEFORE if is_guest and until else None


async def has_sponsor_no_more(tx: Transaction, *sponsors: Member) -> None:
    """Guests of sponsors who are here no longer. Members are locked before any community: call it before those."""
    theirs = col(Member.sponsor_id).in_([sponsor.id for sponsor in sponsors])
    for guest in await _guests(tx, theirs) if sponsors else ():
        _begin(tx, guest, EndedReason.SPONSOR_LEFT)


async def has_left(tx: Transaction, member_id: UUID) -> None:
    """A guest who belongs nowhere any more is here for nothing. The member is locked."""
    await tx.flush()
    belongs = await tx.find(
        Membership.id, Membership.member_id == member_id, Membership.state == MembershipState.ACTIVE
    )
    if belongs is None:
        for guest in await _guests(tx, col(Member.id) == member_id):
            _begin(tx, guest, EndedReason.NO_COMMUNITY)


async def _guests(tx: Transaction, which: Any) -> Sequence[Member]:
    here = (Member.kind == MemberKind.GUEST, Member.state == MemberState.ACTIVE)
    return [guest for guest in await tx.lock_all(Member, which, *here) if tx.is_here(guest)]


def _begin(tx: Transaction, guest: Member, why: EndedReason) -> None:
    guest.state, guest.ended_at, guest.ended_reason = MemberState.GRACE, tx.now, why
    guest.expires_at, guest.renewal_due_at = min(guest.expires_at or tx.now + GRACE, tx.now + GRACE), None
    tx.announce([topics.person(guest.principal_id)], Kind.RIGHTS, guest)


def end(tx: Transaction, guest: Member, sponsor: Member, until: datetime) -> None:
    """Somebody vouches for the guest again."""
    guest.state, guest.ended_at, guest.ended_reason = MemberState.ACTIVE, None, None
    guest.sponsor_id = sponsor.id
    set_stay(guest, until)
    tx.announce([topics.person(guest.principal_id)], Kind.RIGHTS, guest)
