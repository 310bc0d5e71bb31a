"""Search."""

import strawberry

import models
from resolvers import policy, search
from schema.base import ID, row_id
from schema.contents import Content
from schema.context import Info
from schema.paging import After, Before, Connection, First, Last


@strawberry.type
class SearchQueries:
    @strawberry.field(
        description="Topics, posts and ideas with every one of these words, as far as the viewer may read."
    )
    async def search(
        self,
        info: Info,
        network_id: ID,
        text: str,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Content] | None:
        network = await info.context.get(policy.see_network, row_id(network_id, models.Network))
        cipher = info.context.means.cipher
        page = search.CONTENTS.page(cipher, first=first, last=last, after=after, before=before)
        async with info.context.reading() as db:
            part = await search.contents(db, network.id, text, page)
        return Connection(listing=search.CONTENTS, part=part)
