"""Question boards: made, opened, paused, closed, and shown by kiosks."""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from models import (
    Anonymity,
    BoardOrder,
    BoardState,
    Kind,
    KioskKey,
    Moderation,
    Principal,
    PrincipalKind,
    QuestionBoard,
    ShowCounts,
    Unanswered,
)
from realtime import topics
from resolvers import accounts, closing, policy
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.form import Form, camel, form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.session import Transaction

IN_COMMUNITY = Listing("boards", policy.see_board, order=("created_at",), parent="community_id")
UNLIMITED = 0
BOUNDS = (
    ("max_length", 20, 500),
    ("open_per_asker", 1, 1_000),
    ("asks_per_minute", 1, 1_000),
    ("votes_per_person", UNLIMITED, 1_000),
)
KEYS = Listing("kiosk_keys", policy.see_kiosk_key, order=("created_at",), parent="board_id")


@dataclass(frozen=True)
class Plan:
    """How a board is to be run. None leaves it as it is; on a new board, as boards are."""

    moderation: Moderation | None = None
    anonymity: Anonymity | None = None
    show_counts: ShowCounts | None = None
    order: BoardOrder | None = None
    max_length: int | None = None
    open_per_asker: int | None = None
    asks_per_minute: int | None = None
    votes_per_person: int | None = None
    opens_at: datetime | None = None

    def checked(self, check: Form) -> "Plan":
        for name, least, most in BOUNDS:
            check.optional(check.number, camel(name), getattr(self, name), least=least, most=most)
        return replace(self, opens_at=check.moment("opensAt", self.opens_at))

    def apply(self, board: QuestionBoard) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if value is not None:
                setattr(board, part.name, value)
        if self.votes_per_person == UNLIMITED:
            board.votes_per_person = None


AS_IT_IS = Plan()


async def create(ctx: Context, community_id: UUID, *, title: str, plan: Plan = AS_IT_IS) -> QuestionBoard:
    with form() as check:
        title = check.text("title", title, most=200)
        plan = plan.checked(check)
    async with ctx.transaction() as tx:
        community = await tx.get(policy.run_boards_in_community, community_id, lock=False)
        board = QuestionBoard(network_id=community.network_id, community_id=community_id, title=title)
        plan.apply(board)
        await tx.add(board)
        tell(tx, board)
        return tx.answer(board)


async def update(ctx: Context, board_id: UUID, *, title: str | None, plan: Plan) -> QuestionBoard:
    """Run it in another way. What was asked and voted stays."""
    with form() as check:
        title = check.optional(check.text, "title", title, most=200)
        plan = plan.checked(check)
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        shown = board.show_counts
        board.title = board.title if title is None else title
        plan.apply(board)
        tell(tx, board)
        if board.show_counts is not shown:  # counts come into sight or leave it, on all questions at once
            tx.announce(_heard_of(board), Kind.RIGHTS, board)
        return tx.answer(board)


def tell(tx: Transaction, board: QuestionBoard) -> None:
    tx.announce(_heard_of(board), Kind.ROW, board)


def _heard_of(board: QuestionBoard) -> list[topics.Topic]:
    return [topics.board(board.id), topics.community_activity(board.community_id)]


async def open_(ctx: Context, board_id: UUID) -> QuestionBoard:
    """Take questions, for the first time or again."""
    async with ctx.transaction() as tx:
        board = await _moved(tx, board_id, BoardState.OPEN, {BoardState.SCHEDULED, BoardState.PAUSED})
        begin(tx, board)
        return tx.answer(board)


def begin(tx: Transaction, board: QuestionBoard) -> None:
    board.state, board.opened_at = BoardState.OPEN, board.opened_at or tx.now
    tell(tx, board)


async def pause(ctx: Context, board_id: UUID) -> QuestionBoard:
    """No new questions for now; votes go on."""
    async with ctx.transaction() as tx:
        board = await _moved(tx, board_id, BoardState.PAUSED, {BoardState.OPEN})
        tell(tx, board)
        return tx.answer(board)


async def close(ctx: Context, board_id: UUID, *, unanswered: Unanswered = Unanswered.TOPICS) -> QuestionBoard:
    """No more questions and votes; what nobody answered goes on as topics, or not at all."""
    async with ctx.transaction() as tx:
        board = await _moved(tx, board_id, BoardState.CLOSED, {BoardState.SCHEDULED, *policy.RUNNING_BOARDS})
        board.closed_at = tx.now
        tell(tx, board)
        await closing.settle(tx, board, unanswered)
        return tx.answer(board)


async def _moved(tx: Transaction, board_id: UUID, state: BoardState, origins: Collection[BoardState]) -> QuestionBoard:
    board = await tx.get(policy.manage_board, board_id)
    if board.state not in origins:
        raise Conflict(f"The board is {board.state.lower()}.")
    board.state = state
    return board


async def create_kiosk_key(ctx: Context, board_id: UUID, *, label: str) -> tuple[KioskKey, str]:
    """A key with which a display shows this board. The token is told once."""
    with form() as check:
        label = check.text("label", label, most=100)
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id, lock=False)
        principal = await tx.add(Principal(kind=PrincipalKind.KIOSK))
        token = accounts.new_token("kiosk")
        key = KioskKey(
            principal_id=principal.id,
            network_id=board.network_id,
            board_id=board_id,
            label=label,
            token_hash=accounts.digest(token),
        )
        return tx.answer(await tx.add(key), secret=token), token


async def revoke_kiosk_key(ctx: Context, key_id: UUID) -> KioskKey:
    """The display goes dark at once."""
    async with ctx.transaction() as tx:
        key = await tx.get(policy.revoke_kiosk_key, key_id)
        if key.revoked_at is None:
            key.revoked_at = tx.now
            tx.announce([topics.person(key.principal_id)], Kind.RIGHTS, key)
        return tx.answer(key)


def _subject(
    name: str, board: QuestionBoard, viewer: UUID, rule: Any, sources: tuple[Source, ...], *also: topics.Topic
) -> Subject:
    return Subject(
        name=name,
        arguments=(board.id,),
        rule=rule,
        row=board,
        sources=(Source(rule, lambda row: (row.id == board.id,)), *sources),
        topics=fixed(topics.board(board.id), *also),
        rights=frozenset({topics.standing(viewer, board.community_id), topics.person(viewer)}),
    )


def audience(board: QuestionBoard, viewer: UUID) -> Subject:
    """The board as the hall sees it, whoever looks."""
    asked = Source(policy.see_published_question, lambda question: (question.board_id == board.id,), policy.count_votes)
    polled = Source(policy.see_published_poll, lambda poll: (poll.board_id == board.id,), policy.read_results)
    return _subject("questionBoard", board, viewer, policy.follow_board, (asked, polled))


def moderation(board: QuestionBoard, viewer: UUID) -> Subject:
    """The board with all that waits, was turned down or taken back."""
    asked = Source(policy.moderate_question, lambda question: (question.board_id == board.id,))
    polled = Source(policy.moderate_poll, lambda poll: (poll.board_id == board.id,))
    return _subject("questionBoardModeration", board, viewer, policy.run_board, (asked, polled), topics.panel(board.id))


def display(board: QuestionBoard, viewer: UUID) -> Subject:
    """What is on the hall's screen."""
    asked = Source(policy.show_question, lambda question: (question.board_id == board.id,), policy.count_votes)
    polled = Source(policy.show_poll, lambda poll: (poll.board_id == board.id,), policy.read_results)
    return _subject("questionBoardDisplay", board, viewer, policy.display_board, (asked, polled))
