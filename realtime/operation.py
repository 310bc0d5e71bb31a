"""One live operation: what it is owed, in order, and how far it has come."""

import asyncio
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from models.changes import Change
from realtime.topics import Topic

BOUND = 256


class Outcome(Enum):
    """What a change means to one viewer."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"
    COUNTERS = "COUNTERS"
    RESYNC = "RESYNC"
    REVOKED = "REVOKED"
    LAGGED = "LAGGED"
    HEARTBEAT = "HEARTBEAT"


ENDINGS = frozenset({Outcome.RESYNC, Outcome.REVOKED})


class Ref(NamedTuple):
    noun: str
    row_id: UUID


class Mark(NamedTuple):
    """How far a client has come.

    Counters are held back and merged, so they have a number of their own: a resume then repeats no row and loses no
    counter.
    """

    position: int
    counters: int


@dataclass(frozen=True)
class Event:
    outcome: Outcome
    mark: Mark
    refs: tuple[Ref, ...] = ()
    skipped: int = 0
    reason: str = ""


@dataclass(eq=False)
class Operation:
    """Rows wait in a bounded queue; counters wait, merged, for the next flush."""

    subject: Hashable
    viewer: UUID
    topics: frozenset[Topic]
    mark: Mark
    skip: Mark = field(default_factory=lambda: Mark(0, 0))
    rows: deque[tuple[int, Outcome, Ref]] = field(default_factory=deque)
    counters: dict[Ref, int] = field(default_factory=dict)
    missed: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, change: Change, outcome: Outcome) -> None:
        """Take note of a change. Never waits."""
        position, ref = change.position or 0, Ref(change.noun, change.row_id)
        if outcome is Outcome.COUNTERS:
            if position > self.skip.counters:
                self.counters.setdefault(ref, position)
        elif position > self.skip.position:
            if self.missed or len(self.rows) >= BOUND:
                self.missed += 1
            else:
                self.rows.append((position, outcome, ref))
        self.ready.set()

    @property
    def waiting(self) -> int:
        """How many rows and counters are owed."""
        return len(self.rows) + len(self.counters)

    def rejoin(self, position: int) -> None:
        """Forget what is queued: all up to `position` will come from the log."""
        self.rows.clear()
        self.counters.clear()
        self.missed = 0
        self.skip = Mark(max(position, self.mark.position), max(position, self.mark.counters))

    def next_row(self) -> Event:
        position, outcome, ref = self.rows.popleft()
        return self.tell(outcome, position, ref)

    def flush(self, settled: int) -> Event:
        refs = tuple(self.counters)
        self.counters.clear()
        return self.tell(Outcome.COUNTERS, settled, *refs)

    def lagged(self) -> Event:
        return Event(Outcome.LAGGED, self.mark, skipped=self.missed)

    def tell(self, outcome: Outcome, position: int, *refs: Ref) -> Event:
        """The event to send, with a mark behind which nothing is owed."""
        position = max(position, self.mark.position)
        # Not beyond the position either: behind it there may be counters that catching up has yet to read.
        counters = min([position, *(waiting - 1 for waiting in self.counters.values())])
        self.mark = Mark(position, max(counters, self.mark.counters))
        return Event(outcome, self.mark, refs)
