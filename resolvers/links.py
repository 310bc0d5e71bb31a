"""Links by mail, with which one signs in without a password."""

from datetime import timedelta

from sqlmodel import col

from models import Account, AccountState, Letter, SignInLink
from resolvers import accounts, letters
from resolvers.context import Context
from resolvers.form import form
from resolvers.letters import Facts, Occasion

LIFETIME = timedelta(minutes=15)
AT_A_TIME = 5  # links that one account has waiting in its mail


async def request(ctx: Context, *, email: str, locale: str | None) -> None:
    """The same for everybody: whether there is an account is asked when the letter leaves, and not here."""
    with form() as check:
        email = check.email("email", email)
    # By who asks, too: what somebody else has asked for is no business of theirs, nor keeps it from them.
    accounts.count_try(ctx, f"link:{ctx.address}", f"link:{ctx.address}:{email}")
    async with ctx.transaction() as tx:
        token = accounts.new_token("link")
        await letters.post(tx, ctx.means, SIGN_IN_LINK, to=email, locale=locale, token=token)


async def _grant(ctx: Context, letter: Letter, facts: Facts) -> bool:
    """Make the link good, if there is an active account for it. Once: a retry finds it."""
    async with ctx.transaction() as tx:
        whose = (Account.email == letter.email, Account.state == AccountState.ACTIVE)
        principal_id = await tx.find(Account.principal_id, *whose)
        if principal_id is None:
            return False
        token_hash, until = accounts.digest(facts["token"]), letter.expires_at
        waiting = await tx.find_all(
            SignInLink,
            SignInLink.principal_id == principal_id,
            SignInLink.token_hash != token_hash,
            SignInLink.expires_at > tx.now,
            col(SignInLink.used_at).is_(None),
            col(SignInLink.by_mail),
        )
        if len(waiting) >= AT_A_TIME:  # they can still be used, and whoever asks so often may be somebody else
            return False
        await tx.add_once(SignInLink(principal_id=principal_id, token_hash=token_hash, expires_at=until, by_mail=True))
        return True


SIGN_IN_LINK = Occasion("sign_in_link", LIFETIME, _grant)
