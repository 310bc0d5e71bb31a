"""One shape for everything live: the events of a feed, as each viewer may see them at that moment."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, NewType

import strawberry

from realtime.operation import Event, Outcome, Sink
from resolvers.live import Subject
from schema.base import ID, Node, global_id, plain, project
from schema.context import Context, Info

FeedCursor = NewType("FeedCursor", str)
FEED_CURSOR = strawberry.scalar(
    name="FeedCursor",
    description="Where a feed continues. Opaque; it fits the feed and the filter that it was given for.",
    serialize=str,
    parse_value=str,
)

Continue = Annotated[
    FeedCursor | None,
    strawberry.argument(
        description="The last cursor that you have: of an event, or of the query's snapshot. What came since is told "
        "first. Without one the feed begins now."
    ),
]


@strawberry.type(description="It has come into your sight: add it.")
class Added:
    cursor: FeedCursor = plain("Continue here.")
    node: Node = plain("What has come.")


@strawberry.type(description="It has changed: put this in its place. What is on no page that you hold may be ignored.")
class Changed:
    cursor: FeedCursor = plain("Continue here.")
    node: Node = plain("What it is now.")


@strawberry.type(description="It has left your sight: forget it. It may be one that you never had.")
class Removed:
    cursor: FeedCursor = plain("Continue here.")
    id: ID = plain("What has gone.")
    typename: str = plain("Its type, for caches that go by type and id.")


@strawberry.type(description="Numbers have moved; several moves are told as one, and the last value always comes.")
class Counters:
    cursor: FeedCursor = plain("Continue here.")
    nodes: list[Node] = plain("What has moved; select the numbers that you show.")


@strawberry.type(description="You read too slowly; what was left out follows at once.")
class Lagged:
    skipped: int = plain("How many events were left out.")


@strawberry.enum(description="Why a feed cannot go on.")
class ResyncReason(StrEnum):
    ACCESS_CHANGED = "ACCESS_CHANGED"
    CURSOR_STALE = "CURSOR_STALE"


@strawberry.type(description="The feed ends here: query the snapshot again and subscribe from its cursor.")
class ResyncRequired:
    reason: ResyncReason = plain("Why.")


@strawberry.type(description="You may not follow this any more; the feed ends. Forget all that came from it.")
class AccessRevoked:
    scope: ID = plain("What you may not follow any more.")


@strawberry.type(description="Nothing has happened; the feed is alive.")
class Heartbeat:
    cursor: FeedCursor = plain("Continue here.")


FeedEvent = Annotated[
    Added | Changed | Removed | Counters | Lagged | ResyncRequired | AccessRevoked | Heartbeat,
    strawberry.union("FeedEvent", description="Whatever a feed can tell: one reducer serves them all."),
]


@dataclass(frozen=True)
class Following:
    """What a subscription's field returns: what to follow, and from where. Delivery does the rest."""

    context: Context
    subject: Subject
    after: str | None

    def __aiter__(self) -> AsyncIterator[FeedEvent]:
        raise NotImplementedError("a feed is delivered, not drawn from")

    def deliver(self, sink: Sink, shape: Any) -> Awaitable[None]:
        """All that the viewer is told, rendered in this shape, until the feed ends."""
        return self.context.live.follow(self.context, self.subject, self.after, sink=sink, shape=shape)


def events(info: Info, subject: Subject, after: FeedCursor | None) -> Any:
    return Following(info.context, subject, info.context.resume or after)


async def event_for(ctx: Any, subject: Subject, event: Event) -> Any:
    """The event as this viewer may see it now; None if that is nothing."""
    cursor = FeedCursor(ctx.live.seal(subject, event.mark))
    match event.outcome:
        case Outcome.ADDED | Outcome.CHANGED | Outcome.COUNTERS:
            return await _shown(ctx, subject, event, cursor)
        case Outcome.REMOVED:
            return _removed(cursor, event)
        case Outcome.LAGGED:
            return Lagged(skipped=event.skipped)
        case Outcome.RESYNC:
            return ResyncRequired(reason=ResyncReason(event.reason or "ACCESS_CHANGED"))
        case Outcome.REVOKED:
            return AccessRevoked(scope=global_id(subject.row.noun, subject.row.id))
        case Outcome.HEARTBEAT:
            return Heartbeat(cursor=cursor)


async def _shown(ctx: Any, subject: Subject, event: Event, cursor: FeedCursor) -> Any:
    """The event with its rows as they are now. A row that has gone meanwhile is told as gone, or not at all."""
    is_counted = event.outcome is Outcome.COUNTERS
    nodes = [project(row) for row in await ctx.feed_rows(subject, event.refs, counted=is_counted)]
    if is_counted:
        return Counters(cursor=cursor, nodes=nodes) if nodes else None
    shape = Added if event.outcome is Outcome.ADDED else Changed
    return shape(cursor=cursor, node=nodes[0]) if nodes else _removed(cursor, event)


def _removed(cursor: FeedCursor, event: Event) -> Removed | None:
    """Of what was to be added and has gone meanwhile, nothing is said."""
    if event.outcome is Outcome.ADDED:
        return None
    (ref,) = event.refs
    return Removed(cursor=cursor, id=global_id(ref.noun, ref.row_id), typename=ref.noun)
