"""Serving: uvicorn as it is meant to run, with bounds for each connection, and an end that takes its time."""

import asyncio
import random
import socket
from collections.abc import Iterable
from math import ceil
from typing import Any

import uvicorn

from schema.frames import Frames
from schema.wire import Line, Patience, Requests

MESSAGE_MOST = 64 * 1024
TICK = 0.1  # seconds between two ticks of uvicorn
AT_ONCE = 5  # connections that are told to go in one tick, however few there are
SHARE = 0.7  # of the drain; the rest is for what they still have to say


class Config(uvicorn.Config):
    def __init__(self, app: Any, patience: Patience, **options: Any) -> None:
        self.patience = patience
        super().__init__(
            app,
            http=Requests,
            ws=Frames,
            ws_max_size=MESSAGE_MOST,
            ws_per_message_deflate=False,  # on, it costs three times the memory a socket and twice the CPU
            ws_ping_interval=patience.ping,
            ws_ping_timeout=patience.ping,
            server_header=False,
            **options,
        )


class Server(uvicorn.Server):
    """Cuts what stands still, and ends such that not everybody comes back at once."""

    config: Config

    def __init__(self, app: Any, patience: Patience | None = None, **options: Any) -> None:
        super().__init__(Config(app, patience or Patience(), **options))

    @property
    def _lines(self) -> list[Line]:
        return [line for line in self.server_state.connections if isinstance(line, Line)]

    async def on_tick(self, counter: int) -> bool:
        if counter % max(1, round(self.config.patience.sweep / TICK)) == 0:
            _cut(line for line in self._lines if line.is_overdue())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Sockets and streams are closed one after the other; requests may end; then whatever is left is cut."""
        loop, drain = asyncio.get_running_loop(), self.config.patience.drain
        until = loop.time() + drain
        for listener in [*self.servers, *(sockets or ())]:
            listener.close()
        await self._part(drain)
        self.config.timeout_graceful_shutdown = ceil(max(until - loop.time(), 0)) + 1
        cutting = loop.call_at(until, lambda: _cut(self._lines))
        await super().shutdown(sockets)
        cutting.cancel()

    async def _part(self, drain: float) -> None:
        lines = self._lines
        for line in lines:
            if isinstance(line, Requests):
                line.shutdown()  # at once if it is idle, else after its answer
        lasting = [line for line in lines if line.is_lasting()]
        random.shuffle(lasting)
        most = max(AT_ONCE, ceil(len(lasting) * TICK / (drain * SHARE)))
        while lasting and not self.force_exit:
            for line in lasting[:most]:
                line.leave()
            del lasting[:most]
            await asyncio.sleep(TICK)


def _cut(lines: Iterable[Line]) -> None:
    for line in lines:
        line.cut()
