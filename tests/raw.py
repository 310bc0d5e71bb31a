"""A connection byte by byte, for what no client library would send."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self

DEADLINE = 10.0
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
UPGRADE = (
    "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    """A frame of a client. Masked with zeros, so that the payload stays as it is."""
    first, masked = fin << 7 | rsv << 4 | opcode, mask << 7
    if len(payload) < 126:
        head = struct.pack("!BB", first, masked | len(payload))
    elif len(payload) < 1 << 16:
        head = struct.pack("!BBH", first, masked | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(payload))
    return head + (bytes(4) if mask else b"") + payload


def text(message: Any) -> bytes:
    return frame(TEXT, message.encode() if isinstance(message, str) else json.dumps(message).encode())


INIT = text({"type": "connection_init"})


def subscribe(id: str, query: str) -> bytes:
    return text({"type": "subscribe", "id": id, "payload": {"query": query}})


class Frame(NamedTuple):
    opcode: int
    payload: bytes

    @property
    def code(self) -> int:
        return int.from_bytes(self.payload[:2]) if self.opcode == CLOSE else 0


class Raw:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, *, receives: int | None = None) -> Self:
        """`receives`: bytes that this end takes in before it is read."""
        sock = socket.socket()
        sock.setblocking(False)
        if receives:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=receives or 1 << 16))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def upgrade(self) -> None:
        await self.send(UPGRADE.encode())
        async with asyncio.timeout(DEADLINE):
            head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    async def frame(self) -> Frame:
        async with asyncio.timeout(DEADLINE):
            first, length = await self.reader.readexactly(2)
            if length >= 126:
                length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8))
            return Frame(first & 15, await self.reader.readexactly(length))

    async def message(self) -> Any:
        found = await self.frame()
        assert found.opcode == TEXT, found
        return json.loads(found.payload)

    async def init(self) -> None:
        await self.send(INIT)
        assert await self.message() == {"type": "connection_ack"}

    async def closed(self) -> Frame:
        """The close frame, whatever is said before; after it the other end is silent, and closes too."""
        while (found := await self.frame()).opcode != CLOSE:
            pass
        await self.send(frame(CLOSE, found.payload[:2]))
        async with asyncio.timeout(DEADLINE):
            assert await self.reader.read() == b""
        return found

    async def ended(self) -> bytes:
        """What comes until the other end closes, politely or not."""
        said = b""
        async with asyncio.timeout(DEADLINE):
            try:
                while piece := await self.reader.read(1 << 16):
                    said += piece
            except ConnectionError:
                pass
        return said

    def vanish(self) -> None:
        """Without a goodbye: the other end gets a reset."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def raw(port: int, *, receives: int | None = None) -> AsyncIterator[Raw]:
    connection = await Raw.connect(port, receives=receives)
    try:
        yield connection
    finally:
        connection.writer.transport.abort()


@asynccontextmanager
async def upgraded(port: int, *, init: bool = True, receives: int | None = None) -> AsyncIterator[Raw]:
    async with raw(port, receives=receives) as connection:
        await connection.upgrade()
        if init:
            await connection.init()
        yield connection
