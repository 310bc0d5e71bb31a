"""Expiry: who stands in a network until a moment stands there no longer from that moment on.

The rules know that by the clock. Here it is told, so that what they follow ends, and what they held is given back.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col

from models import EndedReason, Kind, Member, MemberState
from realtime import topics
from resolvers import communities, graces
from resolvers.context import Context
from resolvers.session import Reader, Transaction

STANDING = (MemberState.ACTIVE, MemberState.GRACE)


async def is_due(db: Reader) -> bool:
    states = (*STANDING, MemberState.LEFT)
    due = await db.find(Member.id, col(Member.state).in_(states), _is_over(db))
    return due is not None


async def until_next(db: Reader) -> timedelta | None:
    """How long until somebody's time runs out, if anybody's does."""
    next_ = await db.find(func.min(Member.expires_at), col(Member.expires_at) > db.now)
    return None if next_ is None else next_ - db.now


def _is_over(db: Reader) -> Any:
    return col(Member.expires_at) <= db.now


async def tell(tx: Transaction) -> None:
    """End the live access of all whose time has run out, however many, at once."""
    gone = await tx.lock_all(Member, col(Member.state).in_(STANDING), _is_over(tx))
    for member in gone:
        member.state, member.ended_at = MemberState.LEFT, tx.now
        member.ended_reason = member.ended_reason or EndedReason.EXPIRED
        tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)
    await graces.has_sponsor_no_more(tx, *gone)


async def tidy(ctx: Context) -> None:
    """Give back what they held, one after the other: each holds the communities that they leave."""
    async with ctx.reading() as db:
        gone = await db.find_all(Member, Member.state == MemberState.LEFT, _is_over(db), order=col(Member.id))
    for found in gone:
        async with ctx.transaction() as tx:
            member = await tx.lock(Member, Member.id == found.id, Member.state == MemberState.LEFT, _is_over(tx))
            if member is not None:
                await communities.end_all(tx, member)
                member.expires_at = member.renewal_due_at = None
