"""Tracing: every operation has one trace id, which its log lines, its span and its client's error have in common."""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar

# W3C Trace Context. Version 00 ends after the flags; later ones may go on, and ff is none.
TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)


class Trace:
    """`parent` is the caller's `traceparent`, if it sent one. `codes` are what the operation has been refused."""

    __slots__ = ("_bugs", "_id", "codes", "operation", "parent")

    def __init__(self, id: str | None = None, parent: str | None = None) -> None:
        self._id = id
        self._bugs: set[tuple[object, ...]] | None = None
        self.parent = parent
        self.operation: str | None = None
        self.codes: dict[str, None] = {}  # a set that keeps its order

    @property
    def id(self) -> str:
        """Made when somebody asks for it: most operations are not told of."""
        if self._id is None:
            self._id = f"{random.getrandbits(128):032x}"
        return self._id

    def is_news(self, bug: BaseException | None) -> bool:
        """Whether the operation has not met this bug before: a list of rows meets it once for each row."""
        spot = bug.__traceback__ if bug else None
        while spot and spot.tb_next:
            spot = spot.tb_next
        met = (type(bug), spot and spot.tb_frame.f_code, spot and spot.tb_lineno)
        self._bugs = self._bugs or set()
        is_news = met not in self._bugs
        self._bugs.add(met)
        return is_news


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def of_headers(headers: Iterable[tuple[bytes, bytes]]) -> Trace:
    """The caller's trace, if it names a valid one; else a new one."""
    named = [value for name, value in headers if name == b"traceparent"]
    if not named:
        return Trace()
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
