"""Escalations by hand: into the open first, then into somebody's hands."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from models import Content, ContentKind, Escalation, EscalationState, Kind, Network, Row, Task
from realtime import topics
from resolvers import answering, closing, contents, policy, questions, tasks
from resolvers.context import Context
from resolvers.errors import Conflict, NotFound
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.policy import Condition
from resolvers.session import Reader, Transaction

IN_NETWORK = Listing("escalations", policy.see_escalation, order=("-created_at",), parent="network_id")

TOPIC = ContentKind.TOPIC


@dataclass(frozen=True)
class Filter:
    """Which escalations: of these communities, in these states. None means all."""

    community_ids: tuple[UUID, ...] | None = None
    states: tuple[EscalationState, ...] | None = None

    def keep(self, escalation: Any) -> Sequence[Condition]:
        kept = []
        if self.community_ids is not None:
            kept.append(escalation.community_id.in_(self.community_ids))
        if self.states is not None:
            kept.append(escalation.state.in_(self.states))
        return kept


async def escalate(
    ctx: Context, content_id: UUID, *, community_id: UUID, title: str | None, body: str | None
) -> Escalation:
    """Carry a topic that one's own community cannot solve into a community of people who might."""
    title, body = _checked(title, body)
    async with ctx.transaction() as tx:
        source = await tx.get(policy.escalate_content, content_id)
        await _expect_none(tx, community_id, Escalation.from_content_id == content_id)
        topic = Content(
            title=title or source.title, body=source.body if body is None else body, tags=source.tags, kind=TOPIC
        )
        escalation = Escalation(from_content_id=content_id)
        await _begin(tx, escalation, topic, source.network_id, community_id)
        _link(tx, source, topic, [topics.community_activity(source.community_id), topics.content(source.id)])
        return tx.answer(escalation)


async def escalate_question(
    ctx: Context, question_id: UUID, *, community_id: UUID, title: str | None, body: str | None
) -> Escalation:
    """Carry a question that the panel cannot answer to people who might. Who asked it is not told."""
    title, body = _checked(title, body)
    async with ctx.transaction() as tx:
        source = await tx.get(policy.hand_on_question, question_id)
        await _expect_none(tx, community_id, Escalation.from_question_id == question_id)
        asked = closing.topic_of(source, community_id)
        topic = Content(title=title or asked.title, body=asked.body if body is None else body, kind=TOPIC)
        escalation = Escalation(from_question_id=question_id)
        await _begin(tx, escalation, topic, source.network_id, community_id)
        _link(tx, source, topic, questions.heard_of(source))
        return tx.answer(escalation)


def _checked(title: str | None, body: str | None) -> tuple[str | None, str | None]:
    with form() as check:
        title = check.optional(check.text, "title", title, most=200)
        body = check.optional(check.text, "body", body, most=20_000, least=0)
    return title, body


async def _expect_none(tx: Transaction, community_id: UUID, origin: Any) -> None:
    standing = (Escalation.community_id == community_id, Escalation.state != EscalationState.CANCELLED)
    if await tx.find(Escalation, origin, *standing):
        raise Conflict("This has been escalated there.")


async def _begin(tx: Transaction, escalation: Escalation, topic: Content, network_id: UUID, community_id: UUID) -> None:
    community = await tx.get(policy.escalate_into_community, community_id, lock=False)
    if community.network_id != network_id:
        raise NotFound
    author = await tx.member(network_id)
    topic.network_id, topic.community_id, topic.author_id = network_id, community_id, author.id
    await contents.put(tx, topic)
    escalation.network_id, escalation.community_id = network_id, community_id
    escalation.topic_id, escalation.escalated_by_id = topic.id, author.id
    await tx.add(escalation)
    _tell(tx, escalation)


def _tell(tx: Transaction, escalation: Escalation) -> None:
    tx.announce([topics.network_escalations(escalation.network_id)], Kind.ROW, escalation)


