"""The timetable: sessions begin and end, boards open, tasks are due, members go, because it is time.

What was taken back is forgotten.
"""

import asyncio
import logging
from typing import Any

from sqlalchemy import and_, exists, not_, or_
from sqlmodel import col

from models import BoardState, Community, CommunityState, Question, QuestionBoard, Session, SessionState, Task
from models.database import UNREACHABLE
from resolvers import attendance, boards, expiry, questions, reminders
from resolvers.context import Context, Means
from resolvers.session import Reader, Transaction

log = logging.getLogger("plenary.timetable")

COMING = (SessionState.PLANNED, SessionState.CHANGED)


async def run(means: Means, *, every: float) -> None:
    """Look at the clock for ever. Every process may: what is done is due no longer."""
    while True:
        try:
            await tick(means)
        except Exception:
            log.exception("could not do what is due; trying again")
        await asyncio.sleep(await _pause(means, every))


async def _pause(means: Means, most: float) -> float:
    """Not beyond the moment at which somebody's time runs out: what they follow ends then."""
    try:
        async with Context(means).reading() as db:
            left = await expiry.until_next(db)
    except UNREACHABLE:
        return most
    return most if left is None else min(most, left.total_seconds())


async def tick(means: Means) -> None:
    """Do what is due, once."""
    ctx = Context(means)
    async with ctx.reading() as db:
        if not await _is_due(db):
            return
    async with ctx.transaction() as tx:
        await expiry.tell(tx)
        await _move_sessions(tx)
        await _open_boards(tx)
        await questions.forget(tx)
        await reminders.send(tx, means)
    await expiry.tidy(ctx)


async def _is_due(db: Reader) -> bool:
    """Asked without a lock: most of the time nothing is."""
    looked = (
        (Session, _due_session(db)),
        (QuestionBoard, _due_board(db)),
        (Question, questions.outlived(db)),
        (Task, reminders.is_due(db)),
    )
    return any([await expiry.is_due(db), *[await db.find(row.id, due) is not None for row, due in looked]])


def _due_session(db: Reader) -> Any:
    return or_(
        and_(col(Session.state).in_(COMING), col(Session.starts_at) <= db.now),
        and_(col(Session.state) == SessionState.LIVE, col(Session.ends_at) <= db.now),
    )


def _due_board(db: Reader) -> Any:
    """The board of a session that does not take place stays shut, and so does one in an archive."""
    is_called_off = exists().where(
        col(Session.community_id) == col(QuestionBoard.community_id), col(Session.state) == SessionState.CANCELLED
    )
    is_archived = exists().where(
        col(Community.id) == col(QuestionBoard.community_id), col(Community.state) == CommunityState.ARCHIVED
    )
    is_time = and_(col(QuestionBoard.state) == BoardState.SCHEDULED, col(QuestionBoard.opens_at) <= db.now)
    return and_(is_time, not_(is_called_off), not_(is_archived))


async def _move_sessions(tx: Transaction) -> None:
    sessions = await tx.lock_all(Session, _due_session(tx))
    for session in sessions:
        session.state = SessionState.DONE if session.ends_at <= tx.now else SessionState.LIVE
    await attendance.tell_all(tx, sessions)


async def _open_boards(tx: Transaction) -> None:
    for board in await tx.lock_all(QuestionBoard, _due_board(tx)):
        boards.begin(tx, board)
