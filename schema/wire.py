"""The wire: what a connection may hold, how long it may stand still, and HTTP within these bounds."""

import asyncio
import logging
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Not a line for each request that is none: anybody could fill the log with them.
log = logging.getLogger("uvicorn.error.requests")
log.setLevel(logging.ERROR)

HEADERS_MOST = 64 * 1024  # bytes of a request before its body; the parser itself would take any number
PIPELINED = 10  # requests that wait for the answer to one before them
ON_ITS_WAY = 0.5  # seconds for which a request may be on its way to a server that is ending
HIGH, LOW = 64 * 1024, 16 * 1024  # bytes written and not yet read, beyond which writers wait, and go on
# How many of them the kernel may hold unsent. By itself it takes some megabytes, and nobody would seem to be slow.
UNSENT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)


@dataclass(frozen=True)
class Patience:
    """For how many seconds we wait."""

    headers: float = 10.0  # for a request, or a handshake, to be whole
    unread: float = 30.0  # for what was written to be read
    ping: float = 20.0  # between two pings, and for the answer to one
    goodbye: float = 5.0  # for the other end to close, after we have
    drain: float = 10.0  # for everybody to go, when the service ends
    sweep: float = 1.0  # between two looks at all connections


class Line(asyncio.Protocol):
    """A connection that is cut when it stands still, whatever is spoken over it."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    patience: Patience
    _unread = 0
    _moved_at = 0.0

    def _begin(self, transport: asyncio.Transport, patience: Patience) -> None:
        self.patience = patience
        self._moved_at = self.loop.time()
        transport.set_write_buffer_limits(HIGH, LOW)
        if UNSENT is not None:
            self._set(socket.IPPROTO_TCP, UNSENT, HIGH)

    def _set(self, level: int, option: int, value: Any) -> None:
        """An option of the socket, if there is one still, and it knows it."""
        with suppress(OSError, ValueError, AttributeError):
            self.transport.get_extra_info("socket").setsockopt(level, option, value)

    def resume_writing(self) -> None:
        self._moved_at = self.loop.time()
        super().resume_writing()

    def is_overdue(self) -> bool:
        """Whether writers have waited for the reader too long, or the reader has taken nothing at all for as long."""
        before, self._unread = self._unread, self.transport.get_write_buffer_size()
        now = self.loop.time()
        if not self._unread or self._unread < min(before, LOW):
            self._moved_at = now
        return now - self._moved_at > self.patience.unread

    def is_lasting(self) -> bool:
        """Whether it would go on by itself for ever."""
        raise NotImplementedError

    def leave(self) -> None:
        """Close it such that a client comes back, elsewhere."""
        raise NotImplementedError

    def cut(self) -> None:
        """With a reset: else the kernel would keep what was not read, and go on offering it."""
        self._set(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Requests(Line, HttpToolsProtocol):
    """HTTP, one request after the other."""

    _waiting_since: float | None = None
    _is_in_body = False
    _is_last = False
    _heard = 0

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.logger = log

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin(transport, self.config.patience)  # type: ignore[attr-defined]
        self._waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        self._heard += len(data)
        super().data_received(data)
        if self._heard > HEADERS_MOST and not self._is_in_body and not self.transport.is_closing():
            self.send_400_response("The headers of the request are too large.")

    def handle_websocket_upgrade(self) -> None:
        if self._is_last:
            self.transport.close()  # its client comes back, elsewhere
        else:
            super().handle_websocket_upgrade()

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests without waiting for an answer")
        self._waiting_since, self._is_in_body = None, True
        super().on_headers_complete()
        if self._is_last and self.cycle:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._heard, self._is_in_body = 0, False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._waiting_since = self.loop.time()

    def is_overdue(self) -> bool:
        waiting = self._waiting_since
        return super().is_overdue() or (waiting is not None and self.loop.time() - waiting > self.patience.headers)

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def shutdown(self) -> None:
        """One more request is answered: it may have been sent before its client could know. Then it is closed."""
        if not self._is_idle:
            super().shutdown()
        elif not self._is_last:
            self._is_last = True
            self.loop.call_later(ON_ITS_WAY, self._end)

    def _end(self) -> None:
        self.leave()
        super().shutdown()

    def is_lasting(self) -> bool:
        return self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete

    def leave(self) -> None:
        """A stream without its end is one that was lost: whoever reads it comes back with the last id."""
        if self.is_lasting():
            self.transport.close()
