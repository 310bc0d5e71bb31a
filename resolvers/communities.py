"""Communities: made, joined, left, and who holds which role."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col

from models import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    CommunityState,
    JoinPolicy,
    Kind,
    Member,
    MemberKind,
    Membership,
    MembershipState,
    Visibility,
    Visit,
)
from realtime import topics
from resolvers import attendance, combinations, graces, organisations, policy, visitors
from resolvers.context import Context
from resolvers.errors import Conflict, Forbidden, NotFound
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

IN_NETWORK = Listing("communities", policy.see_community, order=("name",), parent="network_id")
MEMBERSHIPS = Listing("memberships", policy.see_membership, order=("created_at",), parent="community_id")

ADMITTED = {
    Admits.INTERNALS: {MemberKind.INTERNAL},
    Admits.GUESTS: {MemberKind.INTERNAL, MemberKind.GUEST},
    Admits.EXTERNALS: {MemberKind.INTERNAL, MemberKind.GUEST, MemberKind.EXTERNAL},
}
STANDING = (MembershipState.INVITED, MembershipState.REQUESTED, MembershipState.ACTIVE)
INTERNAL_ROLES = CommunityRole.OWNER | CommunityRole.MANAGER | CommunityRole.RESPONDER


async def of_viewer(db: Reader, community_ids: Collection[UUID]) -> dict[UUID, Membership]:
    """The viewer's own membership of each of the communities, in whatever state."""
    mine = (Membership.member_id == Member.id, Member.principal_id == db.viewer)
    found = await db.find_all(Membership, col(Membership.community_id).in_(community_ids), *mine)
    return {membership.community_id: membership for membership in found}


async def create(
    ctx: Context,
    network_id: UUID,
    *,
    name: str,
    about: str,
    purpose: CommunityPurpose,
    admits: Admits,
    visibility: Visibility,
    join_policy: JoinPolicy | None,
) -> Community:
    """A new community, owned by the viewer. Without a join policy the widest legal one is taken."""
    with form() as check:
        name = check.text("name", name, most=100)
        about = check.text("about", about, most=5_000, least=0)
        join_policy = combinations.lawful(check, admits, visibility, join_policy)
    async with ctx.transaction() as tx:
        community = Community(
            network_id=network_id,
            name=name,
            about=about,
            purpose=purpose,
            admits=admits,
            visibility=visibility,
            join_policy=join_policy,
        )
        return tx.answer(await found(tx, community))


async def found(tx: Transaction, community: Community) -> Community:
    """Add it, if the viewer may and the network has a place for it, with the viewer for its owner."""
    is_held = community.admits is not Admits.INTERNALS  # so that the network does not cease to be hybrid meanwhile
    network = await tx.get(policy.create_community, community.network_id, lock=is_held)
    combinations.check_at_home(network, community.admits)
    owner = await entrant(tx, community.network_id)
    await tx.add(community)
    roles = CommunityRole.OWNER | CommunityRole.MEMBER
    await enter(tx, community, owner, MembershipState.ACTIVE, roles)
    return community


async def update(ctx: Context, community_id: UUID, *, name: str | None, about: str | None) -> Community:
    with form() as check:
        name = check.optional(check.text, "name", name, most=100)
        about = check.optional(check.text, "about", about, most=5_000, least=0)
    async with ctx.transaction() as tx:
        community = await tx.get(policy.edit_community, community_id)
        community.name = community.name if name is None else name
        community.about = community.about if about is None else about
        tx.announce([topics.community_activity(community_id)], Kind.ROW, community)
        return tx.answer(community)


async def archive(ctx: Context, community_id: UUID) -> Community:
    """Nothing can be written there any more; all stays readable."""
    async with ctx.transaction() as tx:
        community = await tx.get(policy.own_community, community_id)
        community.state = CommunityState.ARCHIVED
        tx.announce([topics.community_activity(community_id)], Kind.ROW, community)
        await visitors.end_visits_in(tx, community_id, community)
        return tx.answer(community)


