"""Tasks, the people in them, and their private talk."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from models.base import Row, choice, moment, ref


class TaskState(StrEnum):
    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    DONE = "DONE"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"


class ParticipantRole(StrEnum):
    CREATOR = "CREATOR"
    ASSIGNEE = "ASSIGNEE"
    OBSERVER = "OBSERVER"


class ParticipantState(StrEnum):
    ASKED = "ASKED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    DONE = "DONE"
    REASSIGNED = "REASSIGNED"


class Task(Row, table=True):
    network_id: UUID = ref("network")
    community_id: UUID | None = ref("community", default=None)
    content_id: UUID | None = ref("content", default=None)
    comment_id: UUID | None = ref("comment", default=None)
    question_id: UUID | None = ref("question", default=None)
    title: str = Field(max_length=200)
    body: str = Field(default="", max_length=10_000)
    state: TaskState = choice(TaskState.OPEN)
    due_at: datetime | None = moment()
    # When its assignee is told that it is due; empty once they were.
    remind_at: datetime | None = moment(index=True)
    closed_at: datetime | None = moment()


class TaskParticipant(Row, table=True):
    __table_args__ = (UniqueConstraint("task_id", "member_id", "role"),)
    deciding: ClassVar = ("state",)

    task_id: UUID = ref("task", index=False)
    member_id: UUID = ref("member")
    role: ParticipantRole = choice(ParticipantRole.OBSERVER)
    state: ParticipantState = choice(ParticipantState.ASKED)


class TaskMessage(Row, table=True):
    network_id: UUID = ref("network")
    task_id: UUID = ref("task")
    author_id: UUID = ref("member")
    body: str = Field(max_length=10_000)
