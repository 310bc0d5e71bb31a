"""Answer windows: when somebody answers on a board, and who."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func
from sqlmodel import col

from models import AnswerWindow, Kind, Membership, MembershipState, QuestionBoard, WindowAnswerer
from realtime import topics
from resolvers import policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

ON_BOARD = Listing("answer_windows", policy.see_answer_window, order=("starts_at",), parent="board_id")

MOST = 50
ANSWERERS_MOST = 20


async def add(
    ctx: Context,
    board_id: UUID,
    *,
    starts_at: datetime,
    ends_at: datetime,
    time_zone: str,
    answerer_ids: Collection[UUID],
) -> AnswerWindow:
    with form() as check:
        starts, ends = check.moment("startsAt", starts_at), check.moment("endsAt", ends_at)
        time_zone = check.time_zone("timeZone", time_zone)
        if starts and ends and starts.tzinfo and ends.tzinfo and ends <= starts:
            check.flaw("endsAt", "a window ends after it has begun")
        if len(answerer_ids) > ANSWERERS_MOST:
            check.flaw("answererIds", f"answererIds has more than {ANSWERERS_MOST} entries")
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        await _check_room(tx, board)
        window = AnswerWindow(network_id=board.network_id, board_id=board_id, time_zone=time_zone)
        window.starts_at, window.ends_at = starts or starts_at, ends or ends_at
        await tx.add(window)
        for member_id in sorted(set(answerer_ids)):
            await _name(tx, board, window, member_id)
        _tell(tx, board)
        return tx.answer(window)


async def _check_room(tx: Transaction, board: QuestionBoard) -> None:
    if await tx.find(func.count(col(AnswerWindow.id)), AnswerWindow.board_id == board.id) >= MOST:
        raise Conflict(f"A board has at most {MOST} answer windows.")


async def _name(tx: Transaction, board: QuestionBoard, window: AnswerWindow, member_id: UUID) -> None:
    belongs = await tx.find(
        Membership.id,
        Membership.community_id == board.community_id,
        Membership.member_id == member_id,
        Membership.state == MembershipState.ACTIVE,
    )
    if belongs is None:
        raise Invalid(Flaw("Only somebody of the board's community can answer there.", ("input", "answererIds")))
    await tx.add(WindowAnswerer(window_id=window.id, member_id=member_id))


async def remove(ctx: Context, window_id: UUID) -> QuestionBoard:
    """Take a window from the board that has not begun."""
    async with ctx.transaction() as tx:
        found = await tx.get(policy.change_answer_window, window_id, lock=False)
        board = await tx.get(policy.manage_board, found.board_id)
        window = await tx.get(policy.change_answer_window, window_id)
        if window.starts_at <= tx.now:
            raise Conflict("This window has begun: it belongs to what has happened.")
        await tx.raw(delete(WindowAnswerer).where(col(WindowAnswerer.window_id) == window_id))
        await tx.raw(delete(AnswerWindow).where(col(AnswerWindow.id) == window_id))
        _tell(tx, board)
        return tx.answer(board)


def _tell(tx: Transaction, board: QuestionBoard) -> None:
    tx.announce([topics.board(board.id)], Kind.ROW, board)


async def answerers(db: Reader, window_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The members who answer in each of the windows; whether the viewer may see them is asked elsewhere."""
    named: dict[UUID, list[UUID]] = {id: [] for id in window_ids}
    within = col(WindowAnswerer.window_id).in_(window_ids)
    for answerer in await db.find_all(WindowAnswerer, within, order=WindowAnswerer.created_at):
        named[answerer.window_id].append(answerer.member_id)
    return named
