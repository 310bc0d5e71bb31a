"""Many WebSockets for little: a load that counts frames by their lengths, and reads hardly any."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
AT_ONCE = 100  # that come at the same time
SPARE = 500  # file descriptors for everything else
DEADLINE = 120.0  # seconds until one event must be everywhere
HEAD = b"""GET /graphql HTTP/1.1\r
Host: 127.0.0.1\r
Upgrade: websocket\r
Connection: Upgrade\r
Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
Sec-WebSocket-Version: 13\r
Sec-WebSocket-Protocol: graphql-transport-ws\r
\r
"""


def room() -> int:
    """How many sockets this process may have; as many as the system lets it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most - SPARE


def frame(content: bytes, opcode: int = TEXT) -> bytes:
    """As a client sends it: masked, with zeroes, which change nothing."""
    size = len(content)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")  # noqa: PLR2004
    return bytes([0x80 | opcode]) + length + bytes(4) + content


def message(type_: str, payload: Any = None, **more: str) -> bytes:
    """One of graphql-transport-ws, framed."""
    content = {"type": type_, **more} | ({} if payload is None else {"payload": payload})
    return frame(json.dumps(content).encode())


class Socket(asyncio.Protocol):
    """One connection. What it hears is told as a slice of what came: most need not be copied."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_open = False
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.transport.write(HEAD)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        if not self._is_open:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = data
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise RuntimeError(head.decode())
            self._is_open, data = True, rest
            self.opened()
        self._read(data)

    def _read(self, data: bytes) -> None:
        at, size = 0, len(data)
        while size - at > 1:
            length, begin = data[at + 1], at + 2
            if length > 125:  # noqa: PLR2004 - as WebSocket has it
                begin += 2 if length == 126 else 8  # noqa: PLR2004
                length = int.from_bytes(data[at + 2 : begin], "big")
            if begin + length > size:
                break
            opcode, at = data[at] & 15, begin + length
            if opcode == TEXT:
                self.heard(data, begin, at)
            elif opcode == PING:
                self.transport.write(frame(data[begin:at], PONG))
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True

    def opened(self) -> None:
        """It may be written to."""

    def heard(self, data: bytes, begin: int, end: int) -> None:
        """A text has come."""


class Following(NamedTuple):
    """What one subscriber sends: who they are, and what they follow. Nothing, where it is not GraphQL."""

    token: str = ""
    query: str = ""
    variables: Any = None


class Subscriber(Socket):
    """Subscribes as soon as it may, under a random id as client libraries do; then tells its crowd."""

    def __init__(self, crowd: "Crowd", following: Following) -> None:
        super().__init__()
        self.crowd, self.following = crowd, following
        self.has_come = False
        self.coming: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def opened(self) -> None:
        token, query, _ = self.following
        if query:
            self.transport.write(message("connection_init", {"authorization": f"Bearer {token}"} if token else {}))
        else:
            self._come()

    def heard(self, data: bytes, begin: int, end: int) -> None:
        if self.has_come:
            self.crowd.heard(self, data, begin, end)
        else:
            _, query, variables = self.following
            payload = {"query": query, "variables": variables or {}}
            self.transport.write(message("subscribe", payload, id=str(uuid4())))
            self._come()

    def _come(self) -> None:
        self.has_come = True
        self.coming.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.coming.done():
            self.coming.set_exception(ConnectionError("refused, or not signed in"))


class Delivery(NamedTuple):
    """One event: after how many seconds its sender was answered, and each subscriber had it."""

    answered: float
    heard: Sequence[float]


class Crowd:
    """The subscribers of one server. Events are texts of `least` bytes and more; what is shorter is not counted."""

    def __init__(self, address: str, *, least: int = 400, buffer: int = 0) -> None:
        self.address = urlsplit(address)
        self._buffer = buffer  # bytes that the kernel keeps for one who does not read; as it likes, if 0
        self.subscribers: list[Subscriber] = []
        self.size = 0  # bytes of the last event
        self.last_other = b""
        self._least = least
        self._times: list[float] = []
        self._awaited = -1
        self._changed = asyncio.Event()

    async def come(self, followings: Iterable[Following], rest: Callable[[], Awaitable[None]]) -> None:
        """They come a few at a time, each when the server has done its part for those before."""
        waiting = iter(followings)
        while some := list(islice(waiting, AT_ONCE)):
            async with asyncio.timeout(DEADLINE):
                await asyncio.gather(*map(self._one, some))
                await rest()

    async def _one(self, following: Following) -> None:
        await (await self.connect(following)).coming

    async def connect(self, following: Following) -> Subscriber:
        subscriber = Subscriber(self, following)
        self.subscribers.append(subscriber)
        await self.open(subscriber)
        return subscriber

    async def open(self, opened: Socket) -> None:
        loop, place = asyncio.get_running_loop(), (self.address.hostname or "", self.address.port or 80)
        if not self._buffer:
            await loop.create_connection(lambda: opened, *place)
            return
        connection = socket.socket()
        connection.settimeout(0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
        await loop.sock_connect(connection, place)
        await loop.create_connection(lambda: opened, sock=connection)

    @property
    def remaining(self) -> int:
        return sum(not subscriber.is_lost for subscriber in self.subscribers)

    def heard(self, subscriber: Subscriber, data: bytes, begin: int, end: int) -> None:
        if end - begin < self._least:
            self.last_other = data[begin:end]
            return
        self._times.append(time.perf_counter())
        if len(self._times) == self._awaited:
            self.size = end - begin
            self._changed.set()

    async def deliver(self, send: Callable[[], Awaitable[Any]], *, deadline: float = DEADLINE) -> Delivery:
        """Send one event and wait until all have it. Raises TimeoutError."""
        self._times.clear()
        self._awaited = len(self.subscribers)
        self._changed.clear()
        sent = time.perf_counter()
        await send()
        answered = time.perf_counter() - sent
        async with asyncio.timeout(deadline):
            while len(self._times) < self._awaited:
                await self._wait()
        return Delivery(answered, [heard - sent for heard in self._times])

    async def warm(self, send: Callable[[], Awaitable[Any]], times: int = 3) -> None:
        """Events until all are known to hear, and a few more."""
        for _ in range(10):
            try:
                await self.deliver(send, deadline=3 + len(self.subscribers) / 300)
                break
            except TimeoutError:
                pass
        else:
            heard = f"{len(self._times)} of {self._awaited} hear, {self.remaining} are there"
            raise RuntimeError(f"{heard}: {self.last_other.decode()}")
        for _ in range(times):
            await self.deliver(send)

    async def _wait(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def leave(self) -> None:
        for subscriber in self.subscribers:
            subscriber.transport.abort()
        self.subscribers.clear()
