"""Observing: what became of each operation, told once to the log, the metrics and the spans."""

import asyncio
import logging
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from graphql import ExecutionResult, GraphQLError, OperationType

from resolvers.errors import CODES
from schema import tracing
from schema.context import Context, Transport
from schema.tracing import Trace

log = logging.getLogger("plenary.operations")

NAME_LIMIT = 64  # characters of an operation's name, which is the client's own text
SLOW = 1.0  # seconds
LINES = 200  # a second; so many tell what is going on, and the metrics count them all

OK, CANCELLED, INTERNAL = "OK", "CANCELLED", "INTERNAL"
QUERY, SUBSCRIPTION = OperationType.QUERY.value, OperationType.SUBSCRIPTION.value
UNKNOWN = "unknown"  # the type of what could not be read


class Watcher(Protocol):
    """Whoever is told of ended operations."""

    def ended(self, seen: "Observation") -> None: ...


class Observation:
    """One operation, from its request to its end. As a context manager, it ends with the block."""

    __slots__ = ("_began", "_observer", "cost", "ctx", "events", "name", "outcome", "seconds", "trace", "type")

    def __init__(self, observer: "Observer", ctx: Context, trace: Trace, name: str | None) -> None:
        self._observer = observer
        self._began = time.perf_counter()
        self.ctx = ctx
        self.trace = trace
        self.cost: int | None = None
        self.events = 0
        self.outcome = OK
        self.seconds = 0.0
        self.type = UNKNOWN
        self.name = trace.operation = bounded(name) if name else None

    @property
    def transport(self) -> Transport:
        return self.ctx.transport

    def is_of(self, type_: OperationType, name: str | None) -> None:
        self.type = type_.value
        self.name = self.trace.operation = bounded(name) if name else None

    def told(self, result: ExecutionResult) -> ExecutionResult:
        """The result, whose errors are noted."""
        if result.errors:
            self._note(result.errors)
        return result

    def end(self, error: BaseException | None = None) -> None:
        self.seconds = time.perf_counter() - self._began
        if error:
            self._note(getattr(error, "errors", ()))
        if error or self.trace.codes:
            self.outcome = self._outcome(error)
        self._observer.ended(self)

    def _outcome(self, error: BaseException | None) -> str:
        if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
            return CANCELLED
        if INTERNAL in self.trace.codes or (error and not self.trace.codes):
            return INTERNAL
        return next(iter(self.trace.codes))

    def _note(self, errors: Sequence[GraphQLError]) -> None:
        for error in errors:
            code = (error.extensions or {}).get("code")
            self.trace.codes[code if code in CODES else INTERNAL] = None

    def __enter__(self) -> Self:
        tracing.enter(self.trace)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        self.end(error)


class Observer:
    def __init__(self, *watchers: Watcher) -> None:
        self._watchers = watchers
        # One for what went well and one for the rest: a flood of refusals must not hide what was done.
        self._rations = {True: Ration(LINES), False: Ration(LINES)}

    def begin(self, ctx: Context, name: str | None) -> Observation:
        """A request has one operation, a socket many: those get a trace each."""
        return Observation(self, ctx, tracing.enter(ctx.trace or Trace()), name)

    def ended(self, seen: Observation) -> None:
        for watcher in self._watchers:
            watcher.ended(seen)
        level = _level(seen)
        if not log.isEnabledFor(level):
            return
        ration = self._rations[seen.outcome in {OK, CANCELLED}]
        if level > logging.INFO or ration.allows(time.monotonic()):
            left_out = {"left_out": ration.take_left_out()} if ration.left_out else {}
            log.log(level, "operation", extra=_fields(seen) | left_out)


class Ration:
    """So many lines a second. What is left out is counted, and told with the next line."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._given = 0
        self.left_out = 0

    def allows(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._given = int(now), 0
        self._given += 1
        self.left_out += self._given > self._most
        return self._given <= self._most

    def take_left_out(self) -> int:
        left_out, self.left_out = self.left_out, 0
        return left_out


def bounded(name: str) -> str:
    """A name as a log may hold it: short, printable, on one line."""
    short = name[:NAME_LIMIT]
    return short if short.isascii() and short.isalnum() else short.encode("unicode_escape").decode("ascii")


def _level(seen: Observation) -> int:
    """A query that went well is told to whoever looks for it; what changes, fails or is slow is told to everybody."""
    is_slow = seen.seconds >= SLOW and seen.type != SUBSCRIPTION
    if is_slow or seen.outcome == INTERNAL:
        return logging.WARNING
    return logging.DEBUG if seen.type == QUERY and seen.outcome == OK else logging.INFO


def _fields(seen: Observation) -> dict[str, Any]:
    """What a line holds. Neither who asked nor from where: with the time, that would name an anonymous asker."""
    fields: dict[str, Any] = {
        "trace_id": seen.trace.id,
        "operation": seen.name,
        "type": seen.type,
        "transport": seen.transport.value,
        "viewer": seen.ctx.kind.value,
        "outcome": seen.outcome,
        "duration_ms": round(seen.seconds * 1_000, 1),
    }
    if seen.trace.codes.keys() - {seen.outcome}:
        fields["codes"] = list(seen.trace.codes)
    if seen.cost is not None:
        fields["cost"] = seen.cost
    if seen.type == SUBSCRIPTION:
        fields["events"] = seen.events
    return fields