def _link(tx: Transaction, source: Row, topic: Content, heard: list[topics.Topic]) -> None:
    """The source shows a new link, but only to those who may see where it leads: to others nothing has happened."""
    tx.announce(heard, Kind.ROW, source, seen_with=topic)


async def push(ctx: Context, escalation_id: UUID, *, member_id: UUID, due_at: datetime | None) -> Escalation:
    """Put it into somebody's hands, as a task that the viewer watches to the end."""
    with form() as check:
        due_at = check.moment("dueAt", due_at)
    async with ctx.transaction() as tx:
        escalation, topic = await _locked(tx, policy.push_escalation, escalation_id)
        if escalation.task_id is not None and await _is_running(tx, escalation.task_id):
            raise Conflict("Somebody has this as a task. Reassign that one.")
        task = Task(
            network_id=topic.network_id,
            community_id=topic.community_id,
            content_id=topic.id,
            title=topic.title,  # the body stays where it is, under its rule
            due_at=due_at,
        )
        await tasks.give(tx, task, member_id)
        escalation.task_id, escalation.assignee_id = task.id, member_id
        escalation.pushed_at = escalation.pushed_at or tx.now
        if escalation.state is EscalationState.PULL:
            escalation.state = EscalationState.PUSHED
        _tell(tx, escalation)
        return tx.answer(escalation)


async def resolve(ctx: Context, escalation_id: UUID) -> Escalation:
    """Close it as solved, without naming one answer."""
    async with ctx.transaction() as tx:
        escalation, topic = await _locked(tx, policy.resolve_escalation, escalation_id)
        await answering.resolved(tx, topic, None)
        return tx.answer(escalation)


async def _locked(tx: Transaction, rule: policy.Rule[Escalation], escalation_id: UUID) -> tuple[Escalation, Content]:
    """Both locked, the topic first: answers lock it, too."""
    found = await tx.get(rule, escalation_id, lock=False)
    topic = await tx.get(policy.see_content, found.topic_id)
    return await tx.get(rule, escalation_id), topic


async def _is_running(tx: Transaction, task_id: UUID) -> bool:
    task = await tx.find(Task, Task.id == task_id)
    return task is not None and task.state in policy.RUNNING_TASKS


async def of_questions(db: Reader, question_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The escalations that began as these questions; whether the viewer may see them is asked elsewhere."""
    began: dict[UUID, list[UUID]] = {id: [] for id in question_ids}
    these = col(Escalation.from_question_id).in_(question_ids)
    for escalation in await db.find_all(Escalation, these, order=Escalation.created_at):
        if escalation.from_question_id is not None:
            began[escalation.from_question_id].append(escalation.id)
    return began


async def pull_ratio(db: Reader, subject: Subject) -> float | None:
    """The share of answered escalations that were answered before anybody was pushed; None while none is answered."""
    row = Escalation
    (source,) = subject.sources
    seen = db.select(policy.follow_escalation).where(*source.where(row))
    answered = col(row.answered_at).is_not(None)
    pulled = answered & (col(row.pushed_at).is_(None) | (col(row.answered_at) < col(row.pushed_at)))
    counts = seen.with_only_columns(func.count().filter(answered), func.count().filter(pulled))
    total, by_pull = (await db.execute(counts)).one()
    return by_pull / total if total else None


def dashboard(network: Network, viewer: UUID, kept: Filter) -> Subject:
    """The escalations that the viewer may see, of these communities and in these states."""
    return Subject(
        name="escalations",
        arguments=(network.id, kept),
        rule=policy.see_network,
        row=network,
        sources=(
            Source(
                policy.see_escalation,
                lambda escalation: (escalation.network_id == network.id, *kept.keep(escalation)),
            ),
        ),
        topics=fixed(topics.network_escalations(network.id)),
        rights=frozenset({topics.memberships(viewer), topics.person(viewer)}),
    )
