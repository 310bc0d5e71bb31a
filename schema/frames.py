"""The frames of a WebSocket: read a piece at a time, written as fast as they are read, closed with codes that help."""

import asyncio
import struct
from functools import lru_cache
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from realtime.flag import Flag
from schema.inbox import Inbox
from schema.rates import Rate
from schema.wire import Line

PIECE = 2 * 1024  # bytes that are read before the others have their turn: some hundred frames, at worst
QUEUED = 4 * 1024 * 1024  # bytes of one socket that may wait to be written
AFTERWARDS = 16 * 1024 * 1024  # bytes that may come after we have closed, and are thrown away

# An extension of ASGI: messages that were made for many are written as they are, and without waiting.
PREPARED = "plenary.prepared"

# Frames of which the application hears nothing: pings, pongs, fragments, and what comes after the end.
OTHERS_PER_SECOND, OTHERS_AT_ONCE = 20, 400

IN_TWO_BYTES, IN_EIGHT_BYTES = 126, 127  # where the length of a frame stands, if it is longer
TEXT = 0x80 | Opcode.TEXT  # and the last frame of its message
INVALID_TEXT, SERVICE_RESTART, TRY_AGAIN_LATER = 1007, 1012, 1013
TOO_MANY, NO_ANSWER = 4429, 4499


class Frames(Line, WebSocketsSansIOProtocol):
    """uvicorn's, within bounds. Whatever the other end does, there is no traceback and no code 1011."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.queue = Inbox()  # type: ignore[assignment]
        self.writable = Flag(is_set=True)  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._begin(self.transport, self.config.patience)  # type: ignore[attr-defined]
        self.close_timeout = self.patience.goodbye
        self._made_at = self.loop.time()
        self._coming = bytearray()
        self._afterwards = 0
        self._is_deaf = False
        self._others = Rate(OTHERS_PER_SECOND, OTHERS_AT_ONCE)
        self._queued = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self._coming.clear()
        super().connection_lost(exc)

    # --- what comes in -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._afterwards += len(data) if self.close_sent else 0
        if self._afterwards > AFTERWARDS:
            self.cut()
        elif not self._is_deaf:
            self._coming += data
            self._read_on()

    def _read_on(self) -> None:
        """Read one piece, unless the application is behind, or the other end does not read itself."""
        if self._coming and not self.read_paused and self.writable.is_set() and not self.transport.is_closing():
            piece = bytes(self._coming[:PIECE])
            del self._coming[:PIECE]
            self._read(piece)
            if self._coming:
                self.loop.call_soon(self._read_on)
        self._listen()

    def _read(self, piece: bytes) -> None:
        super().data_received(piece)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def _listen(self) -> None:
        """Take in more only when all that came has been read. uvicorn does as well when the application is behind."""
        if self._coming or self.read_paused or not self.writable.is_set():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def handle_events(self) -> None:
        others = sum(self._is_other(event) for event in self.conn.events)
        if others and not self._others.allows(others):
            self._fail(TOO_MANY, "Too many frames")
        super().handle_events()

    def _is_other(self, event: Any) -> bool:
        return isinstance(event, Frame) and (
            self.close_sent or not event.fin or event.opcode not in {Opcode.TEXT, Opcode.BINARY}
        )

    def handle_cont(self, event: Frame) -> None:
        """Fragments are put together as they come: a list of empty ones would grow for ever."""
        self.frames = [b"".join(self.frames) + event.data]
        if event.fin:
            self.send_receive_event_to_app()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames[0]):
            self._fail(INVALID_TEXT, "invalid UTF-8")
            return
        super().send_receive_event_to_app()

    async def receive(self) -> Any:
        message = await self.queue.get()
        self.read_paused = self.read_paused and not self.queue.empty()
        self._read_on()
        return message

    # --- what goes out -----------------------------------------------------------------------------------------------

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][PREPARED] = {"write": self.write, "writable": self.writable.wait}

    def write(self, parts: tuple[bytes, ...]) -> bool:
        """One text message, its `text_head` first, now. False: the other end is behind, and it was not written."""
        transport = self.transport
        if self.close_sent or self.conn.state is not State.OPEN or transport.is_closing():
            return True  # nobody is there to be behind
        if not self.writable.is_set():
            return False
        transport.write(b"".join(parts))
        return True

    async def send(self, message: Any) -> None:
        await self._room(len((message.get("text") or "").encode()))
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.accept":
            self._forget_handshake()

    def _forget_handshake(self) -> None:
        """Nobody asks for it any more, and a socket may last. The parser keeps the request, but not what was in it."""
        self.request.headers.clear()
        self.request = self.response = None  # type: ignore[assignment]
        self.scope["headers"] = []

    async def _room(self, size: int) -> None:
        """Wait until the other end has read what was written before."""
        self._queued += size
        try:
            if self._queued > QUEUED and not self.writable.is_set():
                self._leave(TRY_AGAIN_LATER, "Too slow a reader")
            # All who wait are woken at once, and the first of them may fill the buffer again.
            while not self.writable.is_set() and not self.close_sent:
                await self.writable.wait()
        finally:
            self._queued -= size

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listen()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._read_on()

    # --- how it ends -------------------------------------------------------------------------------------------------

    def keepalive_timeout(self) -> None:
        self.pong_timer = self.pending_ping_payload = None
        self._leave(NO_ANSWER, "No answer to a ping")

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def handle_parser_exception(self) -> None:
        """Say what is wrong and let the rest come: closing on bytes that are still coming would lose the last words."""
        self._is_deaf = True
        self._coming.clear()
        close = self.conn.close_sent
        if close and not self.close_sent:
            self._part(close.code, close.reason)
        self.loop.call_soon(self._hang_up)

    def _leave(self, code: int, reason: str) -> None:
        if not self.close_sent and self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_close(code, reason)
            self._part(code, reason)

    def _part(self, code: int, reason: str) -> None:
        """Send the close frame that was made, and give the other end some time to answer it."""
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.read_paused = False
        self.writable.set()  # whoever waits to write learns that it is too late
        self._listen()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def _hang_up(self) -> None:
        if not self.transport.is_closing() and self.transport.can_write_eof():
            self.transport.write_eof()

    def is_overdue(self) -> bool:
        is_shaking_hands = not self.handshake_complete
        return super().is_overdue() or (is_shaking_hands and self.loop.time() - self._made_at > self.patience.headers)

    def is_lasting(self) -> bool:
        return self.handshake_complete and not self.close_sent

    def leave(self) -> None:
        self._leave(SERVICE_RESTART, "The service restarts")


@lru_cache
def text_head(size: int) -> bytes:
    """Of a text message in one frame, from the server: RFC 6455, 5.2."""
    if size < IN_TWO_BYTES:
        return bytes((TEXT, size))
    is_short = size < 1 << 16
    return (
        struct.pack("!BBH", TEXT, IN_TWO_BYTES, size) if is_short else struct.pack("!BBQ", TEXT, IN_EIGHT_BYTES, size)
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
