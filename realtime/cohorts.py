"""Cohorts: whoever is behind on the same subject reads the log together, as all are at once after a restart."""

import asyncio
import logging
from collections.abc import Collection, Hashable, Sequence
from contextvars import Context

from models.changes import Change, Kind
from models.database import UNREACHABLE
from realtime.feed import Feed, Trimmed
from realtime.operation import Event, Mark, Operation, Outcome, Ref, by_mark
from realtime.teller import STALE, Teller, Telling

log = logging.getLogger("plenary.delivery")

RETRY = 1.0  # seconds
AT_ONCE = 2  # cohorts that read; the others grow meanwhile


class Cohort:
    """`counted` are the rows whose numbers have moved, and where they first and last did."""

    def __init__(self, subject: Hashable) -> None:
        self.subject = subject
        self.operations: list[Operation] = []
        self.counted: dict[Ref, tuple[int, int]] = {}
        self.has_read = asyncio.Event()

    def count(self, ref: Ref, position: int) -> None:
        first, _ = self.counted.get(ref, (position, position))
        self.counted[ref] = first, position

    def mark(self, position: int) -> Mark:
        """Behind it nothing is owed: numbers that have yet to be told were first moved after it."""
        return Mark(position, min((first - 1 for first, _ in self.counted.values()), default=position))

    def owed(self, change: Change) -> Sequence[Operation]:
        position = change.position or 0
        return [
            operation
            for operation in self.operations
            if position > operation.mark.position and not operation.topics.isdisjoint(change.topics)
        ]

    def part(self) -> None:
        """Go on without those who have left, and those who are too slow."""
        self.operations = [one for one in self.operations if not (one.is_ended or one.is_full)]


class Cohorts:
    """`told` counts what was passed on."""

    def __init__(self, feed: Feed, teller: Teller) -> None:
        self._feed = feed
        self._teller = teller
        self.told = 0
        self._forming: dict[Hashable, Cohort] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def catch_up(self, operation: Operation) -> None:
        """Give the operation what the log holds from its mark to now. Then it is live, without a moment in between."""
        while not (operation.is_live or operation.is_ended):
            operation.is_full = False
            await self._join(operation).has_read.wait()
            if operation.is_full:
                await operation.sink.drained()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _join(self, operation: Operation) -> Cohort:
        subject = operation.subject
        if subject not in self._forming:
            self._forming[subject] = Cohort(subject)
            task = asyncio.create_task(self._read(self._forming[subject]), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._forming[subject].operations.append(operation)
        return self._forming[subject]

    async def _read(self, cohort: Cohort) -> None:
        async with self._places:
            del self._forming[cohort.subject]
            try:
                await self._catch_up_at_last(cohort)
            except Exception as failure:
                log.exception("could not read what was missed")
                for operation in cohort.operations:
                    operation.end(failure)
            finally:
                cohort.has_read.set()

    async def _catch_up_at_last(self, cohort: Cohort) -> None:
        """Also if the database is away meanwhile: nobody is told twice, for each has a mark."""
        while True:
            try:
                return await self._catch_up(cohort)
            except UNREACHABLE as error:
                log.warning("the database does not answer whoever is behind: %s", type(error).__name__)
                await asyncio.sleep(RETRY)

    async def _catch_up(self, cohort: Cohort) -> None:
        cohort.part()
        until = -1
        while cohort.operations and until < self._teller.position:
            start = min(min(operation.mark) for operation in cohort.operations)
            after, until = max(start, until), self._teller.position
            try:
                async for changes in self._feed.read(after, until):
                    for change in changes:
                        await self._retell(cohort, change)
            except Trimmed as trimmed:
                await self._strand(cohort, trimmed.until)
                until = after
                continue
            await self._count(cohort, Mark(until, until))
        for operation in cohort.operations:
            operation.begin(until)

    async def _strand(self, cohort: Cohort, until: int) -> None:
        """Whoever would miss something must look anew; the others go on."""
        stranded = [operation for operation in cohort.operations if min(operation.mark) < until]
        self._tell(cohort, await self._teller.of_event(cohort.subject, STALE, stranded))

    async def _retell(self, cohort: Cohort, change: Change) -> None:
        position = change.position or 0
        if change.kind is Kind.COUNTERS:
            cohort.count(Ref(change.noun, change.row_id), position)
        elif owed := cohort.owed(change):
            mark = cohort.mark(position)
            self._tell(cohort, await self._teller.of_change(cohort.subject, change, mark, owed))

    async def _count(self, cohort: Cohort, mark: Mark) -> None:
        """All numbers that have moved, as they are now."""
        last, refs = max((last for _, last in cohort.counted.values()), default=0), tuple(cohort.counted)
        cohort.counted.clear()
        owed = [operation for operation in cohort.operations if operation.mark.counters < last]
        for own_mark, some in by_mark(owed, mark).items():
            event = Event(Outcome.COUNTERS, own_mark, refs)
            self._tell(cohort, await self._teller.of_event(cohort.subject, event, some))

    def _tell(self, cohort: Cohort, tellings: Collection[Telling]) -> None:
        for event, payload, operations in tellings:
            for operation in operations:
                if not operation.is_ended and operation.give(event, payload):
                    self.told += payload is not None
        cohort.part()
