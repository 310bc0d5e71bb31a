"""Attendees: how they sign in, and how they are checked in."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from models import (
    Account,
    AccountState,
    Attendee,
    Community,
    CommunityRole,
    JoinPolicy,
    Member,
    Membership,
    MembershipState,
    Session,
    SignIn,
    SignInLink,
)
from resolvers import accounts, attendance, communities, guesses, policy, tickets
from resolvers.accounts import Begun
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, NotFound
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

LIFETIME = timedelta(days=7)  # of a sign-in link
GUESSED = "attendee"
IN_NETWORK = Listing("attendees", policy.see_attendee, order=("email",), parent="network_id")

BAD_LINK = Flaw("This link is not valid.", ("token",))
BAD_TICKET = Flaw("This ticket is not valid.", ("ticket",))


async def create_link(ctx: Context, attendee_id: UUID) -> tuple[Attendee, str]:
    """A link that signs in once, for an attendee without an account. Older ones are void."""
    async with ctx.transaction() as tx:
        attendee = await tx.get(policy.manage_attendee, attendee_id)
        principal_id = await _guest(tx, attendee)
        if principal_id is None:
            raise Conflict("Only an active attendee without an account signs in by a link.")
        unused = (col(SignInLink.principal_id) == principal_id, col(SignInLink.used_at).is_(None))
        await tx.raw(update(SignInLink).where(*unused).values(expires_at=tx.now))
        link, token = new_link(tx, principal_id)
        await tx.add(link)
        return tx.answer(attendee, secret=token), token


def new_link(tx: Transaction, principal_id: UUID) -> tuple[SignInLink, str]:
    token = accounts.new_token("link")
    row = SignInLink(principal_id=principal_id, token_hash=accounts.digest(token), expires_at=tx.now + LIFETIME)
    return row, token


async def _guest(db: Reader, attendee: Attendee) -> UUID | None:
    """The attendee's principal, if that is the list's own: whoever has an account signs in with it alone."""
    member = await db.find(Member, Member.id == attendee.member_id)
    if member is None or not db.is_here(member):
        return None
    has_account = await db.find(Account.id, Account.principal_id == member.principal_id)
    return None if has_account else member.principal_id


async def sign_in_with_link(ctx: Context, *, token: str) -> Begun:
    """Once."""
    this = SignInLink.token_hash == accounts.digest(token)
    guesses.check(ctx, GUESSED)
    async with ctx.reading() as db:
        found = await db.find(SignInLink, this)
    if found is None:
        raise guesses.wrong(ctx, GUESSED, BAD_LINK)
    async with ctx.transaction() as tx:
        link = await tx.lock(SignInLink, this)
        is_open = link is not None and link.used_at is None and link.expires_at > tx.now
        begun = await _begin(tx, link) if link and is_open else None
        if link is None or begun is None:
            raise guesses.wrong(ctx, GUESSED, BAD_LINK)
        link.used_at = tx.now
        return begun


async def _begin(tx: Transaction, link: SignInLink) -> Begun | None:
    """None if whoever had the link made may no longer sign in with it."""
    if link.by_mail:
        whose = (Account.principal_id == link.principal_id, Account.state == AccountState.ACTIVE)
        account = await tx.lock(Account, *whose)
        return await accounts.start_sign_in(tx, account) if account else None
    listed = (Attendee.member_id == Member.id, Member.principal_id == link.principal_id)
    attendee = await tx.find(Attendee, *listed)
    if attendee is None or await _guest(tx, attendee) != link.principal_id:
        return None
    return await accounts.begin_sign_in(tx, link.principal_id)


async def sign_in_with_ticket(ctx: Context, *, ticket: str) -> Begun:
    """On one device at a time: the one before it is signed out."""
    found = await _holder(ctx, ticket)
    async with ctx.transaction() as tx:
        attendee = await tx.lock(Attendee, Attendee.id == found.id)
        principal_id = await _guest(tx, attendee) if attendee and attendee.ticket_no == found.ticket_no else None
        if principal_id is None:
            raise guesses.wrong(ctx, GUESSED, BAD_TICKET)
        await accounts.end_sign_ins(tx, SignIn.principal_id == principal_id, col(SignIn.by_ticket))
        return await accounts.begin_sign_in(tx, principal_id, by_ticket=True)


async def _holder(ctx: Context, ticket: str) -> Attendee:
    guesses.check(ctx, GUESSED)
    async with ctx.reading() as db:
        found = await tickets.holder(db, ctx.means.cipher, ticket)
    if found is None:
        raise guesses.wrong(ctx, GUESSED, BAD_TICKET)
    return found


async def reissue_ticket(ctx: Context, attendee_id: UUID) -> tuple[Attendee, str]:
    """The ticket before it is void, and whoever signed in with it is signed out."""
    async with ctx.transaction() as tx:
        attendee = await tx.get(policy.manage_attendee, attendee_id)
        attendee.ticket_no += 1
        principal_id = await tx.find(Member.principal_id, Member.id == attendee.member_id)
        await accounts.end_sign_ins(tx, SignIn.principal_id == principal_id, col(SignIn.by_ticket))
        ticket = tickets.issue(ctx.means.cipher, attendee)
        return tx.answer(attendee, secret=ticket), ticket


async def check_in(ctx: Context, session_id: UUID, *, ticket: str) -> Membership:
    """Whoever is on the panel scans a ticket at the door: its holder is here, and joins on the spot."""
    async with ctx.reading() as db:
        await db.get(policy.scan_tickets, session_id)
    found = await _holder(ctx, ticket)
    async with ctx.transaction() as tx:
        member = await tx.lock(Member, Member.id == found.member_id)
        session = await tx.get(policy.scan_tickets, session_id, lock=False)
        is_here = member is not None and tx.is_here(member) and member.network_id == session.network_id
        if member is None or not is_here or not await _is_still_good(tx, found):
            raise guesses.wrong(ctx, GUESSED, BAD_TICKET)
        return tx.answer(await _come(tx, session, member))


async def _is_still_good(tx: Transaction, found: Attendee) -> bool:
    good: int | None = await tx.find(Attendee.ticket_no, Attendee.id == found.id)
    return good == found.ticket_no


async def _come(tx: Transaction, session: Session, member: Member) -> Membership:
    this = (Membership.community_id == session.community_id, Membership.member_id == member.id)
    community = await tx.lock(Community, Community.id == session.community_id)
    membership = await tx.lock(Membership, *this)
    if community and (membership is None or membership.state is not MembershipState.ACTIVE):
        if community.join_policy is not JoinPolicy.OPEN:
            await tx.get(policy.manage_community, community.id)
        is_invited = membership is not None and membership.state is MembershipState.INVITED
        roles = CommunityRole(membership.roles) if membership and is_invited else CommunityRole.MEMBER
        membership = await communities.enter(tx, community, member, MembershipState.ACTIVE, roles)
    if membership is None:
        raise NotFound
    await attendance.check_in(tx, session, membership)
    return membership
