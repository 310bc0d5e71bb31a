"""Invitations: the way into a network."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from models import (
    NOBODY,
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
from resolvers import accounts, communities, graces, guests, letters, organisations, policy, tasks
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Forbidden, Invalid, NotFound
from resolvers.form import Form, form
from resolvers.letters import Facts, Occasion
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

LIFETIME = timedelta(days=14)
PURPOSE_MOST = 500
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
        if kind is MemberKind.GUEST:
            check.flaw("kind", "a guest is invited into a community, by those who manage it")
        if kind is not MemberKind.INTERNAL and role is not NetworkRole.MEMBER:
            check.flaw("role", "only internal members can have this role")
    async with ctx.transaction() as tx:
        await tx.get(policy.administer_network, network_id, lock=False)
        inviter = await tx.member(network_id)
        if role is NetworkRole.OWNER and inviter.role is not NetworkRole.OWNER:
            raise Forbidden("owners_are_made_by_owners")
        if community_id is not None:
            await _check_community(tx, network_id, community_id, kind)
        return await _issue(
            ctx, tx, inviter, locale=locale, community_id=community_id, email=email, kind=kind, role=role
        )


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
    _check_admits(community, kind)


def _check_admits(community: Community, kind: MemberKind) -> None:
    if kind not in communities.ADMITTED[community.admits]:
        raise Forbidden("not_admitted_here")


@dataclass(frozen=True)
class Guest:
    """Who is to come, what for, and until when."""

    email: str
    purpose: str
    stays_until: datetime
    organisation_id: UUID | None = None
    override_competition: str | None = None

    def checked(self, check: Form) -> "Guest":
        return Guest(
            check.email("email", self.email),
            check.text("purpose", self.purpose, most=PURPOSE_MOST),
            check.moment("staysUntil", self.stays_until) or self.stays_until,
            self.organisation_id,
            check.optional(check.text, "overrideCompetition", self.override_competition, most=500),
        )

    def called(self, email: str) -> "Guest":
        return replace(self, email=email)


async def invite_guest(ctx: Context, community_id: UUID, guest: Guest) -> tuple[Invitation, str]:
    """Invite somebody from outside into a community. Whoever invites vouches for them. The token is told once."""
    with form() as check:
        guest = guest.checked(check)
    async with ctx.transaction() as tx:
        community = await tx.get(policy.invite_guest, community_id, lock=False)
        return await issue_to_guest(ctx, tx, community, guest)


async def issue_to_guest(ctx: Context, tx: Transaction, community: Community, guest: Guest) -> tuple[Invitation, str]:
    """For a guest in good form, into a community into which the viewer may invite guests."""
    _check_admits(community, MemberKind.GUEST)
    await guests.check_stay(tx, community.network_id, guest.stays_until, field="staysUntil")
    organisation_id = await organisations.of_network(tx, community.network_id, guest.organisation_id)
    await organisations.check_override(tx, community.id, guest.override_competition)
    expected = Member(network_id=community.network_id, principal_id=NOBODY, name="")
    expected.organisation_id = organisation_id
    await organisations.check_apart(tx, community, expected, override=guest.override_competition)
    return await _issue(
        ctx,
        tx,
        await tx.member(community.network_id),
        community_id=community.id,
        email=guest.email,
        kind=MemberKind.GUEST,
        purpose=guest.purpose,
        organisation_id=organisation_id,
        override_reason=guest.override_competition,
        stays_until=guest.stays_until,
    )


async def _issue(
    ctx: Context,
    tx: Transaction,
    inviter: Member,
    *,
    stays_until: datetime | None = None,
    locale: str | None = None,
    **columns: Any,
) -> tuple[Invitation, str]:
    """The one way in which an invitation is made and sent, whoever invites: guests add nobody."""
    await communities.check_adds_people(tx, inviter.network_id)
    token = accounts.new_token("invitation")
    invitation = Invitation(
        network_id=inviter.network_id,
        inviter_id=inviter.id,
        token_hash=accounts.digest(token),
        expires_at=min(tx.now + LIFETIME, stays_until or tx.now + LIFETIME),
        stays_until=stays_until,
        **columns,
    )
    await tx.add(invitation)
    await _send(tx, ctx, invitation, inviter, token, locale)
    return tx.answer(invitation, secret=token), token


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
    if invitation.kind is MemberKind.GUEST:
        rules = [policy.invite_guest, *([policy.own_community] if invitation.override_reason else [])]
        return community_id is not None and all([await db.audience(rule.now, community_id, viewers) for rule in rules])
    if not await db.audience(policy.administer_network.now, invitation.network_id, viewers):
        return False
    return community_id is None or bool(await db.audience(policy.manage_community.now, community_id, viewers))


async def _locked(tx: Transaction, token: str) -> Invitation:
    """As `_open`; of two who use or revoke it at once, one is first."""
    held = await tx.lock(Invitation, Invitation.token_hash == accounts.digest(token))
    if held is not None and held.kind is MemberKind.GUEST:  # whoever goes meanwhile vouches for nobody
        await tx.lock(Member, Member.id == held.inviter_id)
    return await _open(tx, token)


async def _redeem(tx: Transaction, invitation: Invitation, account: Account) -> Member:
    known = member = await tx.lock(
        Member, Member.network_id == invitation.network_id, Member.principal_id == account.principal_id
    )
    if member and tx.is_here(member):
        return await _come_too(tx, invitation, member)
    if member and member.state is MemberState.DISABLED:
        await _check_enables(tx, invitation)
    if member is None:
        member = Member(network_id=invitation.network_id, principal_id=account.principal_id, name=account.display_name)
        await tx.add(member)
    if known is not None:
        await communities.end_all(tx, known)  # of one who expired a moment ago something may be left
    is_another = invitation.kind is not member.kind
    member.kind, member.role, member.state = invitation.kind, invitation.role, MemberState.ACTIVE
    member.ended_at = member.ended_reason = None
    is_guest = invitation.kind is MemberKind.GUEST
    member.sponsor_id = invitation.inviter_id if is_guest else None
    member.organisation_id = invitation.organisation_id or member.organisation_id
    member.purpose = invitation.purpose
    graces.set_stay(member, invitation.stays_until)
    tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
    await _enter(tx, invitation, member)
    if known is not None and is_another:
        await tasks.leave_all(tx, known)
    return member


async def _check_enables(tx: Transaction, invitation: Invitation) -> None:
    """Whom those who administer the network have put out nobody else lets in again."""
    inviter = await tx.find(Member.principal_id, Member.id == invitation.inviter_id)
    if not await tx.audience(policy.administer_network.now, invitation.network_id, {inviter}):
        raise Invalid(Flaw("This invitation is not valid.", ("token",)))


async def _come_too(tx: Transaction, invitation: Invitation, member: Member) -> Member:
    """A guest may be a guest of several communities; for whom, what for and until when stays as it is."""
    if not member.kind is invitation.kind is MemberKind.GUEST:
        raise Conflict("This account is a member of the network.")
    await _enter(tx, invitation, member)
    return member


async def _enter(tx: Transaction, invitation: Invitation, member: Member) -> None:
    invitation.state = InvitationState.ACCEPTED
    community = await tx.lock(Community, Community.id == invitation.community_id)
    if community is not None:
        override, roles = invitation.override_reason, CommunityRole.MEMBER
        await communities.enter(tx, community, member, MembershipState.ACTIVE, roles, override=override)
