"""Connections: pages of nodes by cursor."""

from typing import Annotated, Any, Generic, TypeVar

import strawberry

from resolvers.paging import Listing, Slice
from schema.base import plain, project
from schema.context import Info

T = TypeVar("T")

First = Annotated[
    int | None, strawberry.argument(description="How many, from the beginning or behind `after`; at most 100.")
]
Last = Annotated[int | None, strawberry.argument(description="How many, from the end or before `before`; at most 100.")]
After = Annotated[str | None, strawberry.argument(description="A cursor of this list: only what comes behind it.")]
Before = Annotated[str | None, strawberry.argument(description="A cursor of this list: only what comes before it.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = plain("Whether more follows.")
    has_previous_page: bool = plain("Whether something comes before.")
    start_cursor: str | None = plain("The cursor of the first entry.")
    end_cursor: str | None = plain("The cursor of the last entry.")


@strawberry.type(description="An entry of a list.")
class Edge(Generic[T]):
    cursor: str = plain("Where the entry lies; opaque.")
    node: T = plain("The entry itself.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    listing: strawberry.Private[Listing[Any]]
    part: strawberry.Private[Slice[Any]]

    @strawberry.field(description="The entries with their cursors.")
    def edges(self, info: Info) -> list[Edge[T]]:
        cipher = info.context.means.cipher
        pairs = zip(self.part.rows, self.part.keys, strict=True)
        return [Edge(cursor=self.listing.seal(cipher, key), node=project(row)) for row, key in pairs]

    @strawberry.field(description="The entries without their cursors.")
    def nodes(self) -> list[T]:
        return [project(row) for row in self.part.rows]

    @strawberry.field(description="Where this page lies.")
    def page_info(self, info: Info) -> PageInfo:
        cipher, keys = info.context.means.cipher, self.part.keys
        return PageInfo(
            has_next_page=self.part.has_next_page,
            has_previous_page=self.part.has_previous_page,
            start_cursor=self.listing.seal(cipher, keys[0]) if keys else None,
            end_cursor=self.listing.seal(cipher, keys[-1]) if keys else None,
        )


def connection(listing: Listing[Any], description: str) -> Any:
    """The rows of a listing that belong to the row; for all parents of one level in one statement."""

    async def resolve(
        self: Any, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        page = listing.page(info.context.means.cipher, first=first, last=last, after=after, before=before)
        return Connection(listing=listing, part=await info.context.page(listing, self.row.id, page))

    return strawberry.field(resolver=resolve, description=description)
