"""Members of a network and their profiles."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col

from models import Account, Invitation, InvitationState, Kind, Member, MemberState, NetworkRole, Visit
from realtime import topics
from resolvers import communities, policy, visitors
from resolvers.context import Context
from resolvers.errors import Conflict, Forbidden
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


async def disable(ctx: Context, member_id: UUID) -> Member:
    """End a member's access to the network; what the member wrote stays."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.disable_member, member_id, lock=False)
        await tx.get(policy.see_network, found.network_id)  # locked: two owners must not disable each other
        await _revoke_invitations(tx, found)  # before the member is locked: whoever accepts one has that order
        member = await tx.get(policy.disable_member, member_id)
        actor = await tx.member(member.network_id)
        if member.role is NetworkRole.OWNER and actor.role is not NetworkRole.OWNER:
            raise Forbidden("owners_are_disabled_by_owners")
        if member.role is NetworkRole.OWNER and not await _has_other_owner(tx, member):
            raise Conflict("A network keeps at least one owner.")
        member.state = MemberState.DISABLED
        await communities.end_all(tx, member)
        mine = (Visit.network_id == member.network_id, Visit.principal_id == member.principal_id)
        await visitors.end_visits_of(tx, member, *mine)
        tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
        return tx.answer(member)


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
        Member.state == MemberState.ACTIVE,
        col(Member.id) != member.id,
    )
    return other is not None
