"""Visitors: who comes to a board by its join code, one for each device."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col

from models import (
    NOBODY,
    Kind,
    Principal,
    PrincipalKind,
    QuestionBoard,
    Row,
    Visit,
    Visitor,
    VisitorRights,
)
from realtime import topics
from resolvers import accounts, codes, guesses, policy
from resolvers.context import Context
from resolvers.errors import Flaw, Forbidden, Invalid
from resolvers.form import form
from resolvers.session import Reader, Transaction

GUESSED = "join"
BURST, BURST_WINDOW = 60, timedelta(minutes=1)


async def join(ctx: Context, *, code: str, name: str, device_token: str | None) -> tuple[Visit, str | None]:
    """Take a seat at the board of this code. The token is that of a new device, told once."""
    with form() as check:
        name = check.text("name", name, most=50)
    guesses.check(ctx, GUESSED)
    async with ctx.reading() as db:
        known = await _device(ctx, db, device_token)
        board = await _board(db, code, known)
    if board is None:
        raise guesses.wrong(ctx, GUESSED, Flaw("This code leads nowhere.", ("code",)))
    async with ctx.transaction() as tx:
        principal_id, token = (known, None) if known else await _new_device(tx)
        visit = await _sit(tx, board, principal_id, name, _address_hash(ctx, board))
        # Asked again behind the seat: whoever changes the code waits for seats that are being taken, and they for it.
        if await _board(tx, code, principal_id) is None:
            raise Invalid(Flaw("This code leads nowhere.", ("code",)))
        await _watch_for_burst(tx, board, visit)
        return tx.answer(visit, secret=token), token


async def _device(ctx: Context, db: Reader, token: str | None) -> UUID | None:
    """Who comes: whoever is signed in, or else whose device it is; None for a new one."""
    if ctx.viewer != NOBODY:
        if await db.find(Principal.kind, Principal.id == ctx.viewer) is PrincipalKind.KIOSK:
            raise Forbidden("displays_do_not_join")
        return ctx.viewer
    if token is None:
        return None
    try:
        return await accounts.of_device(db, token)
    except accounts.BadToken as error:
        raise guesses.wrong(
            ctx, GUESSED, Flaw("This device is not known: join without its token.", ("deviceToken",))
        ) from error


async def _board(db: Reader, code: str, principal_id: UUID | None) -> QuestionBoard | None:
    plain = codes.plain(code)
    if not plain:
        return None
    found = await db.raw(policy.board_by_code, {"code": plain, "viewer": principal_id or NOBODY})
    board: QuestionBoard | None = found.scalars().first()
    return board


def _address_hash(ctx: Context, board: QuestionBoard) -> bytes:
    """Tells the visitors of this board apart by address, and is no address."""
    return ctx.means.cipher.fingerprint("visit", board.id.bytes + ctx.address.encode())


async def _new_device(tx: Transaction) -> tuple[UUID, str]:
    principal = await tx.add(Principal(kind=PrincipalKind.VISITOR))
    token = accounts.new_token("visitor")
    await tx.add(Visitor(principal_id=principal.id, token_hash=accounts.digest(token)))
    return principal.id, token


async def _sit(tx: Transaction, board: QuestionBoard, principal_id: UUID, name: str, address_hash: bytes) -> Visit:
    """The seat of this principal, the one from before if there was one."""
    visit = Visit(
        network_id=board.network_id,
        board_id=board.id,
        principal_id=principal_id,
        name=name,
        address_hash=address_hash,
    )
    if await tx.add_once(visit):
        return visit
    former = await tx.lock(Visit, Visit.board_id == board.id, Visit.principal_id == principal_id) or visit
    if former.ended_at is not None:
        tx.announce([topics.person(principal_id)], Kind.RIGHTS, former)
    former.name, former.ended_at = name, None
    return former


async def _watch_for_burst(tx: Transaction, board: QuestionBoard, visit: Visit) -> None:
    """Tell those who run the board, at most once a minute, that strikingly many come from one address."""
    if board.burst_at is not None and board.burst_at > tx.now - BURST_WINDOW:
        return
    lately = (col(Visit.created_at) > tx.now - BURST_WINDOW, Visit.address_hash == visit.address_hash)
    size = await tx.find(func.count(), Visit.board_id == board.id, *lately)
    if size <= BURST:
        return
    # Whoever has the board locked is telling, or the next who comes will.
    locked = await tx.lock(QuestionBoard, QuestionBoard.id == board.id, patient=False)
    if locked and (locked.burst_at is None or locked.burst_at <= tx.now - BURST_WINDOW):
        locked.burst_at, locked.burst_size = tx.now, size
        tx.announce([topics.panel(board.id)], Kind.ROW, locked)


async def create_code(ctx: Context, board_id: UUID) -> QuestionBoard:
    """A code for the board; the one that it has, if it has one."""
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        if board.join_code is None:
            await _give_code(tx, board)
        return tx.answer(board)


async def rotate_code(ctx: Context, board_id: UUID, *, end_visits: bool) -> QuestionBoard:
    """A new code in place of the old one; those who came by that keep their seats, unless they are to be ended."""
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        await _give_code(tx, board)
        if end_visits:
            await end_visits_of(tx, board, Visit.board_id == board.id)
        return tx.answer(board)


async def _give_code(tx: Transaction, board: QuestionBoard) -> None:
    board.join_code = await free_code(tx)
    await tx.flush()
    tx.announce([topics.panel(board.id)], Kind.ROW, board)


async def free_code(tx: Transaction) -> str:
    """A code that no board has."""
    code = codes.new()
    while await tx.find(QuestionBoard.id, QuestionBoard.join_code == code):
        code = codes.new()
    return code


async def set_rights(ctx: Context, board_id: UUID, *, visitors: VisitorRights) -> QuestionBoard:
    """What visitors may do on the board."""
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        is_open = await tx.find(
            QuestionBoard.id, QuestionBoard.id == board_id, policy.is_open_to_all(QuestionBoard.community_id)
        )
        if visitors is not VisitorRights.NONE and not is_open:
            raise Invalid(Flaw("Visitors come to open communities that admit externals only.", ("visitors",)))
        if board.visitors is not visitors:
            board.visitors = visitors
            tx.announce([topics.board(board.id), topics.community_activity(board.community_id)], Kind.ROW, board)
        return tx.answer(board)


async def end_visits_of(tx: Transaction, about: Row, *which: Any) -> None:
    """End these seats; whoever sits there hears at once that their rights have changed."""
    ended = update(Visit).where(*which, col(Visit.ended_at).is_(None)).values(ended_at=tx.now)
    heard = [
        topics.person(principal) for principal in (await tx.raw(ended.returning(col(Visit.principal_id)))).scalars()
    ]
    if heard:
        tx.announce(heard, Kind.RIGHTS, about)


async def end_visits_in(tx: Transaction, community_id: UUID, about: Row, *which: Any) -> None:
    """As `end_visits_of`, on every board of the community."""
    boards = await tx.find_all(QuestionBoard, QuestionBoard.community_id == community_id)
    await end_visits_of(tx, about, col(Visit.board_id).in_([board.id for board in boards]), *which)


async def of_viewer(ctx: Context) -> Collection[Visit]:
    """The viewer's seats, the newest first."""
    async with ctx.reading() as db:
        return await db.all(db.select(policy.see_visit).order_by(col(Visit.created_at).desc(), col(Visit.id)))


async def counts(db: Reader, board_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many sit at those of the boards that the viewer runs."""
    seated = (col(Visit.board_id) == col(QuestionBoard.id)) & col(Visit.ended_at).is_(None)
    run = db.select(policy.run_board).where(col(QuestionBoard.id).in_(board_ids)).outerjoin(Visit, seated)
    counted = run.with_only_columns(col(QuestionBoard.id), func.count(col(Visit.id))).group_by(col(QuestionBoard.id))
    return dict((await db.execute(counted)).all())
