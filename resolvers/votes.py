"""Votes for questions: one of each person, also where questions were merged."""

from uuid import UUID

from sqlalchemy import delete, distinct, func
from sqlmodel import col

from models import Kind, Question, QuestionState, Vote
from resolvers import policy, questions
from resolvers.context import Context
from resolvers.errors import Limited
from resolvers.session import Transaction


async def upvote(ctx: Context, question_id: UUID) -> Question:
    """Add the viewer's vote. Voting twice is voting once."""
    async with ctx.transaction() as tx:
        budget = await _budget(tx, question_id)
        question, has_voted = await tx.get_with(policy.upvote_question, question_id, policy.upvoted_question)
        if not has_voted:
            await _check_budget(tx, question, budget)
            if await tx.add_once(Vote(question_id=question_id, principal_id=ctx.viewer)):
                await _count(tx, question, 1)
        return tx.answer(question)


async def retract(ctx: Context, question_id: UUID) -> Question:
    """Take the viewer's vote back. Without one, nothing happens."""
    async with ctx.transaction() as tx:
        question = await tx.get(policy.upvote_question, question_id)
        ids = await group(tx, question_id)
        mine = (col(Vote.question_id).in_(ids), col(Vote.principal_id) == ctx.viewer)
        if (await tx.raw(delete(Vote).where(*mine).returning(col(Vote.id)))).first() is not None:
            await _count(tx, question, -1)
        return tx.answer(question)


async def group(tx: Transaction, question_id: UUID) -> list[UUID]:
    """The question and those that were merged into it. Its row is locked, so no other comes in."""
    merged = await tx.find_all(Question, Question.merged_into_id == question_id, order=Question.created_at)
    return [question_id, *(question.id for question in merged)]


async def recount(tx: Transaction, question: Question) -> None:
    """The distinct voters of the question and of those that were merged into it."""
    await tx.flush()
    ids = await group(tx, question.id)
    question.votes = await tx.find(func.count(distinct(col(Vote.principal_id))), col(Vote.question_id).in_(ids))


async def _count(tx: Transaction, question: Question, by: int) -> None:
    await tx.count(Question.votes, question, by)
    questions.tell(tx, question, Kind.COUNTERS)


async def _budget(tx: Transaction, question_id: UUID) -> int | None:
    """How many votes one has at a time. Then the board is locked, before the question as everywhere."""
    budget: int | None = (await tx.raw(policy.voting_budget, {"question_id": question_id})).scalar()
    return budget


async def _check_budget(tx: Transaction, question: Question, budget: int | None) -> None:
    """Votes count against it while their questions wait."""
    if budget is None:
        return
    cast = tx.select(policy.upvoted_question).where(
        col(Question.board_id) == question.board_id, col(Question.state) == QuestionState.VISIBLE
    )
    if await tx.total(cast) >= budget:
        raise Limited(f"Here one has {budget} votes at a time: take one back, or wait for an answer.")
