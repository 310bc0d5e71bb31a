"""Guesses at codes, links and tickets: whoever is wrong too often is refused for a while.

A hall shares one address, so only what is wrong counts, and it may be wrong a good deal.
"""

from resolvers.context import Context
from resolvers.errors import Flaw, Invalid

MOST = 200  # from one address in five minutes


def check(ctx: Context, at: str) -> None:
    """Refuse whoever was wrong too often. `at` says what is guessed at: each is counted by itself."""
    ctx.means.limiter.check(_key(ctx, at), most=MOST, address=ctx.address)


def wrong(ctx: Context, at: str, flaw: Flaw) -> Invalid:
    """Count it, and say so; raise what comes back."""
    check(ctx, at)  # again: guesses that come at once pass the first check together
    ctx.means.limiter.failed(_key(ctx, at))
    return Invalid(flaw)


def _key(ctx: Context, at: str) -> str:
    return f"{at}:{ctx.address}"
