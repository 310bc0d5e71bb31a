"""The answer queue: what waits for an answer in a community, wherever it was asked."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any
from uuid import UUID

from models import AnswerState, Content, ContentKind, Lifecycle, Question, QuestionSource, QuestionState
from resolvers import activity, policy
from resolvers.live import Source
from resolvers.paging import Listing, Page, Slice
from resolvers.session import Reader

# Only its cursors are used: the list spans two tables.
LIST: Listing[Content] = Listing("answer_queue", policy.see_content, order=("published_at",))


class QueueSource(StrEnum):
    """Where something that waits was asked."""

    SESSION = "SESSION"
    STREAM = "STREAM"
    RECORDING = "RECORDING"
    FORUM = "FORUM"


async def read(db: Reader, community_id: UUID, wanted: Collection[QueueSource], page: Page) -> Slice[Any]:
    """Questions before the hall and topics without an answer, those that wait longest first."""
    await db.get(policy.answer_in_community, community_id)
    asked = [QuestionSource(source) for source in wanted if source is not QueueSource.FORUM]
    sources = []
    if asked:
        sources.append(Source(policy.see_published_question, lambda row: _waiting_question(row, community_id, asked)))
    if QueueSource.FORUM in wanted:
        sources.append(Source(policy.see_content, lambda row: _waiting_topic(row, community_id)))
    return await activity.merged(db, sources, page, newest_first=False)


def _waiting_question(row: type[Question], community_id: UUID, asked: Collection[QuestionSource]) -> Any:
    of_these: Any = row.source
    return (row.community_id == community_id, row.state == QuestionState.VISIBLE, of_these.in_(asked))


def _waiting_topic(row: type[Content], community_id: UUID) -> Any:
    return (
        row.community_id == community_id,
        row.kind == ContentKind.TOPIC,
        row.lifecycle == Lifecycle.PUBLISHED,
        row.answer_state == AnswerState.UNANSWERED,
    )
