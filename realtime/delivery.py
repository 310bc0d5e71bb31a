"""Delivery: live operations, indexed by topic, and what each change means to each of them."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

from models.changes import Change
from realtime.feed import Feed
from realtime.operation import ENDINGS, Event, Mark, Operation, Outcome, Ref
from realtime.topics import Topic

log = logging.getLogger("plenary.delivery")

HEARTBEAT = 20.0
FLUSH = 0.5
LAGS, LAG_WINDOW = 3, 60.0

Audience = Callable[[Any, Change, Collection[UUID]], Awaitable[Mapping[UUID, Outcome]]]
T = TypeVar("T")
Admit = Callable[[], Awaitable[frozenset[Topic]]]


class Delivery:
    """Joins the log to live operations. Who may see what is asked of `audience`, once per change and subject."""

    def __init__(self, feed: Feed, audience: Audience, *, heartbeat: float = HEARTBEAT, flush: float = FLUSH) -> None:
        self._feed = feed
        self._audience = audience
        self._heartbeat = heartbeat
        self._flush = flush
        self._operations: defaultdict[Topic, set[Operation]] = defaultdict(set)
        self.operations: set[Operation] = set()
        self._bells: defaultdict[Topic, set[asyncio.Event]] = defaultdict(set)
        # `position` is being told, `settled` has been told to everybody.
        self.position = self.settled = 0

    async def start(self) -> None:
        self.position = self.settled = (await self._feed.head()).position

    async def run(self) -> None:
        await self._feed.run(self.position, self.dispatch)

    async def dispatch(self, change: Change) -> None:
        """Tell one change to every operation that listens for it."""
        # From here on whoever joins reads this change from the log.
        self.position = change.position or self.position
        subjects: defaultdict[Hashable, set[Operation]] = defaultdict(set)
        for topic in map(Topic, change.topics):
            for operation in self._operations.get(topic, ()):
                subjects[operation.subject].add(operation)
            for bell in self._bells.get(topic, ()):
                bell.set()
        for subject, operations in subjects.items():
            outcomes = await self._outcomes(subject, change, {operation.viewer for operation in operations})
            for operation in operations:
                if outcome := outcomes.get(operation.viewer):
                    operation.push(change, outcome)
        self.settled = self.position

    async def _outcomes(self, subject: Hashable, change: Change, viewers: set[UUID]) -> Mapping[UUID, Outcome]:
        """What the change means to each viewer. If that cannot be told, they must look for themselves."""
        try:
            return await self._audience(subject, change, viewers)
        except Exception:
            log.exception("could not tell whom change %s concerns", change.position)
            return dict.fromkeys(viewers, Outcome.RESYNC)

    async def follow(
        self, subject: Hashable, viewer: UUID, *, topics: frozenset[Topic], admit: Admit, after: Mark | None
    ) -> AsyncGenerator[Event]:
        """Events for one viewer: first what was missed since `after`, then live, without gap or double.

        `topics` are those on which the viewer's rights may change. `admit` is called once they are listened to: it
        raises if the viewer may not follow the subject, and returns the topics of the subject itself.
        """
        operation = Operation(subject, viewer, topics, after or Mark(self.position, self.position))
        with (
            self._counted(operation),
            self._indexed(operation, topics),
            self._indexed(operation, await admit() - topics),
        ):
            lags: deque[float] = deque(maxlen=LAGS)
            while True:
                async for event in self._catch_up(operation):
                    yield event
                    if event.outcome in ENDINGS:
                        return
                async for event in self._live(operation):
                    yield event
                    if event.outcome in ENDINGS:
                        return
                lags.append(_now())
                yield operation.lagged()
                if len(lags) == LAGS and lags[-1] - lags[0] < LAG_WINDOW:
                    return

    @contextmanager
    def listen(self, topics: Collection[Topic]) -> Iterator[asyncio.Event]:
        """An event that is set when anything is announced on one of the topics."""
        bell = asyncio.Event()
        with _entered(self._bells, topics, bell):
            yield bell

    @contextmanager
    def _counted(self, operation: Operation) -> Iterator[None]:
        self.operations.add(operation)
        try:
            yield
        finally:
            self.operations.discard(operation)

    @contextmanager
    def _indexed(self, operation: Operation, topics: frozenset[Topic]) -> Iterator[None]:
        operation.topics |= topics
        with _entered(self._operations, topics, operation):
            yield

    async def _catch_up(self, operation: Operation) -> AsyncGenerator[Event]:
        """What the log holds between the operation's mark and now."""
        start, until = operation.mark, self.position
        operation.rejoin(until)
        async for changes in self._feed.read(min(start), until):
            for change in changes:
                outcome = await self._outcome(operation, change)
                position, ref = change.position or 0, Ref(change.noun, change.row_id)
                if outcome is Outcome.COUNTERS and position > start.counters:
                    operation.counters.setdefault(ref, position)
                elif outcome not in {None, Outcome.COUNTERS} and position > start.position:
                    yield operation.tell(outcome, position, ref)

    async def _outcome(self, operation: Operation, change: Change) -> Outcome | None:
        if operation.topics.isdisjoint(change.topics):
            return None
        return (await self._outcomes(operation.subject, change, {operation.viewer})).get(operation.viewer)

    async def _live(self, operation: Operation) -> AsyncGenerator[Event]:
        """What is pushed. Ends when the operation has missed something."""
        flush_at, heartbeat_at = _now(), _now() + self._heartbeat
        while True:
            operation.ready.clear()
            if operation.rows:
                yield operation.next_row()
            elif operation.missed:
                return
            elif operation.counters and _now() >= flush_at:
                flush_at = _now() + self._flush
                yield operation.flush(self.settled)
            elif _now() >= heartbeat_at:
                heartbeat_at = _now() + self._heartbeat
                yield operation.tell(Outcome.HEARTBEAT, self.settled)
            else:
                until = min(flush_at, heartbeat_at) if operation.counters else heartbeat_at
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(until):
                        await operation.ready.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()


@contextmanager
def _entered(index: defaultdict[Topic, set[T]], topics: Collection[Topic], entry: T) -> Iterator[None]:
    for topic in topics:
        index[topic].add(entry)
    try:
        yield
    finally:
        for topic in topics:
            index[topic].discard(entry)
            if not index[topic]:
                del index[topic]
