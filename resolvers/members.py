"""Members of a network and their profiles."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlmodel import col

from models import (
    Account,
    EndedReason,
    Invitation,
    InvitationState,
    Kind,
    Member,
    MemberKind,
    MemberState,
    NetworkRole,
    Visit,
)
from realtime import topics
from resolvers import communities, graces, guests, organisations, policy, tasks, visitors
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Forbidden, Invalid
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

DIRECTORY = Listing("members", policy.see_member, order=("name",), parent="network_id")


async def of_viewer(db: Reader, network_ids: Collection[UUID]) -> dict[UUID, Member]:
    """The viewer as a member of each of the networks."""
    mine = (col(Member.network_id).in_(network_ids), Member.principal_id == db.viewer)
    return {member.network_id: member for member in await db.find_all(Member, *mine)}


async def update_profile(
    ctx: Context, member_id: UUID, *, name: str | None, headline: str | None, about: str | None
) -> Member:
    """Change one's own profile; what is not given stays."""
    with form() as check:
        name = check.optional(check.text, "name", name, most=100)
        headline = check.optional(check.text, "headline", headline, most=200, least=0)
        about = check.optional(check.text, "about", about, most=5_000, least=0)
    async with ctx.transaction() as tx:
        member = await tx.get(policy.edit_member, member_id)
        member.name = member.name if name is None else name
        member.headline = member.headline if headline is None else headline
        member.about = member.about if about is None else about
        return tx.answer(member)


async def change_role(ctx: Context, member_id: UUID, *, role: NetworkRole) -> Member:
    """What a member may administer. Owners are made and unmade by owners, and one stays."""
    async with ctx.transaction() as tx:
        member = await _administered(tx, member_id)
        await _check_owner(tx, member, becomes=role)
        if role is not NetworkRole.MEMBER and member.kind is not MemberKind.INTERNAL:
            raise Invalid(Flaw("Only internal members can have this role.", ("role",)))
        if role is NetworkRole.OWNER and not (tx.is_here(member) and member.expires_at is None):
            raise Conflict("An owner is active, and their time does not run out.")
        member.role = role
        return tx.answer(_tell(tx, member))


async def change_kind(ctx: Context, member_id: UUID, *, kind: MemberKind) -> Member:
    """How a member stands to the company. Nobody becomes a guest so: guests are invited, each by a sponsor."""
    if kind in {MemberKind.GUEST, MemberKind.SERVICE}:
        raise Invalid(Flaw(f"Nobody becomes a {kind.lower()} by being called one.", ("kind",)))
    async with ctx.transaction() as tx:
        member = await _administered(tx, member_id)
        if kind is not MemberKind.INTERNAL and member.role is not NetworkRole.MEMBER:
            raise Conflict("This member administers the network: take the role away first.")
        if kind is not member.kind:
            _check_stays(tx, member)
            await communities.check_admitted(tx, member, kind)
            if member.kind is MemberKind.GUEST:
                member.sponsor_id, member.purpose, member.expires_at = None, None, None
                member.renewal_due_at = None
            member.kind = kind
            await graces.has_sponsor_no_more(tx, *([member] if kind is not MemberKind.INTERNAL else []))
            await tasks.leave_all(tx, member)
        return tx.answer(_tell(tx, member))


async def change_organisation(ctx: Context, member_id: UUID, *, organisation_id: UUID | None) -> Member:
    """For whom a member works."""
    async with ctx.transaction() as tx:
        member = await _administered(tx, member_id)
        member.organisation_id = await organisations.of_network(tx, member.network_id, organisation_id)
        return tx.answer(_tell(tx, member))


async def change_expiry(ctx: Context, member_id: UUID, *, expires_at: datetime | None) -> Member:
    """Until when a member stands in the network; None lets them stay."""
    with form() as check:
        expires_at = check.moment("expiresAt", expires_at)
    async with ctx.transaction() as tx:
        member = await _administered(tx, member_id)
        if expires_at is not None and expires_at <= tx.now:
            raise Invalid(Flaw("This has passed: to end somebody's access, disable them.", ("input", "expiresAt")))
        if expires_at is not None and member.role is NetworkRole.OWNER:
            raise Conflict("The time of an owner does not run out.")
        _check_stays(tx, member)
        if member.kind is MemberKind.GUEST:
            await guests.check_stay(tx, member.network_id, expires_at, field="expiresAt")
        graces.set_stay(member, expires_at)
        return tx.answer(_tell(tx, member))


