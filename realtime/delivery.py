"""Delivery: live operations, indexed by topic, are told of each change in the order of the log."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable

from models.changes import Change, Kind
from models.database import UNREACHABLE
from realtime.cohorts import Cohorts
from realtime.feed import Feed
from realtime.index import Bells, Index, Listening
from realtime.operation import Event, Mark, Operation, Outcome, Ref, by_mark
from realtime.teller import STALE, Audience, Render, Teller, Telling
from realtime.topics import Topic

log = logging.getLogger("plenary.delivery")

HEARTBEAT = 20.0
FLUSH = 0.5
TICK = 1.0
LAGS, LAG_WINDOW = 3, 60.0

Admit = Callable[[], Awaitable[frozenset[Topic]]]


class TooSlow(Exception):
    """A client has lagged again and again."""


class Delivery:
    """Joins the log to live operations.

    Who may see what is asked of `audience`, once per change and subject. What they are told comes from `render`, once
    for all whom the same event concerns and who may see the same. `told` counts what was passed on.
    """

    def __init__(
        self, feed: Feed, audience: Audience, render: Render, *, heartbeat: float = HEARTBEAT, flush: float = FLUSH
    ) -> None:
        self._feed = feed
        self._heartbeat = heartbeat
        self._flush = flush
        self._teller = Teller(audience, render)
        self._cohorts = Cohorts(feed, self._teller)
        self._bells = Bells()
        self._index: Index[Operation] = Index()
        self._following: defaultdict[Hashable, set[Operation]] = defaultdict(set)
        # Of each subject, the rows whose numbers have moved and are to be told, and since where.
        self._counted: defaultdict[Hashable, dict[Ref, int]] = defaultdict(dict)
        self._has_counted = asyncio.Event()
        # Live operations are told one thing at a time: so each hears everything in order.
        self._turn = asyncio.Lock()
        self.settled = 0  # up to here everybody has been told
        self._told = 0

    @property
    def told(self) -> int:
        return self._told + self._cohorts.told

    @property
    def position(self) -> int:
        """What is being told. Whoever joins reads it from the log."""
        return self._teller.position

    @property
    def operations(self) -> set[Operation]:
        return set().union(*self._following.values())

    @property
    def waiting(self) -> int:
        """How many events and counters are owed."""
        return sum(operation.missed for operation in self.operations) + sum(map(len, self._counted.values()))

    async def start(self) -> None:
        self._teller.position = self.settled = (await self._feed.head()).position

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._feed.run(self.position, self.dispatch, self.skip))
                tasks.create_task(self._flush_for_ever())
                tasks.create_task(self._beat_for_ever())
        finally:
            await self._cohorts.close()

    # --- live --------------------------------------------------------------------------------------------------------

    async def dispatch(self, change: Change) -> None:
        """Tell one change to every operation that listens for it."""
        async with self._turn:
            self._teller.hear(change)
            self._bells.ring(change.topics)
            for subject, operations in _by_subject(self._index.of(change.topics)):
                if change.kind is Kind.COUNTERS:
                    self._count(subject, change)
                else:
                    await self._tell(subject, change, operations)
            self.settled = self.position

    async def skip(self, until: int) -> None:
        """The log was trimmed up to here before it was heard here: everybody must look for themselves."""
        async with self._turn:
            self._teller.skip(until)
            self._bells.ring(self._bells.topics)
            self._counted.clear()
            for subject, operations in list(self._following.items()):
                live = [operation for operation in operations if operation.is_live]
                for telling in await self._teller.of_event(subject, STALE, live):
                    self._give(telling)
            self.settled = until

    async def _tell(self, subject: Hashable, change: Change, operations: Iterable[Operation]) -> None:
        position = self.position
        # Not to those who were told already, by a process that was faster than this one.
        owed = [one for one in operations if (one.is_live or one.missed) and position > one.mark.position]
        mark = self._mark(subject, position)
        for telling in await self._teller.of_change(subject, change, mark, owed):
            self._give(telling)

    def _give(self, telling: Telling) -> None:
        event, payload, operations = telling
        is_something, now = payload is not None, _now()
        for operation in operations:
            if operation.is_live:
                # Of what is not for them not even a heartbeat may tell, by coming later.
                if is_something:
                    operation.told_at = now
                if not operation.give(event, payload):
                    operation.missed = 1
                    operation.interrupt()
            elif operation.missed and is_something:
                operation.told_at = now
                operation.missed += 1
        if is_something:
            self._told += len(operations)

    def _mark(self, subject: Hashable, position: int) -> Mark:
        """Behind it nothing is owed: numbers that have yet to be told were first moved after it."""
        waiting = self._counted.get(subject)
        return Mark(position, next(iter(waiting.values())) - 1 if waiting else position)

    # --- now and then ------------------------------------------------------------------------------------------------

    def _count(self, subject: Hashable, change: Change) -> None:
        """Keep it for the next flush. Who may see it is asked then."""
        self._counted[subject].setdefault(Ref(change.noun, change.row_id), self.position)
        self._has_counted.set()

    async def _flush_for_ever(self) -> None:
        while True:
            await self._has_counted.wait()
            async with self._turn:
                self._has_counted.clear()
                for subject in list(self._counted):
                    await self._flush_one(subject)
            await asyncio.sleep(self._flush)

    async def _flush_one(self, subject: Hashable) -> None:
        refs = self._counted.pop(subject)
        try:
            await self._say(subject, Outcome.COUNTERS, self._following.get(subject, ()), *refs)
        except UNREACHABLE as error:
            log.warning("the database does not answer whose numbers have moved: %s", type(error).__name__)
            self._counted[subject] = refs
            self._has_counted.set()

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(min(TICK, self._heartbeat / 2))
            async with self._turn:
                silent = _now() - self._heartbeat
                for subject, operations in list(self._following.items()):
                    still = [operation for operation in operations if operation.told_at <= silent]
                    await self._say(subject, Outcome.HEARTBEAT, still)

    async def _say(self, subject: Hashable, outcome: Outcome, operations: Iterable[Operation], *refs: Ref) -> None:
        """Tell those that are live."""
        here = self._mark(subject, self.settled)
        for mark, some in by_mark((one for one in operations if one.is_live), here).items():
            for telling in await self._teller.of_event(subject, Event(outcome, mark, refs), some):
                self._give(telling)

    # --- one by one --------------------------------------------------------------------------------------------------

    async def follow(self, operation: Operation, *, admit: Admit) -> None:
        """Tell one viewer what was missed since the operation's mark, then all that comes, without gap or double.

        The operation's topics are those on which the viewer's rights may change. `admit` is called once they are
        listened to: it raises if the viewer may not follow the subject, and returns the topics of the subject itself.
        Ends after an event that ends the feed. Raises TooSlow when the client lags on.
        """
        lags: list[float] = []
        self._join(operation)
        try:
            self._listen(operation, await admit())
            del admit  # it holds what is needed no longer
            while await self._lagged(operation):
                lags = [*lags[-LAGS + 1 :], _now()]
                if len(lags) == LAGS and lags[-1] - lags[0] < LAG_WINDOW:
                    raise TooSlow
                await self.say(operation, Event(Outcome.LAGGED, operation.mark, skipped=operation.missed))
                operation.missed = 0
        finally:
            self._part(operation)
        if operation.failure:
            raise operation.failure

    async def _lagged(self, operation: Operation) -> bool:
        """Let it live until it lags, or ends."""
        await self._cohorts.catch_up(operation)
        operation.told_at = _now()
        await operation.interrupted.wait()
        operation.interrupted.clear()
        return not operation.is_ended

    async def say(self, operation: Operation, event: Event) -> None:
        """Tell one operation that is not live, as fast as its client takes it."""
        for telling in await self._teller.of_event(operation.subject, event, [operation]):
            while not operation.is_ended and not operation.give(event, telling.payload):
                await operation.sink.drained()

    def listen(self, topics: Collection[Topic]) -> Listening:
        """As a context manager, a flag that is set when anything is announced on one of the topics."""
        return self._bells.listen(topics)

    def _join(self, operation: Operation) -> None:
        self._following[operation.subject].add(operation)
        self._listen(operation, operation.topics)

    def _part(self, operation: Operation) -> None:
        operation.is_live, operation.is_ended = False, True
        self._index.discard(operation.topics, operation)
        self._following[operation.subject].discard(operation)
        if not self._following[operation.subject]:
            del self._following[operation.subject]

    def _listen(self, operation: Operation, topics: frozenset[Topic]) -> None:
        operation.topics |= topics
        self._index.add(topics, operation)


def _by_subject(operations: Iterable[Operation]) -> Iterable[tuple[Hashable, list[Operation]]]:
    """By the subject itself: comparing it would cost more than the rest."""
    found: dict[int, list[Operation]] = {}
    for operation in operations:
        found.setdefault(id(operation.subject), []).append(operation)
    return [(some[0].subject, some) for some in found.values()]


def _now() -> float:
    return asyncio.get_running_loop().time()
