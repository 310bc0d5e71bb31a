"""Questions that ask the same: merged into one, and parted again."""

from collections.abc import Sequence
from uuid import UUID

from models import Question, QuestionState
from resolvers import policy, questions, votes
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.session import Transaction

MERGEABLE = (QuestionState.PENDING, QuestionState.VISIBLE)
TARGETS = (QuestionState.VISIBLE, QuestionState.ANSWERED)


async def merge(ctx: Context, question_id: UUID, *, into_id: UUID) -> Question:
    """Let one question stand for both: it has the voters of both, each once. What was merged before comes along."""
    async with ctx.transaction() as tx:
        merged, target = await _both(tx, question_id, into_id)
        for earlier in await _merged_into(tx, merged.id):
            earlier.merged_into_id = target.id
            questions.tell(tx, earlier)
        merged.state, merged.merged_into_id, merged.on_screen = QuestionState.MERGED, target.id, False
        await votes.recount(tx, merged)
        await votes.recount(tx, target)
        questions.tell(tx, merged)
        questions.tell(tx, target)
        return tx.answer(merged)


async def unmerge(ctx: Context, question_id: UUID) -> Question:
    """Let it stand for itself again, with the votes that it had."""
    async with ctx.transaction() as tx:
        merged, _ = await questions.held(tx, policy.decide_question, question_id)
        target = await tx.lock(Question, Question.id == merged.merged_into_id)
        if merged.state is not QuestionState.MERGED or target is None:
            raise Conflict("The question is not merged.")
        await _part(tx, merged)
        await votes.recount(tx, target)
        questions.tell(tx, target)
        return tx.answer(merged)


async def withdraw(ctx: Context, question_id: UUID) -> Question:
    """Take one's own question back, also one asked anonymously. What was merged into it stands for itself again."""
    async with ctx.transaction() as tx:
        question, _ = await questions.held(tx, policy.withdraw_question, question_id)
        question.state, question.on_screen, question.withdrawn_at = QuestionState.WITHDRAWN, False, tx.now
        await _release(tx, question)
        questions.tell(tx, question)
        return tx.answer(question)


async def _release(tx: Transaction, question: Question) -> None:
    for merged in await _merged_into(tx, question.id):
        await _part(tx, merged)
    await votes.recount(tx, question)


async def tell_merged(tx: Transaction, question: Question) -> None:
    """Those whose question was merged into this one learn how it goes on."""
    for merged in await _merged_into(tx, question.id):
        questions.tell(tx, merged)


async def _both(tx: Transaction, question_id: UUID, into_id: UUID) -> tuple[Question, Question]:
    """Both locked, the board first."""
    if question_id == into_id:
        raise Invalid(Flaw("A question cannot be merged into itself.", ("intoId",)))
    merged, _ = await questions.held(tx, policy.decide_question, question_id)
    target = await tx.get(policy.decide_question, into_id)
    if target.board_id != merged.board_id:
        raise Invalid(Flaw("The two questions are on different boards.", ("intoId",)))
    if merged.state not in MERGEABLE:
        raise Conflict(f"The question is {merged.state.lower()}.")
    if target.state not in TARGETS:
        raise Conflict(f"The question to merge into is {target.state.lower()}.")
    return merged, target


async def _merged_into(tx: Transaction, question_id: UUID) -> Sequence[Question]:
    return await tx.lock_all(Question, Question.merged_into_id == question_id)


async def _part(tx: Transaction, merged: Question) -> None:
    """Back to where it was: before the hall, if the hall has seen it."""
    merged.state = QuestionState.PENDING if merged.number is None else QuestionState.VISIBLE
    merged.merged_into_id = None
    await votes.recount(tx, merged)
    questions.tell(tx, merged)
