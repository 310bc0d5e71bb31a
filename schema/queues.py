"""The answer queue."""

import strawberry

import models
from resolvers import queues
from resolvers.queues import QueueSource
from schema.base import ID, row_id
from schema.contents import Content
from schema.context import Info
from schema.paging import After, Before, Connection, First, Last

strawberry.enum(QueueSource, description="Where something that waits for an answer was asked.")


@strawberry.type
class QueueQueries:
    @strawberry.field(
        description="What waits for an answer in a community, wherever it was asked; for those on its panel, the "
        "longest waiting first."
    )
    async def answer_queue(
        self,
        info: Info,
        community_id: ID,
        sources: list[QueueSource] | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Content]:
        page = queues.LIST.page(info.context.means.cipher, first=first, last=last, after=after, before=before)
        wanted = list(QueueSource) if sources is None else sources
        async with info.context.reading() as db:
            part = await queues.read(db, row_id(community_id, models.Community), wanted, page)
        return Connection(listing=queues.LIST, part=part)
