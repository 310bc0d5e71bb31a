"""Gathering: one look-up for all who ask the same kind of thing at once, as a hall does that comes back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from itertools import islice
from typing import Generic, TypeVar

SIZES = (1, 8, 64)  # of a look-up: few, so that the database knows its statements

K = TypeVar("K")
V = TypeVar("V")


class Gathering(Generic[K, V]):
    """Whoever comes while a look-up runs is in the next one: so nobody is told what was known before they asked."""

    def __init__(self, load: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load = load
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        if key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().create_future()
        answer = self._waiting[key]
        if self._task is None:
            self._task = asyncio.create_task(self._look_up(), context=Context())
        return await asyncio.shield(answer)

    async def _look_up(self) -> None:
        try:
            while self._waiting:
                some = dict(islice(self._waiting.items(), SIZES[-1]))
                for key in some:
                    del self._waiting[key]
                await self._answer(some)
        finally:
            self._task = None

    async def _answer(self, some: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._load(_padded(list(some)))
        except Exception as failure:  # noqa: BLE001 - it is theirs who asked
            for answer in some.values():
                answer.set_exception(failure)
        else:
            for key, answer in some.items():
                answer.set_result(found.get(key))


def _padded(keys: list[K]) -> list[K]:
    size = next(size for size in SIZES if size >= len(keys))
    return keys + keys[-1:] * (size - len(keys))
