"""Guests: outsiders for whom a colleague vouches, for a purpose and until a moment (table D4)."""

from datetime import datetime, timedelta
from uuid import UUID

from models import CommunityRole, Kind, Member, Membership, MembershipState, Network
from realtime import topics
from resolvers import communities, graces, policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Forbidden, Invalid
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Transaction

TO_RENEW = Listing("guests_to_renew", policy.remind_of_guest, order=("expires_at",), parent="network_id")


async def check_stay(tx: Transaction, network_id: UUID, until: datetime | None, *, field: str) -> None:
    """A guest goes at a moment, and not later than the network lets guests stay."""
    most: int = await tx.find(Network.guest_days_most, Network.id == network_id)
    if until is None or not tx.now < until <= tx.now + timedelta(days=most):
        raise Invalid(Flaw(f"A guest stays until a moment within the next {most} days.", ("input", field)))


async def renew(ctx: Context, member_id: UUID, *, stays_until: datetime) -> Member:
    """They are still there, and still needed: say until when, before their time is over."""
    with form() as check:
        until = check.moment("staysUntil", stays_until) or stays_until
    async with ctx.transaction() as tx:
        guest = await tx.get(policy.renew_guest, member_id)
        await check_stay(tx, guest.network_id, until, field="staysUntil")
        graces.set_stay(guest, until)
        tx.announce([topics.person(guest.principal_id)], Kind.RIGHTS, guest)
        return tx.answer(guest)


async def take_over(ctx: Context, member_id: UUID, *, stays_until: datetime, community_id: UUID | None) -> Member:
    """Vouch for a guest in place of whoever did; into a community, which it takes if they belong to none."""
    with form() as check:
        until = check.moment("staysUntil", stays_until) or stays_until
    async with ctx.transaction() as tx:
        found = await tx.get(policy.take_over_guest, member_id, lock=False)
        sponsor = await communities.entrant(tx, found.network_id)  # before their guests: who goes looks for those then
        guest = await tx.get(policy.take_over_guest, member_id)
        await check_stay(tx, guest.network_id, until, field="staysUntil")
        if not await _may_have(tx, guest, takes_along=community_id is not None):
            raise Forbidden("guests_are_taken_over_by_those_who_manage_their_community")
        graces.end(tx, guest, sponsor, until)
        if community_id is not None:
            await _let_in(tx, guest, community_id)
        return tx.answer(guest)


async def _may_have(tx: Transaction, guest: Member, *, takes_along: bool) -> bool:
    """Whoever belongs somewhere is for those who manage there: they get all of it back. Who does not goes along."""
    theirs = (Membership.member_id == guest.id, Membership.state == MembershipState.ACTIVE)
    memberships = await tx.find_all(Membership, *theirs)
    manages = [await tx.audience(policy.manage_community.now, found.community_id, {tx.viewer}) for found in memberships]
    return any(manages) if memberships else takes_along


async def _let_in(tx: Transaction, guest: Member, community_id: UUID) -> None:
    community = await tx.get(policy.invite_guest, community_id)
    if community.network_id != guest.network_id:
        raise Conflict("This community is in another network.")
    await communities.enter(tx, community, guest, MembershipState.ACTIVE, CommunityRole.MEMBER)