async def disable(ctx: Context, member_id: UUID) -> Member:
    """End a member's access to the network; what the member wrote stays."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.administer_member, member_id, lock=False)
        await tx.get(policy.see_network, found.network_id)  # locked: two owners must not disable each other
        await _revoke_invitations(tx, found)  # before the member is locked: whoever accepts one has that order
        member = await _administered(tx, member_id)
        await _check_owner(tx, member)
        member.state, member.ended_at, member.ended_reason = MemberState.DISABLED, tx.now, EndedReason.DISABLED
        await graces.has_sponsor_no_more(tx, member)
        await communities.end_all(tx, member)
        mine = (Visit.network_id == member.network_id, Visit.principal_id == member.principal_id)
        await visitors.end_visits_of(tx, member, *mine)
        return tx.answer(_tell(tx, member))


async def enable(ctx: Context, member_id: UUID) -> Member:
    """Let somebody in again who was disabled. They find themselves in no community."""
    async with ctx.transaction() as tx:
        member = await _administered(tx, member_id)
        if member.state is not MemberState.DISABLED:
            raise Conflict(f"This member is {member.state.lower()}, not disabled.")
        if member.kind is MemberKind.GUEST:
            raise Conflict("A guest comes by invitation into a community: invite them again.")
        await _check_owner(tx, member)
        member.state, member.ended_at, member.ended_reason = MemberState.ACTIVE, None, None
        if not tx.is_here(member):
            raise Conflict("The time of this member has run out: give them another first.")
        return tx.answer(_tell(tx, member))


async def _administered(tx: Transaction, member_id: UUID) -> Member:
    """Locked, and before it the network: what is asked of all of its members is asked by one at a time."""
    found = await tx.get(policy.administer_member, member_id, lock=False)
    await tx.get(policy.see_network, found.network_id)
    return await tx.get(policy.administer_member, member_id)


async def _check_owner(tx: Transaction, member: Member, *, becomes: NetworkRole | None = None) -> None:
    """Owners are made, changed and disabled by owners, and there is always one."""
    if NetworkRole.OWNER not in {member.role, becomes}:
        return
    if (await tx.member(member.network_id)).role is not NetworkRole.OWNER:
        rule = "owners_are_made_by_owners" if becomes is NetworkRole.OWNER else "owners_are_disabled_by_owners"
        raise Forbidden(rule)
    if becomes is not NetworkRole.OWNER and tx.is_here(member) and not await _has_other_owner(tx, member):
        raise Conflict("A network keeps at least one owner.")


def _check_stays(tx: Transaction, member: Member) -> None:
    """Nobody comes back by the way: a guest in grace is taken over, and whose time is over is invited."""
    if member.state is not MemberState.DISABLED and not tx.is_here(member):
        raise Conflict("This member has left the network.")


def _tell(tx: Transaction, member: Member) -> Member:
    """Whatever they may do has changed."""
    tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
    return member


async def _revoke_invitations(tx: Transaction, member: Member) -> None:
    """An invitation from before would lead back in."""
    email = await tx.find(Account.email, Account.principal_id == member.principal_id)
    pending = (Invitation.network_id == member.network_id, Invitation.email == email)
    for invitation in await tx.find_all(Invitation, *pending, Invitation.state == InvitationState.PENDING):
        invitation.state = InvitationState.REVOKED


async def _has_other_owner(tx: Transaction, member: Member) -> bool:
    other = await tx.find(
        Member,
        Member.network_id == member.network_id,
        Member.role == NetworkRole.OWNER,
        policy.is_here(Member, tx.now),
        col(Member.id) != member.id,
    )
    return other is not None