async def join(ctx: Context, community_id: UUID) -> Membership:
    """Join, or ask to where joining is by request."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.join_community, community_id, lock=False)
        member = await entrant(tx, found.network_id)
        return tx.answer(await admit(tx, await tx.get(policy.join_community, community_id), member))


async def admit(tx: Transaction, community: Community, member: Member) -> Membership:
    """Somebody comes in, or asks to; with the roles for which they were invited, if they were. Both are locked."""
    membership = await _standing(tx, community.id, member.id)
    if membership and membership.state is MembershipState.ACTIVE:
        raise Conflict("The viewer belongs to it already.")
    is_invited = membership is not None and membership.state is MembershipState.INVITED
    is_welcome = is_invited or community.join_policy is JoinPolicy.OPEN
    state = MembershipState.ACTIVE if is_welcome else MembershipState.REQUESTED
    roles = CommunityRole(membership.roles) if membership and is_invited else CommunityRole.MEMBER
    return await enter(tx, community, member, state, roles)


async def invite(
    ctx: Context,
    community_id: UUID,
    *,
    member_id: UUID,
    roles: Collection[CommunityRole],
    override_competition: str | None = None,
) -> Membership:
    """Invite a member of the network; it is for the member to accept."""
    reason = organisations.checked_override(override_competition)
    async with ctx.transaction() as tx:
        found = await tx.get(policy.manage_community, community_id, lock=False)
        member = await entrant(tx, found.network_id, member_id)
        community = await tx.get(policy.manage_community, community_id)
        await _may_grant(tx, community, _bits(roles))
        await organisations.check_override(tx, community_id, reason)
        membership = await _standing(tx, community_id, member_id)
        if membership and membership.state in {MembershipState.ACTIVE, MembershipState.BANNED}:
            raise Conflict(f"This member is {membership.state.lower()} here.")
        is_asked_for = membership is not None and membership.state is MembershipState.REQUESTED
        state = MembershipState.ACTIVE if is_asked_for else MembershipState.INVITED
        return tx.answer(await enter(tx, community, member, state, _bits(roles), override=reason))


async def accept(ctx: Context, community_id: UUID) -> Membership:
    """Accept an invitation to the community."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.accept_membership, community_id, lock=False)
        member = await entrant(tx, found.network_id)
        community = await tx.get(policy.accept_membership, community_id)
        membership = await _standing(tx, community_id, member.id)
        if membership is None:
            raise NotFound
        _expect(membership, MembershipState.INVITED)
        roles = CommunityRole(membership.roles)
        return tx.answer(await enter(tx, community, member, MembershipState.ACTIVE, roles))


async def decline(ctx: Context, community_id: UUID) -> Membership:
    """Decline an invitation, or take back one's request."""
    async with ctx.transaction() as tx:
        community = await tx.get(policy.see_community, community_id)
        membership = await _standing(tx, community_id, (await tx.member(community.network_id)).id)
        if membership is None or membership.state not in {MembershipState.INVITED, MembershipState.REQUESTED}:
            raise Conflict("There is no invitation or request to take back.")
        return tx.answer(await _end(tx, community, membership, MembershipState.LEFT))


async def approve(ctx: Context, membership_id: UUID, *, override_competition: str | None = None) -> Membership:
    """Let somebody in who asked."""
    reason = organisations.checked_override(override_competition)
    async with ctx.transaction() as tx:
        found = await tx.get(policy.manage_membership, membership_id, lock=False)
        member = await tx.lock(Member, Member.id == found.member_id)
        membership, community = await _managed(tx, membership_id)
        _expect(membership, MembershipState.REQUESTED)
        await organisations.check_override(tx, community.id, reason)
        if member is None:
            raise NotFound
        roles = CommunityRole(membership.roles)
        return tx.answer(await enter(tx, community, member, MembershipState.ACTIVE, roles, override=reason))


async def leave(ctx: Context, community_id: UUID) -> Membership:
    async with ctx.transaction() as tx:
        found = await tx.get(policy.leave_community, community_id, lock=False)
        member = await entrant(tx, found.network_id)
        community = await tx.get(policy.leave_community, community_id)
        membership = await _standing(tx, community_id, member.id)
        if membership is None:
            raise NotFound
        await _keep_owner(tx, membership, CommunityRole(0))
        ended = await _end(tx, community, membership, MembershipState.LEFT)
        await graces.has_left(tx, member.id)
        return tx.answer(ended)


