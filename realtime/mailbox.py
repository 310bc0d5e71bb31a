"""A mailbox: a sink from which events are drawn one by one, by whoever has a task of their own."""

import asyncio
from collections import deque
from typing import Any

BOUND = 256


class Mailbox:
    def __init__(self) -> None:
        self.taken = 0
        self._waiting: deque[Any] = deque()
        self._arrived = asyncio.Event()
        self._left = asyncio.Event()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, payload: Any) -> bool:
        if len(self._waiting) >= BOUND:
            return False
        self._waiting.append(payload)
        self.taken += 1
        self._arrived.set()
        return True

    async def drained(self) -> None:
        while len(self._waiting) > BOUND // 2:
            self._left.clear()
            await self._left.wait()

    def close(self) -> None:
        """Nothing more will come."""
        self._is_closed = True
        self._arrived.set()

    async def next(self) -> Any:
        """What comes next; None when nothing will."""
        while not self._waiting:
            if self._is_closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        self._left.set()
        return self._waiting.popleft()
