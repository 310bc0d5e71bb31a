"""What becomes of the questions that nobody answered: topics in their community, or nothing more."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlmodel import col

from models import Content, ContentKind, Kind, Question, QuestionBoard, QuestionState, ShowCounts, Unanswered
from realtime import topics
from resolvers import contents, merges, panels, policy, questions
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.session import Reader, Transaction

TITLE_MOST = 200
GOES_ON = (QuestionState.VISIBLE, QuestionState.ANSWERED, QuestionState.DISMISSED)


async def turn_into_topic(ctx: Context, question_id: UUID) -> Content:
    """Let it go on as a topic of its community, under the name of whoever asked; anonymous, under none."""
    async with ctx.transaction() as tx:
        question, _ = await panels.moderated(tx, question_id, *GOES_ON)
        if await tx.find(Content.id, Content.question_id == question_id):
            raise Conflict("The question is a topic already.")
        topic = await contents.put(tx, topic_of(question, question.community_id))
        if question.state is QuestionState.VISIBLE:
            question.state, question.on_screen = QuestionState.DISMISSED, False
        questions.tell(tx, question)
        await merges.tell_merged(tx, question)
        return tx.answer(topic)


def topic_of(question: Question, community_id: UUID) -> Content:
    is_long = len(question.body) > TITLE_MOST
    return Content(
        network_id=question.network_id,
        community_id=community_id,
        author_id=question.author_id,
        question_id=question.id,
        kind=ContentKind.TOPIC,
        title=f"{question.body[: TITLE_MOST - 1]}…" if is_long else question.body,
        body=question.body if is_long else "",
    )


async def settle(tx: Transaction, board: QuestionBoard, plan: Unanswered) -> None:
    """Of those before the hall, none is left open. What still waits for a moderator goes on waiting."""
    on_board = tx.select(policy.moderate_question).where(col(Question.board_id) == board.id)
    open_ = await tx.all(on_board.where(col(Question.state) == QuestionState.VISIBLE).order_by(col(Question.id)))
    ids = [question.id for question in open_]
    for question in open_:
        question.state, question.on_screen = QuestionState.DISMISSED, False
    merged = await tx.all(on_board.where(col(Question.merged_into_id).in_(ids)).order_by(col(Question.id)))
    _tell(tx, board, Kind.ROW, [*open_, *merged])
    if board.show_counts is ShowCounts.AFTER_CLOSE:  # on all of them: askers follow their own in every state
        others = await tx.all(on_board.where(col(Question.id).not_in(ids)).order_by(col(Question.id)))
        _tell(tx, board, Kind.COUNTERS, others)
    if plan is Unanswered.TOPICS:
        await _continue(tx, board, open_)


def _tell(tx: Transaction, board: QuestionBoard, kind: Kind, changed: Sequence[Question]) -> None:
    if changed:
        tx.announce_each(questions.heard_of(changed[0]), kind, changed, scope=board)


async def _continue(tx: Transaction, board: QuestionBoard, open_: Sequence[Question]) -> None:
    known = await topics_of(tx, [question.id for question in open_])
    made = [topic_of(question, question.community_id) for question in open_ if question.id not in known]
    for topic in made:
        topic.published_at = tx.now
    await tx.add_all(made)
    if made:
        tx.announce_each([topics.community_activity(board.community_id)], Kind.ROW, made, scope=board)


async def topics_of(db: Reader, question_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The topic as which each of the questions goes on, if it does."""
    found = await db.find_all(Content, col(Content.question_id).in_(question_ids))
    return {topic.question_id: topic.id for topic in found if topic.question_id}
