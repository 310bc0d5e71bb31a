"""Accounts and their sign-ins: opaque tokens, stored hashed, limited when they fail."""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from models import (
    Account,
    AccountState,
    Attendee,
    Kind,
    KioskKey,
    Member,
    Principal,
    SignIn,
    SignInLink,
    Visitor,
)
from realtime import topics
from resolvers.context import Context, Known, ViewerKind
from resolvers.errors import Conflict, DomainError, Flaw, Invalid, Unauthenticated
from resolvers.form import form, is_storable
from resolvers.session import Reader, Transaction

LIFETIME = timedelta(days=30)
TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS = 5, 100


class BadToken(DomainError):
    """Unknown, ended, or its account is not active: do not come back with it."""

    code = "UNAUTHENTICATED"


class ExpiredToken(BadToken):
    """It was good once: sign in anew."""


def new_token(prefix: str) -> str:
    """An opaque secret. The prefix lets scanners of leaked secrets know whose it is."""
    return f"plenary_{prefix}_{secrets.token_urlsafe(32)}"


def digest(token: str) -> bytes:
    """A token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()


async def of_token(ctx: Context, token: str, *, again: bool = False) -> Known:
    """Whom the token speaks for. Raises BadToken or ExpiredToken.

    A token that was asked about a moment ago is remembered, unless it is to be asked about `again`.
    """
    key, remembered = digest(token), ctx.means.sign_ins
    known = None if again else remembered.get(key)
    if known is None:
        remembered.pop(key, None)
        asked_at = time.monotonic()
        known = remembered[key] = (await _authenticate(ctx, token))._replace(asked_at=asked_at)
    _check_expiry(known.sign_in, ctx.means.clock.now())
    return known


async def _authenticate(ctx: Context, token: str) -> Known:
    """Devices come by the hall, and are looked up together."""
    if not token.startswith("plenary_visitor_"):
        async with ctx.reading() as db:
            return await authenticate(db, token)
    principal_id = await ctx.means.gathering(_of_devices).get(digest(token))
    if principal_id is None:
        raise BadToken("This sign-in is not valid.")
    return Known(principal_id, ViewerKind.GUEST)


async def _of_devices(ctx: Context, hashes: Sequence[bytes]) -> Mapping[bytes, UUID]:
    async with ctx.reading() as db:
        found = await db.find_all(Visitor, col(Visitor.token_hash).in_(hashes))
    return {visitor.token_hash: visitor.principal_id for visitor in found}


async def authenticate(db: Reader, token: str) -> Known:
    """Raises BadToken or ExpiredToken."""
    principal_id = await db.find(
        KioskKey.principal_id, KioskKey.token_hash == digest(token), col(KioskKey.revoked_at).is_(None)
    )
    if principal_id is not None:
        return Known(principal_id, ViewerKind.INTEGRATION)
    sign_in = await db.find(SignIn, SignIn.token_hash == digest(token))
    kind = None if sign_in is None or sign_in.ended_at is not None else await _active(db, sign_in.principal_id)
    if sign_in is None or kind is None:
        raise BadToken("This sign-in is not valid.")
    _check_expiry(sign_in, db.now)
    return Known(sign_in.principal_id, kind, sign_in)


def _check_expiry(sign_in: SignIn | None, now: datetime) -> None:
    if sign_in and sign_in.expires_at <= now:
        raise ExpiredToken("This sign-in has expired.")


async def of_device(db: Reader, token: str) -> UUID:
    """The visitor's principal. Raises BadToken."""
    principal_id: UUID | None = await db.find(Visitor.principal_id, Visitor.token_hash == digest(token))
    if principal_id is None:
        raise BadToken("This sign-in is not valid.")
    return principal_id


async def _active(db: Reader, principal_id: UUID) -> ViewerKind | None:
    """What is active: an account; or without one, an attendee who is a member of the event."""
    state = await db.find(Account.state, Account.principal_id == principal_id)
    if state is not None:
        return ViewerKind.MEMBER if state is AccountState.ACTIVE else None
    attends = (Member.principal_id == principal_id, Attendee.member_id == Member.id)
    member = await db.find(Member, *attends)
    return ViewerKind.GUEST if member is not None and db.is_here(member) else None


async def of_viewer(ctx: Context) -> Account | None:
    """The viewer's own account; None for kiosks and nobody."""
    async with ctx.reading() as db:
        return await db.find(Account, Account.principal_id == ctx.viewer)


@dataclass(frozen=True)
class Begun:
    """A new sign-in, and its token, which is told once."""

    sign_in: SignIn
    token: str = field(repr=False)


@dataclass(frozen=True)
class Started(Begun):
    """As `Begun`, of an account."""

    account: Account


