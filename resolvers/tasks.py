"""Tasks: given, taken, handed on, done, and talked about in private."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from models import (
    Escalation,
    Kind,
    Member,
    MemberKind,
    Network,
    ParticipantRole,
    ParticipantState,
    Task,
    TaskMessage,
    TaskParticipant,
    TaskState,
)
from realtime import topics
from resolvers import policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid, NotFound
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.session import Transaction

MINE = Listing("tasks", policy.see_task, order=("-created_at",), parent="network_id")
PARTICIPANTS = Listing("participants", policy.see_participant, order=("created_at",), parent="task_id")
MESSAGES = Listing("messages", policy.see_message, order=("created_at",), parent="task_id")

HOLDING = (ParticipantState.ASKED, ParticipantState.ACCEPTED)


async def create(
    ctx: Context,
    network_id: UUID,
    *,
    assignee_id: UUID,
    title: str,
    body: str,
    due_at: datetime | None,
    content_id: UUID | None = None,
    comment_id: UUID | None = None,
    question_id: UUID | None = None,
) -> Task:
    """Ask somebody to do something: about a topic, a comment, a question, or about nothing that is here."""
    with form() as check:
        title = check.text("title", title, most=200)
        body = check.text("body", body, most=10_000, least=0)
        due_at = check.moment("dueAt", due_at)
    async with ctx.transaction() as tx:
        await tx.get(policy.create_task, network_id, lock=False)
        task = Task(network_id=network_id, title=title, body=body, due_at=due_at)
        await _bind(tx, task, content_id, comment_id)
        await _bind_question(tx, task, question_id)
        return tx.answer(await give(tx, task, assignee_id))


async def _bind(tx: Transaction, task: Task, content_id: UUID | None, comment_id: UUID | None) -> None:
    """The subject shows no trace of the task: it is neither touched nor announced."""
    if comment_id is not None:
        comment = await tx.get(policy.create_task_on_comment, comment_id, lock=False)
        if content_id not in {None, comment.content_id}:
            raise Invalid(Flaw("This comment is about something else.", ("input", "commentId")))
        task.comment_id, content_id = comment_id, comment.content_id
    if content_id is not None:
        content = await tx.get(policy.create_task_on_content, content_id, lock=False)
        if content.network_id != task.network_id:
            raise NotFound
        task.content_id, task.community_id = content_id, content.community_id


async def _bind_question(tx: Transaction, task: Task, question_id: UUID | None) -> None:
    if question_id is None:
        return
    if task.content_id is not None:
        raise Invalid(Flaw("A task is about a question or about a content, not both.", ("input", "questionId")))
    question = await tx.get(policy.hand_on_question, question_id, lock=False)
    if question.network_id != task.network_id:
        raise NotFound
    task.question_id, task.community_id = question_id, question.community_id


async def give(tx: Transaction, task: Task, assignee_id: UUID) -> Task:
    """Put the task before its assignee, with the viewer as its creator."""
    creator = await tx.member(task.network_id)
    assignee = await _assignable(tx, task, assignee_id)
    task.remind_at = task.due_at
    await tx.add(task)
    await _take_part(tx, task, creator, ParticipantRole.CREATOR, ParticipantState.ACCEPTED)
    await _take_part(tx, task, assignee, ParticipantRole.ASSIGNEE, ParticipantState.ASKED)
    await _tell(tx, task)
    return task


async def _assignable(tx: Transaction, task: Task, member_id: UUID) -> Member:
    """An active internal colleague who may see what the task is about."""
    member = await tx.get(policy.see_member, member_id, lock=False)
    if member.network_id != task.network_id:
        raise NotFound
    if not tx.is_here(member) or member.kind is not MemberKind.INTERNAL:
        raise Invalid(Flaw("Only an active internal member can be given a task.", ("input", "assigneeId")))
    subjects = ((policy.see_content.now, task.content_id), (policy.take_on_question.now, task.question_id))
    seen = [await tx.audience(sees, id, {member.principal_id}) for sees, id in subjects if id]
    if not all(seen):
        raise Invalid(Flaw("This member may not see what the task is about.", ("input", "assigneeId")))
    return member


async def _take_part(
    tx: Transaction, task: Task, member: Member, role: ParticipantRole, state: ParticipantState
) -> TaskParticipant:
    participant = await tx.find(
        TaskParticipant,
        TaskParticipant.task_id == task.id,
        TaskParticipant.member_id == member.id,
        TaskParticipant.role == role,
    )
    if participant is None:
        participant = await tx.add(TaskParticipant(task_id=task.id, member_id=member.id, role=role, state=state))
    participant.state = state
    return participant


async def _tell(tx: Transaction, task: Task, *, gained: set[UUID] | None = None) -> None:
    """Those who take part, and nobody else, hear of it."""
    await tx.flush()
    mine = col(TaskParticipant.task_id) == task.id
    members = await tx.find_all(TaskParticipant, mine, order=TaskParticipant.created_at)
    principals = [await tx.find(Member.principal_id, Member.id == p.member_id) for p in members]
    tx.announce([topics.task(task.id), *map(topics.tasks_of, principals)], Kind.ROW, task, gained=gained or ())


async def accept(ctx: Context, task_id: UUID) -> Task:
    async with ctx.transaction() as tx:
        task = await tx.get(policy.accept_task, task_id)
        (await _own_part(tx, task)).state = ParticipantState.ACCEPTED
        task.state = TaskState.IN_PROGRESS
        await _tell(tx, task)
        return tx.answer(task)


async def decline(ctx: Context, task_id: UUID) -> Task:
    """Hand it back undone; its creator sees that and may reassign a new one."""
    return await _close_part(ctx, task_id, ParticipantState.DECLINED, TaskState.DECLINED)


async def complete(ctx: Context, task_id: UUID) -> Task:
    return await _close_part(ctx, task_id, ParticipantState.DONE, TaskState.DONE)


async def _close_part(ctx: Context, task_id: UUID, part: ParticipantState, state: TaskState) -> Task:
    async with ctx.transaction() as tx:
        task = await tx.get(policy.carry_out_task, task_id)
        (await _own_part(tx, task)).state = part
        task.state, task.closed_at = state, tx.now
        await _tell(tx, task)
        return tx.answer(task)


async def cancel(ctx: Context, task_id: UUID) -> Task:
    async with ctx.transaction() as tx:
        task = await tx.get(policy.cancel_task, task_id)
        task.state, task.closed_at = TaskState.CANCELLED, tx.now
        await _tell(tx, task)
        return tx.answer(task)


async def reschedule(ctx: Context, task_id: UUID, *, due_at: datetime | None) -> Task:
    with form() as check:
        due_at = check.moment("dueAt", due_at)
    async with ctx.transaction() as tx:
        task = await tx.get(policy.cancel_task, task_id)
        if task.due_at != due_at:
            task.due_at = task.remind_at = due_at
        await _tell(tx, task)
        return tx.answer(task)


async def reassign(ctx: Context, task_id: UUID, *, assignee_id: UUID) -> Task:
    """Hand it to a better-placed colleague. Whoever had it goes on watching."""
    async with ctx.transaction() as tx:
        await tx.get(policy.reassign_task, task_id, lock=False)
        escalation = await tx.lock(Escalation, Escalation.task_id == task_id)  # before the task, as everywhere
        task = await tx.get(policy.reassign_task, task_id)
        held = await tx.find(
            TaskParticipant,
            TaskParticipant.task_id == task_id,
            TaskParticipant.role == ParticipantRole.ASSIGNEE,
            col(TaskParticipant.state).in_(HOLDING),
        )
        assignee = await _assignable(tx, task, assignee_id)
        if held is not None and held.member_id == assignee.id:
            raise Conflict("This member has the task already.")
        is_new = not await tx.audience(policy.see_task.now, task_id, {assignee.principal_id})
        if held is not None:  # nobody has it if its assignee came back as somebody else
            held.state = ParticipantState.REASSIGNED
        await _take_part(tx, task, assignee, ParticipantRole.ASSIGNEE, ParticipantState.ASKED)
        task.state = TaskState.OPEN
        await _tell(tx, task, gained={assignee.principal_id} if is_new else None)
        if escalation is not None:
            escalation.assignee_id = assignee.id
            tx.announce([topics.network_escalations(task.network_id)], Kind.ROW, escalation)
        return tx.answer(task)


async def _own_part(tx: Transaction, task: Task) -> TaskParticipant:
    member = await tx.member(task.network_id)
    part = await tx.find(
        TaskParticipant,
        TaskParticipant.task_id == task.id,
        TaskParticipant.member_id == member.id,
        TaskParticipant.role == ParticipantRole.ASSIGNEE,
        col(TaskParticipant.state).in_(HOLDING),
    )
    if part is None:
        raise NotFound
    return part


async def finish(tx: Transaction, task_id: UUID | None, *, done: bool) -> None:
    """Close a task whose subject has settled itself."""
    task = await tx.lock(Task, Task.id == task_id)
    if task is not None and task.state in policy.RUNNING_TASKS:
        task.state, task.closed_at = TaskState.DONE if done else TaskState.CANCELLED, tx.now
        await _tell(tx, task)


async def leave_all(tx: Transaction, member: Member) -> None:
    """Whoever comes back as somebody else has no part in the tasks of who they were; the others see them go."""
    mine = (TaskParticipant.task_id == Task.id, TaskParticipant.member_id == member.id)
    for task in await tx.find_all(Task, *mine, order=col(Task.id)):
        await tx.lock(Task, Task.id == task.id)
        gone = delete(TaskParticipant).where(
            col(TaskParticipant.task_id) == task.id, col(TaskParticipant.member_id) == member.id
        )
        await tx.raw(gone)
        await _tell(tx, task)


async def say(ctx: Context, task_id: UUID, *, body: str) -> TaskMessage:
    """Talk about the task; only those who take part in it hear."""
    with form() as check:
        body = check.text("body", body, most=10_000)
    async with ctx.transaction() as tx:
        task = await tx.get(policy.discuss_task, task_id, lock=False)
        author = await tx.member(task.network_id)
        message = TaskMessage(network_id=task.network_id, task_id=task_id, author_id=author.id, body=body)
        await tx.add(message)
        tx.announce([topics.task(task_id)], Kind.ROW, message)
        return tx.answer(message)


def of_viewer(network: Network, viewer: UUID) -> Subject:
    """All tasks in which the viewer takes part."""
    return Subject(
        name="myTasks",
        arguments=(network.id,),
        rule=policy.see_network,
        row=network,
        sources=(Source(policy.see_task, lambda task: (task.network_id == network.id,)),),
        topics=fixed(topics.tasks_of(viewer)),
        rights=frozenset({topics.person(viewer)}),
    )


def one(task: Task, viewer: UUID) -> Subject:
    """One task with its talk."""
    return Subject(
        name="task",
        arguments=(task.id,),
        rule=policy.see_task,
        row=task,
        sources=(
            Source(policy.see_task, lambda row: (row.id == task.id,)),
            Source(policy.see_message, lambda message: (message.task_id == task.id,)),
        ),
        topics=fixed(topics.task(task.id)),
        rights=frozenset({topics.person(viewer)}),
    )
