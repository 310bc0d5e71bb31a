"""A small application for tests of the wire: what stalls, streams and floods without GraphQL."""

import asyncio
import json
from typing import Any

from tests.client import until
from tests.raw import upgraded

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 8 * 1024 * 1024
RECEIVES = 4 * 1024
EVENTS = [(b"content-type", b"text/event-stream")]


class Application:
    """Answers a path with what the path says."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        path = scope["path"].strip("/")
        try:
            await getattr(self, path)(receive, send)
        finally:
            self.ended.append(path)

    async def small(self, _receive: Any, send: Any) -> None:
        await _start(send)
        await send({"type": "http.response.body", "body": b"small"})

    async def patient(self, receive: Any, send: Any) -> None:
        await self.may_answer.wait()
        await self.small(receive, send)

    async def large(self, _receive: Any, send: Any) -> None:
        await _start(send)
        await send({"type": "http.response.body", "body": b"x" * LARGE})

    async def stream(self, receive: Any, send: Any) -> None:
        await _start(send, EVENTS)
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    async def torrent(self, receive: Any, send: Any) -> None:
        """A stream that never waits for anything but its reader."""
        await _start(send, EVENTS)
        gone = asyncio.create_task(self._gone(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": b"x" * 10_000, "more_body": True})
            await asyncio.sleep(0)

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def graphql(self, receive: Any, send: Any) -> None:
        """A socket whose messages say how many bytes they want, in how many messages at once."""
        await send({"type": "websocket.accept", "subprotocol": "graphql-transport-ws"})
        await receive()
        while (message := await receive())["type"] == "websocket.receive":
            size, count = json.loads(message["text"])
            one = {"type": "websocket.send", "text": "x" * size}
            await asyncio.gather(*(send(one) for _ in range(count)))


async def _start(send: Any, headers: Any = ()) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def socket_at(port: int, **options: Any) -> Any:
    return upgraded(port, init=False, **options)


async def gone(server: Any) -> None:
    await until(lambda: not server.server_state.connections and not server.server_state.tasks)


async def lines(server: Any, count: int) -> list[Any]:
    await until(lambda: len(server.server_state.connections) == count)
    return list(server.server_state.connections)
