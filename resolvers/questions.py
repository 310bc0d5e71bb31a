"""Questions: asked, let through, voted up, shown, answered."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from models import (
    Anonymity,
    AnsweredHow,
    AuthorSeal,
    Kind,
    Moderation,
    Question,
    QuestionBoard,
    QuestionState,
    Vote,
)
from realtime import topics
from resolvers import policy
from resolvers.context import Context
from resolvers.errors import Conflict, Forbidden
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.session import Transaction

TOP = Listing("questions_top", policy.see_published_question, order=("-votes",), parent="board_id")
NEW = Listing("questions_new", policy.see_published_question, order=("-published_at",), parent="board_id")
ALL = Listing("questions_all", policy.moderate_question, order=("-created_at",), parent="board_id")
SHOWN = Listing("questions_shown", policy.show_question, order=("-published_at",), parent="board_id")
MINE = Listing("questions_mine", policy.own_question, order=("-created_at",), parent="board_id")


async def ask(ctx: Context, board_id: UUID, *, body: str, anonymous: bool) -> Question:
    """Ask the panel. On a board with moderation the question waits until it is let through."""
    with form() as check:
        body = check.text("body", body, most=500)
    async with ctx.transaction() as tx:
        board = await tx.get(policy.ask_on_board, board_id)
        if anonymous and board.anonymity is Anonymity.FORBIDDEN:
            raise Forbidden("no_anonymous_questions")
        member = await tx.member(board.network_id)
        question = Question(
            network_id=board.network_id,
            community_id=board.community_id,
            board_id=board_id,
            author_id=None if anonymous else member.id,
            anonymous=anonymous,
            body=body,
        )
        await tx.add(question)
        if anonymous:
            await tx.add(AuthorSeal(question_id=question.id, principal_id=ctx.viewer))
        if board.moderation is Moderation.NONE:
            await _publish(tx, board, question)
        _tell(tx, question)
        return tx.answer(question)


async def _publish(tx: Transaction, board: QuestionBoard, question: Question) -> None:
    question.state = QuestionState.VISIBLE
    if question.number is None:
        await tx.count(QuestionBoard.published_count, board, 1)
        question.number, question.published_at = board.published_count, _public_time(question, tx.now)


def _public_time(question: Question, now: datetime) -> datetime:
    """To the second for an anonymous asker: finer times tell who typed just then."""
    return now.replace(microsecond=0) if question.anonymous else now


def _tell(tx: Transaction, question: Question, kind: Kind = Kind.ROW) -> None:
    heard = [
        topics.board(question.board_id),
        topics.community_activity(question.community_id),
    ]
    tx.announce(heard, kind, question)


async def _moderated(tx: Transaction, question_id: UUID, *states: QuestionState) -> tuple[Question, QuestionBoard]:
    """Both locked, the board first."""
    found = await tx.get(policy.decide_question, question_id, lock=False)
    board = await tx.get(policy.run_board, found.board_id)
    question = await tx.get(policy.decide_question, question_id)
    if question.state not in states:
        raise Conflict(f"The question is {question.state.lower()}.")
    return question, board


async def approve(ctx: Context, question_id: UUID) -> Question:
    """Let it through to the hall."""
    async with ctx.transaction() as tx:
        question, board = await _moderated(tx, question_id, QuestionState.PENDING, QuestionState.REJECTED)
        question.reject_reason = None
        await _publish(tx, board, question)
        _tell(tx, question)
        return tx.answer(question)


async def reject(ctx: Context, question_id: UUID, *, reason: str) -> Question:
    """Turn it down; only its asker and the moderators learn why."""
    with form() as check:
        reason = check.text("reason", reason, most=500)
    async with ctx.transaction() as tx:
        question, _ = await _moderated(tx, question_id, QuestionState.PENDING, QuestionState.VISIBLE)
        question.state, question.reject_reason, question.on_screen = QuestionState.REJECTED, reason, False
        _tell(tx, question)
        return tx.answer(question)


async def hide(ctx: Context, question_id: UUID) -> Question:
    """Take it back from the hall into the queue."""
    async with ctx.transaction() as tx:
        question, _ = await _moderated(tx, question_id, QuestionState.VISIBLE)
        question.state, question.on_screen = QuestionState.PENDING, False
        _tell(tx, question)
        return tx.answer(question)


async def show(ctx: Context, question_id: UUID, *, on_screen: bool) -> Question:
    """Put it on the hall's screen, where one question is at a time; or take it off."""
    async with ctx.transaction() as tx:
        question, board = await _moderated(tx, question_id, QuestionState.VISIBLE, QuestionState.ANSWERED)
        if on_screen:
            shown = tx.select(policy.moderate_question).where(
                col(Question.board_id) == board.id, col(Question.on_screen), col(Question.id) != question_id
            )
            for other in await tx.all(shown):
                other.on_screen = False
                _tell(tx, other)
        if question.on_screen != on_screen:
            question.on_screen = on_screen
            _tell(tx, question)
        return tx.answer(question)


async def mark_answered(ctx: Context, question_id: UUID, *, how: AnsweredHow) -> Question:
    async with ctx.transaction() as tx:
        question, _ = await _moderated(tx, question_id, QuestionState.VISIBLE)
        question.state, question.answered_at, question.answered_how = QuestionState.ANSWERED, tx.now, how
        _tell(tx, question)
        return tx.answer(question)


async def unmark_answered(ctx: Context, question_id: UUID) -> Question:
    async with ctx.transaction() as tx:
        question, _ = await _moderated(tx, question_id, QuestionState.ANSWERED)
        question.state, question.answered_at, question.answered_how = QuestionState.VISIBLE, None, None
        _tell(tx, question)
        return tx.answer(question)


async def withdraw(ctx: Context, question_id: UUID) -> Question:
    """Take one's own question back, also one asked anonymously."""
    async with ctx.transaction() as tx:
        question = await tx.get(policy.withdraw_question, question_id)
        question.state, question.on_screen = QuestionState.WITHDRAWN, False
        _tell(tx, question)
        return tx.answer(question)


async def upvote(ctx: Context, question_id: UUID) -> Question:
    """Add the viewer's vote. Voting twice is voting once."""
    async with ctx.transaction() as tx:
        question = await tx.get(policy.upvote_question, question_id)
        if await tx.add_once(Vote(question_id=question_id, principal_id=ctx.viewer)):
            await tx.count(Question.votes, question, 1)
            _tell(tx, question, Kind.COUNTERS)
        return tx.answer(question)


async def retract_upvote(ctx: Context, question_id: UUID) -> Question:
    """Take the viewer's vote back. Without one, nothing happens."""
    async with ctx.transaction() as tx:
        question = await tx.get(policy.upvote_question, question_id)
        mine = (col(Vote.question_id) == question_id, col(Vote.principal_id) == ctx.viewer)
        if (await tx.raw(delete(Vote).where(*mine).returning(col(Vote.id)))).first() is not None:
            await tx.count(Question.votes, question, -1)
            _tell(tx, question, Kind.COUNTERS)
        return tx.answer(question)


def of_viewer(board: QuestionBoard, viewer: UUID) -> Subject:
    """The viewer's own questions on a board, in every state."""
    return Subject(
        name="myQuestions",
        arguments=(board.id,),
        rule=policy.follow_board,
        row=board,
        sources=(Source(policy.own_question, lambda question: (question.board_id == board.id,)),),
        topics=fixed(topics.board(board.id)),
        rights=frozenset({topics.standing(viewer, board.community_id), topics.person(viewer)}),
    )
