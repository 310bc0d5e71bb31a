"""What an answer does to a topic, and to the escalation and the task that wait for it."""

from sqlmodel import col

from models import AnswerState, Comment, Content, Escalation, EscalationState, Kind, Lifecycle
from realtime import topics
from resolvers import tasks
from resolvers.session import Transaction

SETTLED = (EscalationState.RESOLVED, EscalationState.CANCELLED)


def tell(tx: Transaction, content: Content, kind: Kind = Kind.ROW) -> None:
    tx.announce([topics.community_activity(content.community_id), topics.content(content.id)], kind, content)


async def commented(tx: Transaction, content: Content, comment: Comment) -> None:
    """Anybody's comment but the asker's is an answer; the first one counts."""
    if content.answer_state is AnswerState.UNANSWERED and comment.author_id != content.author_id:
        content.answer_state = AnswerState.ANSWERED
        tell(tx, content)
        await _move(tx, content, EscalationState.ANSWERED)


async def uncommented(tx: Transaction, content: Content) -> None:
    """When the last answer is taken back, the topic waits again."""
    remaining = await tx.find(
        Comment,
        Comment.content_id == content.id,
        Comment.lifecycle == Lifecycle.PUBLISHED,
        col(Comment.author_id).is_distinct_from(content.author_id),
    )
    if content.answer_state is AnswerState.ANSWERED and remaining is None:
        content.answer_state = AnswerState.UNANSWERED
        tell(tx, content)
        await _move(tx, content, EscalationState.PULL)


async def resolved(tx: Transaction, content: Content, answer: Comment | None) -> None:
    content.answer_state = AnswerState.RESOLVED
    content.accepted_comment_id = answer.id if answer else content.accepted_comment_id
    tell(tx, content)
    await _move(tx, content, EscalationState.RESOLVED)


async def withdrawn(tx: Transaction, content: Content) -> None:
    await _move(tx, content, EscalationState.CANCELLED)


async def _move(tx: Transaction, content: Content, state: EscalationState) -> None:
    escalation = await tx.find(Escalation, Escalation.topic_id == content.id)
    if escalation is None or escalation.state in SETTLED:
        return
    if state is EscalationState.PULL and escalation.pushed_at is not None:
        state = EscalationState.PUSHED
    escalation.state = state
    if state is EscalationState.ANSWERED or (state is EscalationState.RESOLVED and content.accepted_comment_id):
        escalation.answered_at = escalation.answered_at or tx.now
    if state in {EscalationState.PULL, EscalationState.PUSHED}:
        escalation.answered_at = None
    if state in SETTLED:
        escalation.resolved_at = tx.now if state is EscalationState.RESOLVED else None
        await tasks.finish(tx, escalation.task_id, done=state is EscalationState.RESOLVED)
    tx.announce([topics.network_escalations(escalation.network_id)], Kind.ROW, escalation)
