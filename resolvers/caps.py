"""Caps: how many things of a kind one viewer, and one address, may have open at a time."""

from collections import Counter
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

    def open(self, viewer: UUID, address: str) -> "Place":
        """One more, for as long as the block lasts. Raises Limited on entering it."""
        return self._open_one(self._addresses.group(address), None if viewer == NOBODY else viewer)

    def at(self, address: str) -> "Place":
        """Of the address alone: of one that has not said yet who they are."""
        return self._open_one(self._addresses.group(address), None)

    def of(self, viewer: UUID) -> "Place":
        """Of the viewer alone: of one whose address is counted already. Nobody is many, and counts by address."""
        return self._open_one(None, None if viewer == NOBODY else viewer)

    def _open_one(self, group: str | None, viewer: UUID | None) -> "Place":
        return Place(self, group, viewer)

    def take(self, group: str | None, viewer: UUID | None) -> None:
        self._check(group, self._most.at_address, "from one address")
        self._check(viewer, self._most.of_viewer, "by one account")
        for key in (group, viewer):
            if key is not None:
                self._open[key] += 1

    def leave(self, *keys: UUID | str | None) -> None:
        for key in keys:
            if key is not None:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]

    def _check(self, key: UUID | str | None, most: int, whose: str) -> None:
        if most and key is not None and self._open[key] >= most:
            raise Limited(f"At most {most:,} {self._things} {whose} at a time.", self._retry_after)


class Place:
    """What is counted as long as the block lasts: as small as it can be, for some last for hours."""

    __slots__ = ("_caps", "_group", "_viewer")

    def __init__(self, caps: Caps, group: str | None, viewer: UUID | None) -> None:
        self._caps, self._group, self._viewer = caps, group, viewer

    def __enter__(self) -> None:
        self._caps.take(self._group, self._viewer)

    def __exit__(self, *_: object) -> None:
        self._caps.leave(self._group, self._viewer)
