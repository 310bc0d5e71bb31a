"""A log, and a delivery over it that is driven directly."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from broadcaster import Broadcast
from sqlmodel import col, select

from models import Change, Database, Kind
from realtime.delivery import Delivery
from realtime.feed import Feed
from realtime.operation import Event, Mark, Outcome
from realtime.relay import Relay
from realtime.topics import Topic
from tests.client import DEADLINE

HERE, THERE = Topic("here"), Topic("there")
VIEWER, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 3, 2, tzinfo=UTC)


class House:
    """A log, and a delivery over it whose audience says what a test wants it to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.broadcast = broadcast = Broadcast("memory://")
        self.relay = Relay(database, broadcast)
        self.outcomes: dict[UUID, Outcome] = {VIEWER: Outcome.CHANGED, OTHER: Outcome.CHANGED}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[tuple[Any, int | None, set[UUID]]] = []
        self.delivery = Delivery(Feed(database, broadcast), self.audience, heartbeat=20, flush=0.5)

    async def audience(self, subject: Any, change: Change, viewers: Collection[UUID]) -> Mapping[UUID, Outcome]:
        self.asked.append((subject, change.position, set(viewers)))
        await self.gate.wait()
        if change.kind is Kind.COUNTERS:
            return dict.fromkeys(viewers, Outcome.COUNTERS)
        return {viewer: outcome for viewer, outcome in self.outcomes.items() if viewer in viewers}

    async def write(self, *kinds: Kind, topic: Topic = HERE, row_id: UUID | None = None) -> list[Change]:
        """Commit and number changes; nobody has been told of them yet."""
        made = [Change(kind=kind, topics=[topic], noun="Question", row_id=row_id or uuid4(), at=AT) for kind in kinds]
        async with self.database.write() as session:
            for change in made:
                session.add(change)
                await session.flush()
        await self.relay.drain()
        async with self.database.read() as session:
            seqs = [change.seq for change in made]
            return list(
                await session.scalars(select(Change).where(col(Change.seq).in_(seqs)).order_by(col(Change.seq)))
            )

    async def tell(self, *kinds: Kind, topic: Topic = HERE, row_id: UUID | None = None) -> list[Change]:
        changes = await self.write(*kinds, topic=topic, row_id=row_id)
        for change in changes:
            await self.delivery.dispatch(change)
        return changes

    def follow(
        self, viewer: UUID = VIEWER, after: Mark | None = None, subject: str = "board", **kwargs: Any
    ) -> "Listener":
        async def admit() -> frozenset[Topic]:
            return frozenset({HERE})

        topics = kwargs.pop("topics", frozenset())
        admit = kwargs.pop("admit", admit)
        return Listener(self.delivery.follow(subject, viewer, topics=topics, admit=admit, after=after))


class Listener:
    """Takes events one by one."""

    def __init__(self, events: Any) -> None:
        self.events = events
        self.times: list[float] = []

    async def next(self) -> Event:
        async with asyncio.timeout(DEADLINE):
            event: Event = await anext(self.events)
        self.times.append(asyncio.get_running_loop().time())
        return event

    def begin(self) -> "asyncio.Task[Event]":
        return asyncio.create_task(self.next())

    async def ended(self) -> bool:
        try:
            await self.next()
        except StopAsyncIteration:
            return True
        return False