async def remove(ctx: Context, membership_id: UUID, *, ban: bool) -> Membership:
    """Put a member out, turn a request down, or take an invitation back. A ban lasts."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.manage_membership, membership_id, lock=False)
        await tx.lock(Member, Member.id == found.member_id)
        membership, community = await _managed(tx, membership_id)
        await _may_change(tx, community, membership)
        await _keep_owner(tx, membership, CommunityRole(0))
        state = MembershipState.BANNED if ban else MembershipState.REMOVED
        if ban:
            principal_id = await tx.find(Member.principal_id, Member.id == membership.member_id)
            await visitors.end_visits_in(tx, community.id, membership, Visit.principal_id == principal_id)
        ended = await _end(tx, community, membership, state)
        await graces.has_left(tx, membership.member_id)
        return tx.answer(ended)


async def change_roles(ctx: Context, membership_id: UUID, *, roles: Collection[CommunityRole]) -> Membership:
    """Give exactly these roles: to name a speaker, PRESENTER."""
    async with ctx.transaction() as tx:
        membership, community = await _managed(tx, membership_id)
        _expect(membership, MembershipState.ACTIVE)
        await _may_change(tx, community, membership)
        await _may_grant(tx, community, _bits(roles))
        await _keep_owner(tx, membership, _bits(roles))
        member = await tx.find(Member, Member.id == membership.member_id)
        if member is None:
            raise NotFound
        return tx.answer(await enter(tx, community, member, MembershipState.ACTIVE, _bits(roles)))


async def entrant(tx: Transaction, network_id: UUID, member_id: UUID | None = None) -> Member:
    """Who is to enter, the viewer if nobody is named. Locked before the community: the disabled enter nothing."""
    member = await tx.get(policy.see_member, member_id or (await tx.member(network_id)).id)
    if member.network_id != network_id:
        raise NotFound
    return member


async def check_adds_people(tx: Transaction, network_id: UUID, member: Member | None = None) -> None:
    """Whoever becomes a member or is invited is brought in by a colleague, or comes by themselves (table D4)."""
    actor = await tx.find(Member, Member.network_id == network_id, Member.principal_id == tx.viewer)
    is_oneself = actor is not None and member is not None and actor.id == member.id
    if actor and actor.kind is not MemberKind.INTERNAL and not is_oneself:
        raise Forbidden("guests_may_not_invite")


async def enter(
    tx: Transaction,
    community: Community,
    member: Member,
    state: MembershipState,
    roles: CommunityRole,
    *,
    override: str | None = None,
) -> Membership:
    """The one way into a community, whoever opens it: guests add nobody, and nobody enters who is not admitted."""
    await check_adds_people(tx, community.network_id, member)
    if not _is_admitted(community, member.kind, roles):
        raise Forbidden("not_admitted_here")
    if community.state is CommunityState.ARCHIVED:
        raise Conflict("This community is archived.")
    if not tx.is_here(member):
        raise Conflict("This member has left the network.")
    membership = await _standing(tx, community.id, member.id)
    if membership and membership.state is MembershipState.BANNED:
        raise Forbidden("banned_here")
    was_active = membership is not None and membership.state is MembershipState.ACTIVE
    if state in organisations.COMING and not was_active:
        reason = override or (membership.override_reason if membership else None)
        await organisations.check_apart(tx, community, member, override=reason)
    if membership is None:
        membership = Membership(network_id=community.network_id, community_id=community.id, member_id=member.id)
        membership.state, membership.roles = state, int(roles)
        await tx.add(membership)
    membership.state, membership.roles = state, int(roles)
    membership.override_reason = override or membership.override_reason
    await _tell(tx, community, membership, by=int(state is MembershipState.ACTIVE) - int(was_active))
    return membership


async def check_admitted(tx: Transaction, member: Member, kind: MemberKind) -> None:
    """Whether the member may stay wherever they stand, as somebody of this kind."""
    mine = (Membership.member_id == member.id, col(Membership.state).in_(STANDING))
    for membership in await tx.find_all(Membership, *mine):
        community = await tx.find(Community, Community.id == membership.community_id)
        roles = CommunityRole(membership.roles)
        if community is not None and not _is_admitted(community, kind, roles):
            raise Conflict("This member belongs to a community, or has a role there, that is not for this kind.")


def _is_admitted(community: Community, kind: MemberKind, roles: CommunityRole) -> bool:
    has_internal_role = bool(roles & INTERNAL_ROLES)
    return kind in ADMITTED[community.admits] and (kind is MemberKind.INTERNAL or not has_internal_role)


async def end_all(tx: Transaction, member: Member) -> None:
    """Nothing of what a member had here comes back with them, should they come back."""
    mine = (Membership.member_id == member.id, col(Membership.state).in_(STANDING))
    for found in await tx.find_all(Membership, *mine, order=col(Membership.community_id)):
        community = await tx.lock(Community, Community.id == found.community_id)
        membership = await tx.lock(Membership, Membership.id == found.id, *mine)  # it may have ended meanwhile
        if community and membership:
            await _end(tx, community, membership, MembershipState.LEFT)


async def _end(tx: Transaction, community: Community, membership: Membership, state: MembershipState) -> Membership:
    was_active = membership.state is MembershipState.ACTIVE
    membership.state, membership.roles, membership.override_reason = state, int(CommunityRole.MEMBER), None
    await _tell(tx, community, membership, by=-int(was_active))
    return membership


async def _tell(tx: Transaction, community: Community, membership: Membership, *, by: int) -> None:
    """The person's rights have changed; for everybody else only the head count."""
    principal_id = await tx.find(Member.principal_id, Member.id == membership.member_id)
    standing = topics.standing(principal_id, community.id)
    tx.announce([standing, topics.memberships(principal_id)], Kind.RIGHTS, membership)
    if by:
        await tx.count(Community.member_count, community, by)
        tx.announce([topics.community_activity(community.id)], Kind.COUNTERS, community)
        await attendance.recount(tx, community)


