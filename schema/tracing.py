"""Tracing: every operation has one trace id, which its log lines, its span and its client's error have in common."""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

# W3C Trace Context. Version 00 ends after the flags; later ones may go on, and ff is none.
TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)


@dataclass(slots=True)
class Trace:
    """`parent` is the caller's `traceparent`, if it sent one. `codes` are what the operation has been refused."""

    id: str = field(default_factory=lambda: f"{random.getrandbits(128):032x}")
    parent: str | None = None
    operation: str | None = None
    codes: dict[str, None] = field(default_factory=dict)  # as a set that keeps its order
    _bugs: set[tuple[object, ...]] = field(default_factory=set)

    def is_news(self, bug: BaseException | None) -> bool:
        """Whether the operation has not met this bug before: a list of rows meets it once for each row."""
        spot = bug.__traceback__ if bug else None
        while spot and spot.tb_next:
            spot = spot.tb_next
        seen = (type(bug), spot and spot.tb_frame.f_code, spot and spot.tb_lineno)
        is_news = seen not in self._bugs
        self._bugs.add(seen)
        return is_news


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def of_headers(headers: Iterable[tuple[bytes, bytes]]) -> Trace:
    """The caller's trace, if it names a valid one; else a new one."""
    named = [value for name, value in headers if name == b"traceparent"]
    found = TRACEPARENT.fullmatch(named[0].decode("latin-1")) if len(named) == 1 else None
    if found is None or (found["version"] == "00" and found["more"]):
        return Trace()
    return Trace(found["trace"], found.string)


def enter(trace: Trace) -> Trace:
    """From here on, what this task and those that it starts do belongs to the trace."""
    _current.set(trace)
    return trace


def current() -> Trace | None:
    return _current.get()


def refused(code: str) -> None:
    """Note what the running operation was refused, where its result does not tell: a payload's problems."""
    if trace := _current.get():
        trace.codes[code] = None
