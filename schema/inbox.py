"""An inbox: what `asyncio.Queue` is to one reader, at a tenth of the memory."""

from typing import Any

from realtime.flag import Flag


class Inbox:
    __slots__ = ("_has_some", "_messages")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._has_some = Flag()

    def empty(self) -> bool:
        return not self._messages

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        self._has_some.set()

    async def get(self) -> Any:
        while not self._messages:
            self._has_some.clear()
            await self._has_some.wait()
        return self._messages.pop(0)