async def sign_in(ctx: Context, *, email: str, password: str) -> Started:
    email = email.strip().lower()
    here, this = f"address:{ctx.address}", f"account:{ctx.address}:{email}"
    _check_tries(ctx, here, this)
    async with ctx.reading() as db:
        account = await db.find(Account, Account.email == email) if is_storable(email) else None
    is_right = await ctx.means.passwords.verify(account.password_hash if account else None, password)
    _check_tries(ctx, here, this)  # again: guesses that come at once pass the first check together
    if account is None or not is_right or account.state is not AccountState.ACTIVE:
        ctx.means.limiter.failed(here)
        ctx.means.limiter.failed(this)
        raise Unauthenticated("E-mail or password is wrong.")
    async with ctx.transaction() as tx:
        current = await tx.lock(Account, Account.id == account.id)
        if (
            current is None
            or current.password_hash != account.password_hash
            or current.state is not AccountState.ACTIVE
        ):
            raise Unauthenticated("E-mail or password is wrong.")
        return await start_sign_in(tx, current)


def _check_tries(ctx: Context, here: str, this: str) -> None:
    ctx.means.limiter.check(here, most=TRIES_PER_ADDRESS, address=ctx.address)
    ctx.means.limiter.check(this, most=TRIES_PER_ACCOUNT)


def count_try(ctx: Context, here: str, this: str) -> None:
    """As a failure, whatever comes of it. Raises Limited."""
    _check_tries(ctx, here, this)
    ctx.means.limiter.failed(here)
    ctx.means.limiter.failed(this)


async def start_sign_in(tx: Transaction, account: Account) -> Started:
    begun = await begin_sign_in(tx, account.principal_id)
    return Started(begun.sign_in, begun.token, account)


async def begin_sign_in(tx: Transaction, principal_id: UUID, *, by_ticket: bool = False) -> Begun:
    token = new_token("sign_in")
    expires_at = tx.now + LIFETIME
    row = SignIn(principal_id=principal_id, token_hash=digest(token), expires_at=expires_at, by_ticket=by_ticket)
    return Begun(await tx.add(row), token)


async def sign_out(ctx: Context) -> Account | None:
    """End the sign-in that is asking; its open sockets close."""
    return await _sign_out(ctx, SignIn.id == (ctx.sign_in.id if ctx.sign_in else None))


async def sign_out_everywhere(ctx: Context) -> Account | None:
    """End every sign-in of the account."""
    return await _sign_out(ctx, SignIn.principal_id == ctx.viewer, voids=True)


async def _sign_out(ctx: Context, which: Any, *, voids: bool = False) -> Account | None:
    """An attendee may have signed in without an account."""
    async with ctx.transaction() as tx:
        account = await tx.find(Account, Account.principal_id == ctx.somebody())
        if account is None and ctx.sign_in is None:
            raise Invalid(Flaw("A kiosk or a visitor does not sign out: it forgets its token."))
        if voids:
            await _void_links(tx, ctx.viewer)
        await end_sign_ins(tx, which)
        return tx.answer(account) if account else None


async def _own(ctx: Context, db: Reader) -> Account:
    account = await db.find(Account, Account.principal_id == ctx.somebody())
    if account is None:
        raise Invalid(Flaw("There is no account to this sign-in."))
    return account


async def end_sign_ins(tx: Transaction, *which: Any) -> None:
    ended = update(SignIn).where(*which, col(SignIn.ended_at).is_(None)).values(ended_at=tx.now).returning(SignIn)
    for row in (await tx.raw(ended)).scalars().all():
        tx.announce([topics.sign_in(row.id)], Kind.RIGHTS, row)


async def _void_links(tx: Transaction, principal_id: UUID) -> None:
    """What was mailed signs in nobody any more. Before the account is locked, as whoever uses a link goes."""
    unused = (col(SignInLink.principal_id) == principal_id, col(SignInLink.used_at).is_(None), col(SignInLink.by_mail))
    await tx.raw(update(SignInLink).where(*unused).values(expires_at=tx.now))


async def change_password(ctx: Context, *, current: str, new: str) -> Account:
    """A new password ends every other sign-in, and voids links."""
    async with ctx.reading() as db:
        account = await _own(ctx, db)
    with form() as check:
        new = check.password("newPassword", new)
    this = f"password:{account.id}"
    ctx.means.limiter.check(this, most=TRIES_PER_ACCOUNT)
    if not await ctx.means.passwords.verify(account.password_hash, current):
        ctx.means.limiter.failed(this)
        raise Invalid(Flaw("The current password is wrong.", ("input", "currentPassword")))
    password_hash = await ctx.means.passwords.hash(new)
    async with ctx.transaction() as tx:
        await _void_links(tx, ctx.viewer)
        locked = await tx.lock(Account, Account.id == account.id)
        if locked is None or locked.password_hash != account.password_hash:
            raise Conflict("The password has been changed meanwhile.")
        locked.password_hash = password_hash
        kept = ctx.sign_in.id if ctx.sign_in else None
        await end_sign_ins(tx, SignIn.principal_id == ctx.viewer, SignIn.id != kept)
        return tx.answer(account)


async def create(tx: Transaction, *, email: str, name: str, password_hash: str) -> Account:
    principal = await tx.add(Principal())
    return await tx.add(Account(principal_id=principal.id, email=email, display_name=name, password_hash=password_hash))
