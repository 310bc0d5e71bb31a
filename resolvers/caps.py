"""Caps: how many things of a kind one viewer, and one address, may have open at a time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from uuid import UUID

from models import NOBODY
from resolvers.addresses import Addresses
from resolvers.errors import Limited


class Most(NamedTuple):
    """0 is as many as they like."""

    of_viewer: int
    at_address: int


class Caps:
    """Counts what is open in this process. `things` is what they are called, to whoever is refused one more."""

    def __init__(self, things: str, most: Most, addresses: Addresses, *, retry_after: int | None = None) -> None:
        self._things = things
        self._most = most
        self._addresses = addresses
        self._retry_after = retry_after
        self._open: Counter[UUID | str] = Counter()

    @contextmanager
    def open(self, viewer: UUID, address: str) -> Iterator[None]:
        """One more, for as long as the block lasts. Raises Limited."""
        with self.at(address), self.of(viewer):
            yield

    @contextmanager
    def at(self, address: str) -> Iterator[None]:
        """Of the address alone: of one that has not said yet who they are."""
        with self._one_more(self._addresses.group(address), self._most.at_address, "from one address"):
            yield

    @contextmanager
    def of(self, viewer: UUID) -> Iterator[None]:
        """Of the viewer alone: of one whose address is counted already. Nobody is many, and counts by address."""
        with self._one_more(None if viewer == NOBODY else viewer, self._most.of_viewer, "by one account"):
            yield

    @contextmanager
    def _one_more(self, key: UUID | str | None, most: int, whose: str) -> Iterator[None]:
        if key is None or not most:
            yield
            return
        if self._open[key] >= most:
            raise Limited(f"At most {most} {self._things} {whose} at a time.", self._retry_after)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
