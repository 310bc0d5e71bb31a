"""Escalations: a topic that waits for an answer, first in the open, then in somebody's hands."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from models.base import Row, choice, moment, ref


class EscalationState(StrEnum):
    PULL = "PULL"
    PUSHED = "PUSHED"
    ANSWERED = "ANSWERED"
    RESOLVED = "RESOLVED"
    CANCELLED = "CANCELLED"


class Escalation(Row, table=True):
    deciding: ClassVar = ("state",)

    network_id: UUID = ref("network")
    community_id: UUID = ref("community")
    topic_id: UUID = ref("content", unique=True)
    from_content_id: UUID | None = ref("content", default=None)
    from_question_id: UUID | None = ref("question", default=None)
    escalated_by_id: UUID = ref("member")
    state: EscalationState = choice(EscalationState.PULL)
    task_id: UUID | None = ref("task", default=None)
    assignee_id: UUID | None = ref("member", default=None)
    pushed_at: datetime | None = moment()
    answered_at: datetime | None = moment()
    resolved_at: datetime | None = moment()
