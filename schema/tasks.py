"""Tasks."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import ParticipantRole, ParticipantState, TaskState
from resolvers import policy, tasks
from schema.base import ID, Node, edge, node, plain, row_id, viewer_can
from schema.comments import Comment
from schema.contents import Content
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.questions import Question
else:
    Question = Annotated["Question", strawberry.lazy("schema.questions")]

strawberry.enum(TaskState, description="How far a task has got.")
strawberry.enum(ParticipantRole, description="What somebody has to do with a task.")
strawberry.enum(ParticipantState, description="What somebody has done about a task.")


@node("Somebody who takes part in a task.")
class TaskParticipant(Node):
    role: ParticipantRole = plain("What they have to do with it.")
    state: ParticipantState = plain("What they have done about it.")
    member: Member | None = edge("member_id", policy.see_member, "Who.")


@node("Something said within a task, to those who take part in it.")
class TaskMessage(Node):
    body: str = plain("What it says.")
    created_at: datetime = plain("When it was said.")
    author: Member | None = edge("author_id", policy.see_member, "Who said it.")


@node("Something to be done. Only those who take part in it know that it exists.")
class Task(Node):
    title: str = plain("What is to be done.")
    body: str = plain("What there is to know about it.")
    state: TaskState = plain("How far it has got.")
    due_at: datetime | None = plain("When it is due.")
    created_at: datetime = plain("When it was given.")
    closed_at: datetime | None = plain("When it was done, declined or called off.")
    content: Content | None = edge("content_id", policy.see_content, "What it is about, if the viewer may see that.")
    comment: Comment | None = edge(
        "comment_id", policy.see_comment, "The comment it is about, if the viewer may see that."
    )
    question: Question | None = edge(
        "question_id", policy.see_question, "The question it is about, if the viewer may see that."
    )
    participants: Connection[TaskParticipant] = connection(tasks.PARTICIPANTS, "Who takes part.")
    messages: Connection[TaskMessage] = connection(tasks.MESSAGES, "What was said, oldest first.")
    viewer_can = viewer_can(
        "Task",
        accept=policy.accept_task,
        carry_out=policy.carry_out_task,
        reassign=policy.reassign_task,
        cancel=policy.cancel_task,
    )


@strawberry.input(description="A new task.")
class CreateTaskInput:
    assignee_id: ID = plain("The member who is asked.")
    title: str = plain("At most 200 characters.")
    body: str = strawberry.field(default="", description="At most 10,000 characters.")
    due_at: datetime | None = strawberry.field(default=None, description="When it is due.")
    content_id: ID | None = strawberry.field(default=None, description="The topic, post or idea that it is about.")
    comment_id: ID | None = strawberry.field(default=None, description="The comment that it is about.")
    question_id: ID | None = strawberry.field(default=None, description="The question that it is about.")


@strawberry.input(description="What is said.")
class TaskMessageInput:
    body: str = plain("At most 10,000 characters.")


@strawberry.type
class TaskMutations:
    @mutation("Ask somebody to do something.")
    async def create_task(self, info: Info, network_id: ID, input: CreateTaskInput) -> Task:
        created = await tasks.create(
            info.context,
            row_id(network_id, models.Network),
            assignee_id=row_id(input.assignee_id, models.Member),
            title=input.title,
            body=input.body,
            due_at=input.due_at,
            content_id=row_id(input.content_id, models.Content) if input.content_id else None,
            comment_id=row_id(input.comment_id, models.Comment) if input.comment_id else None,
            question_id=row_id(input.question_id, models.Question) if input.question_id else None,
        )
        return Task.of(created)

    @mutation("Say that one will do it.")
    async def accept_task(self, info: Info, task_id: ID) -> Task:
        return Task.of(await tasks.accept(info.context, row_id(task_id, models.Task)))

    @mutation("Hand it back undone.")
    async def decline_task(self, info: Info, task_id: ID) -> Task:
        return Task.of(await tasks.decline(info.context, row_id(task_id, models.Task)))

    @mutation("Say that it is done.")
    async def complete_task(self, info: Info, task_id: ID) -> Task:
        return Task.of(await tasks.complete(info.context, row_id(task_id, models.Task)))

    @mutation("Call it off.")
    async def cancel_task(self, info: Info, task_id: ID) -> Task:
        return Task.of(await tasks.cancel(info.context, row_id(task_id, models.Task)))

    @mutation("Change when it is due; without a date: at no time in particular.")
    async def reschedule_task(self, info: Info, task_id: ID, due_at: datetime | None = None) -> Task:
        return Task.of(await tasks.reschedule(info.context, row_id(task_id, models.Task), due_at=due_at))

    @mutation("Hand it to a better-placed colleague, and go on watching.")
    async def reassign_task(self, info: Info, task_id: ID, assignee_id: ID) -> Task:
        id, assignee = row_id(task_id, models.Task), row_id(assignee_id, models.Member)
        return Task.of(await tasks.reassign(info.context, id, assignee_id=assignee))

    @mutation("Say something to those who take part.")
    async def post_task_message(self, info: Info, task_id: ID, input: TaskMessageInput) -> TaskMessage:
        return TaskMessage.of(await tasks.say(info.context, row_id(task_id, models.Task), body=input.body))
