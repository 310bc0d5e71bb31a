"""The index: who listens to which topic."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Generic, TypeVar

from realtime.flag import Flag
from realtime.topics import Topic

T = TypeVar("T")


class Index(Generic[T]):
    def __init__(self) -> None:
        self._listeners: defaultdict[Topic, set[T]] = defaultdict(set)

    def add(self, topics: Iterable[Topic], listener: T) -> None:
        for topic in topics:
            self._listeners[topic].add(listener)

    def discard(self, topics: Iterable[Topic], listener: T) -> None:
        for topic in topics:
            if topic in self._listeners:
                self._listeners[topic].discard(listener)
                if not self._listeners[topic]:
                    del self._listeners[topic]

    def of(self, topics: Iterable[str]) -> set[T]:
        """Whoever listens to any of the topics."""
        return set().union(*(self._listeners.get(topic, ()) for topic in map(Topic, topics)))

    @property
    def topics(self) -> Mapping[Topic, Collection[T]]:
        return self._listeners


class Bells(Index[Flag]):
    def listen(self, topics: Collection[Topic]) -> "Listening":
        """As a context manager, a flag that is set when anything is announced on one of the topics."""
        return Listening(self, topics)

    def ring(self, topics: Iterable[str]) -> None:
        for bell in self.of(topics):
            bell.set()


class Listening:
    __slots__ = ("_bell", "_bells", "_topics")

    def __init__(self, bells: Bells, topics: Collection[Topic]) -> None:
        self._bells, self._topics, self._bell = bells, topics, Flag()

    def __enter__(self) -> Flag:
        self._bells.add(self._topics, self._bell)
        return self._bell

    def __exit__(self, *_: object) -> None:
        self._bells.discard(self._topics, self._bell)
