"""Invitations: the way into a network."""

from datetime import timedelta
from uuid import UUID

from models import (
    Account,
    Community,
    CommunityRole,
    Invitation,
    InvitationState,
    Kind,
    Letter,
    Member,
    MemberKind,
    MembershipState,
    MemberState,
    Network,
    NetworkRole,
)
from realtime import topics
from resolvers import accounts, communities, letters, policy, tasks
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Forbidden, Invalid, NotFound
from resolvers.form import form
from resolvers.letters import Facts, Occasion
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

LIFETIME = timedelta(days=14)
IN_NETWORK = Listing("invitations", policy.see_invitation, order=("-created_at",), parent="network_id")


async def add_member(
    ctx: Context,
    network_id: UUID,
    *,
    email: str,
    kind: MemberKind,
    role: NetworkRole,
    community_id: UUID | None,
    locale: str | None = None,
) -> tuple[Invitation, str]:
    """Invite somebody into the network, and into one community if named. The token is told once, and sent."""
    with form() as check:
        email = check.email("email", email)
        if kind is MemberKind.SERVICE:
            check.flaw("kind", "a service is no person; make a kiosk key")
        if kind is MemberKind.GUEST and community_id is None:
            check.flaw("communityId", "a guest is invited into a community")
        if kind is not MemberKind.INTERNAL and role is not NetworkRole.MEMBER:
            check.flaw("role", "only internal members can have this role")
    async with ctx.transaction() as tx:
        await tx.get(policy.administer_network, network_id, lock=False)
        inviter = await tx.member(network_id)
        if role is NetworkRole.OWNER and inviter.role is not NetworkRole.OWNER:
            raise Forbidden("owners_are_made_by_owners")
        if community_id is not None:
            await _check_community(tx, network_id, community_id, kind)
        token = accounts.new_token("invitation")
        invitation = Invitation(
            network_id=network_id,
            inviter_id=inviter.id,
            community_id=community_id,
            email=email,
            kind=kind,
            role=role,
            token_hash=accounts.digest(token),
            expires_at=tx.now + LIFETIME,
        )
        await tx.add(invitation)
        await _send(tx, ctx, invitation, inviter, token, locale)
        return tx.answer(invitation, secret=token), token


async def _send(
    tx: Transaction, ctx: Context, invitation: Invitation, inviter: Member, token: str, locale: str | None
) -> None:
    community_id = invitation.community_id
    await letters.post(
        tx,
        ctx.means,
        INVITATION,
        to=invitation.email,
        about_id=invitation.id,
        locale=locale,
        token=token,
        inviter=inviter.name,
        network=await tx.find(Network.name, Network.id == invitation.network_id),
        community=await tx.find(Community.name, Community.id == community_id) if community_id else "",
    )


async def _is_open(ctx: Context, _letter: Letter, facts: Facts) -> bool:
    """Whether it could be used: it may have been taken back, or its inviter's rights be gone."""
    try:
        async with ctx.reading() as db:
            await _open(db, facts["token"])
    except Invalid:
        return False
    return True


INVITATION = Occasion("invitation", LIFETIME, _is_open)


async def _check_community(tx: Transaction, network_id: UUID, community_id: UUID, kind: MemberKind) -> None:
    community = await tx.get(policy.edit_community, community_id, lock=False)
    if community.network_id != network_id:
        raise NotFound
    if kind not in communities.ADMITTED[community.admits]:
        raise Forbidden("not_admitted_here")


async def revoke(ctx: Context, invitation_id: UUID) -> Invitation:
    async with ctx.transaction() as tx:
        invitation = await tx.get(policy.revoke_invitation, invitation_id)
        if invitation.state is not InvitationState.PENDING:
            raise Conflict("This invitation has been used.")
        invitation.state = InvitationState.REVOKED
        return tx.answer(invitation)


async def sign_up(ctx: Context, *, token: str, name: str, password: str) -> accounts.Started:
    """Make an account from an invitation and sign it in."""
    with form() as check:
        name = check.text("name", name, most=100)
        password = check.password("password", password)
    async with ctx.reading() as db:
        await _open(db, token)
    password_hash = await ctx.means.passwords.hash(password)
    async with ctx.transaction() as tx:
        invitation = await _locked(tx, token)
        if await tx.find(Account, Account.email == invitation.email):
            raise Conflict("This e-mail has an account: sign in, then accept the invitation.")
        account = await accounts.create(tx, email=invitation.email, name=name, password_hash=password_hash)
        await _redeem(tx, invitation, account)
        return await accounts.start_sign_in(tx, account)


async def accept(ctx: Context, *, token: str) -> Member:
    """Accept an invitation with the account that one has."""
    async with ctx.transaction() as tx:
        account = await tx.find(Account, Account.principal_id == ctx.somebody())
        invitation = await _locked(tx, token)
        if account is None or account.email != invitation.email:
            raise Forbidden("invitation_is_for_another_address")
        return tx.answer(await _redeem(tx, invitation, account))


async def _open(db: Reader, token: str) -> Invitation:
    """The invitation, if it can still be used: whoever made it must still be allowed to."""
    invitation = await db.find(Invitation, Invitation.token_hash == accounts.digest(token))
    if invitation is None or invitation.state is not InvitationState.PENDING or invitation.expires_at <= db.now:
        raise Invalid(Flaw("This invitation is not valid.", ("token",)))
    inviter = await db.find(Member, Member.id == invitation.inviter_id)
    if inviter is None or not await _may_still(db, inviter, invitation):
        raise Invalid(Flaw("This invitation is not valid.", ("token",)))
    return invitation


async def _may_still(db: Reader, inviter: Member, invitation: Invitation) -> bool:
    """Whether the inviter could still invite so: into the network, and into the community if one is named."""
    if invitation.role is NetworkRole.OWNER and inviter.role is not NetworkRole.OWNER:
        return False
    viewers, community_id = {inviter.principal_id}, invitation.community_id
    if not await db.audience(policy.administer_network.now, invitation.network_id, viewers):
        return False
    return community_id is None or bool(await db.audience(policy.manage_community.now, community_id, viewers))


async def _locked(tx: Transaction, token: str) -> Invitation:
    """As `_open`; of two who use or revoke it at once, one is first."""
    await tx.lock(Invitation, Invitation.token_hash == accounts.digest(token))
    return await _open(tx, token)


async def _redeem(tx: Transaction, invitation: Invitation, account: Account) -> Member:
    known = member = await tx.lock(
        Member, Member.network_id == invitation.network_id, Member.principal_id == account.principal_id
    )
    if member and member.state is MemberState.ACTIVE:
        raise Conflict("This account is a member of the network.")
    if member is None:
        member = Member(network_id=invitation.network_id, principal_id=account.principal_id, name=account.display_name)
        await tx.add(member)
    is_another = invitation.kind is not member.kind
    member.kind, member.role, member.state = invitation.kind, invitation.role, MemberState.ACTIVE
    invitation.state = InvitationState.ACCEPTED
    tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
    if invitation.community_id is not None:
        community = await tx.lock(Community, Community.id == invitation.community_id)
        if community is not None:
            await communities.enter(tx, community, member, MembershipState.ACTIVE, CommunityRole.MEMBER)
    if known is not None and is_another:
        await tasks.leave_all(tx, known)
    return member
