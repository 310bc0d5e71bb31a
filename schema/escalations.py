"""Escalations."""

from datetime import datetime

import strawberry

import models
from models import EscalationState
from resolvers import escalations, policy
from schema.base import ID, Node, edge, guarded, node, plain, project, row_id, viewer_can
from schema.communities import Community
from schema.contents import Topic
from schema.context import Info
from schema.members import Member
from schema.problems import mutation
from schema.questions import Question
from schema.tasks import Task

strawberry.enum(EscalationState, description="How far an escalation has got.")


@node("A topic that waits for an answer: in the open first, then in somebody's hands.")
class Escalation(Node):
    state: EscalationState = plain("How far it has got.")
    created_at: datetime = plain("Since when it waits: its age.")
    pushed_at: datetime | None = guarded(
        "pushed_at", policy.follow_escalation, "When it was first put into somebody's hands; for colleagues."
    )
    answered_at: datetime | None = plain("When somebody answered.")
    resolved_at: datetime | None = plain("When it was resolved.")
    topic: Topic | None = edge("topic_id", policy.see_content, "The topic in the escalation community.")
    origin: Topic | None = edge(
        "from_content_id", policy.see_content, "Where it came from, if the viewer may see that."
    )
    origin_question: Question | None = edge(
        "from_question_id", policy.see_question, "The question it came from, if the viewer may see that."
    )
    community: Community | None = edge("community_id", policy.see_community, "Who is asked for help.")
    escalated_by: Member | None = edge("escalated_by_id", policy.see_member, "Who escalated it.")

    task: Task | None = edge("task_id", policy.see_task, "The task, for those who take part in it.")
    viewer_can = viewer_can("Escalation", push=policy.push_escalation, resolve=policy.resolve_escalation)

    @strawberry.field(description="Who has it; for colleagues.")
    async def assignee(self, info: Info) -> Member | None:
        if self.row.assignee_id is None or not await info.context.allows(policy.follow_escalation, self.row.id):
            return None
        return project(await info.context.row(policy.see_member, self.row.assignee_id))

    @strawberry.field(
        description="Whether it was answered before anybody was pushed; null while it is not answered. For colleagues."
    )
    async def answered_by_pull(self, info: Info) -> bool | None:
        row = self.row
        if row.answered_at is None or not await info.context.allows(policy.follow_escalation, row.id):
            return None
        return row.pushed_at is None or row.answered_at < row.pushed_at


@strawberry.input(description="Where to, and in which words.")
class EscalateTopicInput:
    community_id: ID = plain("A community whose purpose is ESCALATION.")
    title: str | None = strawberry.field(default=None, description="The topic's own title if left out.")
    body: str | None = strawberry.field(default=None, description="The topic's own body if left out.")


@strawberry.input(description="Where to, and in which words.")
class EscalateQuestionInput:
    community_id: ID = plain("A community whose purpose is ESCALATION.")
    title: str | None = strawberry.field(default=None, description="The question itself if left out.")
    body: str | None = strawberry.field(default=None, description="The question itself if left out.")


@strawberry.input(description="Into whose hands.")
class PushEscalationInput:
    assignee_id: ID = plain("The member who is asked.")
    due_at: datetime | None = strawberry.field(default=None, description="When it is due.")


@strawberry.type
class EscalationMutations:
    @mutation("Carry a topic that one's own community cannot solve to people who might.")
    async def escalate_topic(self, info: Info, topic_id: ID, input: EscalateTopicInput) -> Escalation:
        escalated = await escalations.escalate(
            info.context,
            row_id(topic_id, models.Content),
            community_id=row_id(input.community_id, models.Community),
            title=input.title,
            body=input.body,
        )
        return Escalation.of(escalated)

    @mutation("Carry a question that the panel cannot answer to people who might.")
    async def escalate_question(self, info: Info, question_id: ID, input: EscalateQuestionInput) -> Escalation:
        escalated = await escalations.escalate_question(
            info.context,
            row_id(question_id, models.Question),
            community_id=row_id(input.community_id, models.Community),
            title=input.title,
            body=input.body,
        )
        return Escalation.of(escalated)

    @mutation("Put an escalation into somebody's hands as a task, and watch it to the end.")
    async def push_escalation(self, info: Info, escalation_id: ID, input: PushEscalationInput) -> Escalation:
        pushed = await escalations.push(
            info.context,
            row_id(escalation_id, models.Escalation),
            member_id=row_id(input.assignee_id, models.Member),
            due_at=input.due_at,
        )
        return Escalation.of(pushed)

    @mutation("Close an escalation as solved without naming one answer.")
    async def resolve_escalation(self, info: Info, escalation_id: ID) -> Escalation:
        return Escalation.of(await escalations.resolve(info.context, row_id(escalation_id, models.Escalation)))