async def _managed(tx: Transaction, membership_id: UUID) -> tuple[Membership, Community]:
    """Both locked, the community first as everywhere: whoever locks in another order waits for ever."""
    found = await tx.get(policy.manage_membership, membership_id, lock=False)
    community = await tx.get(policy.manage_community, found.community_id)
    return await tx.get(policy.manage_membership, membership_id), community


async def _standing(tx: Transaction, community_id: UUID, member_id: UUID) -> Membership | None:
    return await tx.find(Membership, Membership.community_id == community_id, Membership.member_id == member_id)


async def _may_grant(tx: Transaction, community: Community, roles: CommunityRole) -> None:
    """Owners and managers are made by owners."""
    if roles & (CommunityRole.OWNER | CommunityRole.MANAGER):
        await tx.get(policy.own_community, community.id)


async def _may_change(tx: Transaction, community: Community, membership: Membership) -> None:
    """Owners and managers are changed by owners."""
    await _may_grant(tx, community, CommunityRole(membership.roles))


async def _keep_owner(tx: Transaction, membership: Membership, roles: CommunityRole) -> None:
    """There is always an owner. Asked under the lock of the community's row."""
    if not membership.roles & CommunityRole.OWNER or roles & CommunityRole.OWNER:
        return
    other = await tx.find(
        Membership,
        Membership.community_id == membership.community_id,
        Membership.state == MembershipState.ACTIVE,
        col(Membership.roles).bitwise_and(int(CommunityRole.OWNER)) != 0,
        Membership.id != membership.id,
        Membership.member_id == Member.id,
        policy.is_here(Member, tx.now),
    )
    if other is None:
        raise Conflict("A community keeps at least one owner.")


def _bits(roles: Collection[CommunityRole]) -> CommunityRole:
    bits = CommunityRole.MEMBER
    for role in roles:
        bits |= role
    return bits


def _expect(membership: Membership, state: MembershipState) -> None:
    if membership.state is not state:
        raise Conflict(f"The membership is {membership.state.lower()}, not {state.lower()}.")
