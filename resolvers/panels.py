"""What the panel does with questions: lets them through, turns them down, shows, answers, labels and orders them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col

from models import UNRANKED, AnsweredHow, AnswerWindow, Kind, Question, QuestionBoard, QuestionState
from resolvers import contents, merges, policy, questions
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.form import form
from resolvers.session import Transaction

ARRANGED_MOST = 200


async def moderated(tx: Transaction, question_id: UUID, *states: QuestionState) -> tuple[Question, QuestionBoard]:
    """As `held`, in one of these states."""
    question, board = await questions.held(tx, policy.decide_question, question_id)
    if question.state not in states:
        raise Conflict(f"The question is {question.state.lower()}.")
    return question, board


async def approve(ctx: Context, question_id: UUID, *, if_version: int | None = None) -> Question:
    """Let it through to the hall; with a version, only what the moderator has read."""
    async with ctx.transaction() as tx:
        question, board = await moderated(tx, question_id, QuestionState.PENDING, QuestionState.REJECTED)
        questions.check_version(question, if_version)
        question.reject_reason = question.rejected_by_id = None
        await questions.publish(tx, board, question)
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(question)


async def reject(ctx: Context, question_id: UUID, *, reason: str) -> Question:
    """Turn it down; only its asker and the moderators learn why."""
    with form() as check:
        reason = check.text("reason", reason, most=500)
    async with ctx.transaction() as tx:
        question, _ = await moderated(tx, question_id, QuestionState.PENDING, QuestionState.VISIBLE)
        question.state, question.reject_reason, question.on_screen = QuestionState.REJECTED, reason, False
        question.rejected_by_id = (await tx.member(question.network_id)).id
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(question)


async def hide(ctx: Context, question_id: UUID) -> Question:
    """Take it back from the hall into the queue."""
    async with ctx.transaction() as tx:
        question, _ = await moderated(tx, question_id, QuestionState.VISIBLE)
        question.state, question.on_screen = QuestionState.PENDING, False
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(question)


async def show(ctx: Context, question_id: UUID, *, on_screen: bool) -> Question:
    """Put it on the hall's screen, where one question is at a time; or take it off."""
    async with ctx.transaction() as tx:
        question, board = await moderated(tx, question_id, QuestionState.VISIBLE, QuestionState.ANSWERED)
        if on_screen:
            shown = tx.select(policy.moderate_question).where(
                col(Question.board_id) == board.id, col(Question.on_screen), col(Question.id) != question_id
            )
            for other in await tx.all(shown):
                other.on_screen = False
                questions.tell(tx, other)
        if question.on_screen != on_screen:
            question.on_screen = on_screen
            questions.tell(tx, question)
        return tx.answer(question)


async def mark_answered(
    ctx: Context,
    question_id: UUID,
    *,
    how: AnsweredHow,
    answer: str | None = None,
    link: str | None = None,
    timecode_ms: int | None = None,
) -> Question:
    """Say that it was answered, and how: aloud, in writing, or at another place."""
    with form() as check:
        answer = check.optional(check.text, "answer", answer, most=5_000)
        link = check.optional(check.link, "link", link)
        timecode_ms = check.optional(check.number, "timecodeMs", timecode_ms, least=0, most=questions.LONGEST_MS)
        if how is AnsweredHow.TEXT and not answer:
            check.flaw("answer", "an answer in writing has a text")
        if how is AnsweredHow.ELSEWHERE and not link:
            check.flaw("link", "an answer at another place has a link")
    async with ctx.transaction() as tx:
        question, board = await moderated(tx, question_id, QuestionState.VISIBLE)
        question.state, question.answered_at, question.answered_how = QuestionState.ANSWERED, tx.now, how
        question.answer, question.answer_link, question.answer_timecode_ms = answer, link, timecode_ms
        question.answer_window_id = await _window_now(tx, board)
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(question)


async def _window_now(tx: Transaction, board: QuestionBoard) -> UUID | None:
    """The answer window in which this happens; None between them."""
    window: UUID | None = await tx.find(
        AnswerWindow.id,
        AnswerWindow.board_id == board.id,
        col(AnswerWindow.starts_at) <= tx.now,
        col(AnswerWindow.ends_at) > tx.now,
    )
    return window


async def unmark_answered(ctx: Context, question_id: UUID) -> Question:
    async with ctx.transaction() as tx:
        question, _ = await moderated(tx, question_id, QuestionState.ANSWERED)
        question.state, question.answered_at, question.answered_how = QuestionState.VISIBLE, None, None
        question.answer = question.answer_link = question.answer_timecode_ms = question.answer_window_id = None
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(question)


async def label(
    ctx: Context, question_id: UUID, *, labels: list[str] | None, private_labels: list[str] | None
) -> Question:
    """Exactly these labels: for all to see, and for those who run the board. What is not given stays."""
    with form() as check:
        public = check.optional(check.labels, "labels", labels)
        private = check.optional(check.labels, "privateLabels", private_labels)
    async with ctx.transaction() as tx:
        question, _ = await moderated(tx, question_id, *QuestionState)
        question.labels = question.labels if public is None else contents.tagged(public)
        question.private_labels = question.private_labels if private is None else contents.tagged(private)
        questions.tell(tx, question)
        return tx.answer(question)


async def arrange(ctx: Context, board_id: UUID, *, question_ids: Sequence[UUID]) -> QuestionBoard:
    """Put these questions first, in this order; whatever else was placed before is placed no longer."""
    if len(question_ids) > ARRANGED_MOST or len(set(question_ids)) < len(question_ids):
        raise Invalid(Flaw(f"Name at most {ARRANGED_MOST} questions, each once.", ("questionIds",)))
    async with ctx.transaction() as tx:
        board = await tx.get(policy.run_board, board_id)
        wanted = {id: rank for rank, id in enumerate(question_ids, start=1)}
        on_board = tx.select(policy.decide_question).where(col(Question.board_id) == board_id)
        placed = col(Question.id).in_(wanted) | (col(Question.rank) != UNRANKED)
        found = await tx.all(on_board.where(placed).order_by(col(Question.id)))
        if not wanted.keys() <= {question.id for question in found}:
            raise Invalid(Flaw("One of these questions is not on this board.", ("questionIds",)))
        _place(tx, board, wanted, found)
        return tx.answer(board)


def _place(tx: Transaction, board: QuestionBoard, wanted: dict[UUID, int], found: Collection[Question]) -> None:
    moved = [question for question in found if question.rank != wanted.get(question.id, UNRANKED)]
    for question in moved:
        question.rank = wanted.get(question.id, UNRANKED)
    if moved:
        tx.announce_each(questions.heard_of(moved[0]), Kind.ROW, moved, scope=board)
