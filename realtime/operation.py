"""One live operation: who follows what, how far they have come, and where what they are told goes."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from realtime.flag import Flag
from realtime.topics import Topic


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

    @cached_property
    def is_last(self) -> bool:
        return self.outcome in ENDINGS


class Sink(Protocol):
    """Where a client's events go. `taken` is how many went."""

    taken: int

    def take(self, payload: Any) -> bool:
        """Take it, never waiting. False: the client is too far behind, and it is not taken."""

    async def drained(self) -> None:
        """Wait until there is room again."""


@dataclass(eq=False, slots=True)
class Operation:
    """Live, it is told of changes as they come. Else it is behind, and reads from the log what it has missed."""

    subject: Hashable
    viewer: UUID
    sink: Sink
    mark: Mark
    shape: Any = None  # what `render` needs to know of it
    topics: frozenset[Topic] = frozenset()
    is_live: bool = False
    is_full: bool = False  # its client could not take more
    is_ended: bool = False
    failure: Exception | None = None  # why it has ended, if it was for our own fault
    missed: int = 0
    told_at: float = 0.0
    interrupted: Flag = field(default_factory=Flag)
    stood: tuple[int, Any] = (-1, None)  # for whoever asks about its viewer: when that was, and the answer

    def give(self, event: Event, payload: Any) -> bool:
        """Pass the event on, unless the client cannot take it. None is nothing to say."""
        if payload is not None and not self.sink.take(payload):
            self.is_full = True
            return False
        self.mark = event.mark
        if event.is_last:
            self.end()
        return True

    def begin(self, position: int) -> None:
        """Be live: up to here all has been told."""
        self.mark = Mark(*(max(one, position) for one in self.mark))
        self.missed = 0
        self.is_live = True

    def end(self, failure: Exception | None = None) -> None:
        self.is_ended, self.failure = True, failure
        self.interrupt()

    def interrupt(self) -> None:
        self.is_live = False
        self.interrupted.set()


def by_mark(operations: Iterable[Operation], here: Mark) -> Mapping[Mark, Sequence[Operation]]:
    """Which mark each of them gets. Those who have come further, with another process, stay there."""
    found: defaultdict[Mark, list[Operation]] = defaultdict(list)
    for operation in operations:
        mark = operation.mark
        is_behind = mark.position <= here.position
        found[here if is_behind else Mark(mark.position, max(mark.counters, here.counters))].append(operation)
    return found


class Party(NamedTuple):
    """Operations that ask the same. With a standing, their viewers stand alike: one may be asked for all."""

    operations: Sequence[Operation]
    standing: Any = None

    @property
    def viewer(self) -> UUID:
        return self.operations[0].viewer

    def divided(self, viewers: Collection[UUID]) -> tuple[list["Party"], list["Party"]]:
        """Those of the viewers, and the others."""
        parts: tuple[list[Operation], list[Operation]] = [], []
        for operation in self.operations:
            parts[operation.viewer not in viewers].append(operation)
        among, others = ([Party(part, self.standing)] if part else [] for part in parts)
        return among, others
