"""Reminders: whoever has a task is told when it is due, once for each time that it is given."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlmodel import col

from models import Account, AccountState, Letter, Member, Network, ParticipantRole, Task, TaskParticipant
from resolvers import letters, policy
from resolvers.cipher import to_text
from resolvers.context import Context, Means
from resolvers.letters import Facts, Occasion
from resolvers.session import Reader, Transaction
from resolvers.tasks import HOLDING

LIFETIME = timedelta(days=2)


def is_due(db: Reader) -> Any:
    return col(Task.remind_at) <= db.now


async def send(tx: Transaction, means: Means) -> None:
    """Write to those who have what is due."""
    for task in await tx.lock_all(Task, is_due(tx)):
        task.remind_at = None
        if task.state in policy.RUNNING_TASKS and task.due_at is not None:
            await _remind(tx, means, task, task.due_at)


async def _remind(tx: Transaction, means: Means, task: Task, due_at: datetime) -> None:
    account = await _assignee(tx, task.id)
    network = await tx.find(Network, Network.id == task.network_id)
    if account is None or network is None:
        return
    await letters.post(
        tx,
        means,
        TASK_DUE,
        to=account.email,
        about_id=task.id,
        once=uuid5(task.id, due_at.isoformat()),
        task=to_text(f"{task.noun}:{task.id.hex}".encode()),  # its id for clients
        title=task.title,
        network=network.name,
        zone=network.time_zone,
        due_at=due_at.isoformat(),
    )


async def _assignee(db: Reader, task_id: UUID) -> Account | None:
    return await db.find(
        Account,
        Account.principal_id == Member.principal_id,
        Account.state == AccountState.ACTIVE,
        Member.id == TaskParticipant.member_id,
        TaskParticipant.task_id == task_id,
        TaskParticipant.role == ParticipantRole.ASSIGNEE,
        col(TaskParticipant.state).in_(HOLDING),
    )


async def _is_wanted(ctx: Context, letter: Letter, facts: Facts) -> bool:
    """Whether the reader still has the task, and it is still due then."""
    async with ctx.reading() as db:
        task = await db.find(Task, Task.id == letter.about_id)
        account = await db.find(Account, Account.email == letter.email, Account.state == AccountState.ACTIVE)
        if task is None or account is None or task.due_at != datetime.fromisoformat(facts["due_at"]):
            return False
        return bool(await db.audience(policy.carry_out_task.now, task.id, {account.principal_id}))


TASK_DUE = Occasion("task_due", LIFETIME, _is_wanted)
