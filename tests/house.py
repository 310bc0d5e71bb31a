"""A log, and a delivery over it that is driven directly."""

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col, select

from models import Change, Database, Kind
from realtime.bell import bell
from realtime.delivery import Delivery
from realtime.feed import Feed
from realtime.lives import living
from realtime.mailbox import Mailbox
from realtime.operation import Event, Mark, Operation, Outcome, Party
from realtime.relay import Relay
from realtime.topics import Topic
from tests.client import DEADLINE, until

HERE, THERE = Topic("here"), Topic("there")
VIEWER, OTHER = UUID(int=1), UUID(int=2)
AT = datetime(2026, 3, 2, tzinfo=UTC)


class House:
    """A log, and a delivery over it whose audience says what a test wants it to."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.bell = here = bell("memory://")
        self.relay = Relay(database, here)
        self.outcomes: dict[UUID, Outcome] = {VIEWER: Outcome.CHANGED, OTHER: Outcome.CHANGED}
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[tuple[Any, int | None, set[UUID]]] = []
        self.delivery = Delivery(Feed(database, here), Answers(self), self.render, heartbeat=20, flush=0.5)
        self.is_behind = False
        self.is_blind = False  # nobody can say how viewers stand
        self.rendered: list[tuple[Event, int]] = []
        self.rendered_at: list[tuple[Event, float]] = []
        self.is_broken = False
        self.is_away = False  # the database
        self.has_nothing_to_say = False
        self._listeners: list[Listener] = []

    async def render(
        self, subject: Any, event: Event, parties: Collection[Party]
    ) -> Collection[tuple[Event | None, Sequence[Operation]]]:
        """What is told is the event itself."""
        if self.is_broken:
            raise RuntimeError("broken")
        if self.is_away:
            raise ConnectionError("away")
        operations = [operation for party in parties for operation in party.operations]
        self.rendered.append((event, len(operations)))
        self.rendered_at.append((event, asyncio.get_running_loop().time()))
        return [(None if self.has_nothing_to_say else event, operations)]

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

        here = Mark(self.delivery.position, self.delivery.position)
        mailbox = kwargs.pop("mailbox", None)
        mailbox = Mailbox() if mailbox is None else mailbox
        topics = kwargs.pop("topics", frozenset())
        operation = Operation(subject, viewer, mailbox, here if after is None else after, topics=topics)
        listener = Listener(operation, mailbox, self.delivery.follow(operation, admit=kwargs.pop("admit", admit)))
        self._listeners.append(listener)
        return listener

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Counters are flushed and heartbeats told, as in a running process."""
        missed = asyncio.Event()
        lives = self.delivery._flush_for_ever(), self.delivery._beat_for_ever()
        async with living(*lives, missed=missed.set):
            yield
            assert not missed.is_set(), "it has ended by itself"

    async def leave(self) -> None:
        for listener in self._listeners:
            await listener.leave()
        await self.delivery._cohorts.close()


@asynccontextmanager
async def furnished(database_url: str) -> AsyncIterator[House]:
    database = Database(database_url)
    house = House(database)
    async with house.bell:
        await house.delivery.start()
        yield house
        await house.leave()
    await database.close()


class Answers:
    """The audience of a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.heard: list[int | None] = []

    def hear(self, change: Change) -> None:
        self.heard.append(change.position)

    def forget_all(self) -> None:
        self.heard.append(None)

    async def is_behind(self, position: int) -> bool:
        return self._house.is_behind

    async def parties(self, subject: Any, operations: Collection[Operation], *, alike: bool) -> Collection[Party]:
        if alike and self._house.is_blind:
            raise RuntimeError("blind")
        return [Party([operation], "alike" if alike else None) for operation in operations]

    async def outcomes(
        self, subject: Any, change: Change, operations: Collection[Operation], *, alike: bool
    ) -> Collection[tuple[Outcome, Party]]:
        self._house.asked.append((subject, change.position, {operation.viewer for operation in operations}))
        await self._house.gate.wait()
        parties = await self.parties(subject, operations, alike=alike)
        outcomes = self._house.outcomes
        return [(outcomes[party.viewer], party) for party in parties if party.viewer in outcomes]


class Listener:
    """Takes events one by one."""

    def __init__(self, operation: Operation, mailbox: Mailbox, following: Coroutine[Any, Any, None]) -> None:
        self.operation = operation
        self.mailbox = mailbox
        self._following = asyncio.create_task(following)
        self._following.add_done_callback(lambda _: mailbox.close())
        self.times: list[float] = []

    async def joined(self) -> "Listener":
        """Once it is told of what comes as it comes."""
        await until(lambda: self.operation.is_live)
        return self

    async def next(self) -> Event | None:
        """What is told next; None at the end. Raises whatever ended it."""
        async with asyncio.timeout(DEADLINE):
            event: Event | None = await self.mailbox.next()
        if event is None:
            await self._following
        self.times.append(asyncio.get_running_loop().time())
        return event

    async def told(self) -> Event:
        event = await self.next()
        assert event is not None, "it has ended"
        return event

    async def leave(self) -> None:
        self._following.cancel()
        await asyncio.gather(self._following, return_exceptions=True)
