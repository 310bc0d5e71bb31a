"""Tasks belong to those who take part in them, and to nobody else (table D5)."""

from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import (
    Member,
    ParticipantRole,
    ParticipantState,
    Task,
    TaskMessage,
    TaskParticipant,
    TaskState,
)
from resolvers.policy.networks import is_here
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

RUNNING = (TaskState.OPEN, TaskState.IN_PROGRESS)


def _takes_part(
    viewer: Viewer, task_id: Any, role: ParticipantRole | None = None, *states: ParticipantState
) -> Condition:
    participant, member = aliased(TaskParticipant), aliased(Member)
    conditions: list[Any] = [
        participant.task_id == task_id,
        participant.member_id == member.id,
        member.principal_id == viewer,
        is_here(member),
    ]
    if role is not None:
        conditions.append(participant.role == role)
    if states:
        conditions.append(col(participant.state).in_(states))
    return some(participant, member, where=conditions)


def _holds(viewer: Viewer, task: Any) -> Condition:
    states = (ParticipantState.ASKED, ParticipantState.ACCEPTED)
    return and_(task.state.in_(RUNNING), _takes_part(viewer, task.id, ParticipantRole.ASSIGNEE, *states))


@sight(Task)
def see_task(viewer: Viewer, task: Any) -> Condition:
    return _takes_part(viewer, task.id)


@rule(Task)
def accept_task(viewer: Viewer, task: Any) -> Condition:
    return and_(
        task.state.in_(RUNNING),
        _takes_part(viewer, task.id, ParticipantRole.ASSIGNEE, ParticipantState.ASKED),
    )


@rule(Task)
def carry_out_task(viewer: Viewer, task: Any) -> Condition:
    """Complete or decline one's own part."""
    return _holds(viewer, task)


@rule(Task)
def reassign_task(viewer: Viewer, task: Any) -> Condition:
    return or_(_holds(viewer, task), cancel_task(viewer, task))


@rule(Task)
def cancel_task(viewer: Viewer, task: Any) -> Condition:
    """Call it off, or change when it is due."""
    return and_(task.state.in_(RUNNING), _takes_part(viewer, task.id, ParticipantRole.CREATOR))


@rule(Task)
def discuss_task(viewer: Viewer, task: Any) -> Condition:
    return _takes_part(viewer, task.id)


@sight(TaskParticipant)
def see_participant(viewer: Viewer, participant: Any) -> Condition:
    return _takes_part(viewer, participant.task_id)


@sight(TaskMessage)
def see_message(viewer: Viewer, message: Any) -> Condition:
    return _takes_part(viewer, message.task_id)
