"""Servers that only send: what anybody says, everybody hears. They know no GraphQL and no rights.

python -m bench.broadcasts websockets_broadcast|bare_transport
"""

import asyncio
import sys
from contextlib import suppress

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


async def websockets_broadcast() -> None:
    """`websockets.broadcast()`, as its documentation shows it."""
    connections: set[ServerConnection] = set()

    async def listen(connection: ServerConnection) -> None:
        connections.add(connection)
        with suppress(ConnectionClosed):
            async for text in connection:
                broadcast(connections - {connection}, text)
        connections.discard(connection)

    async with serve(listen, "127.0.0.1", 0, compression=None, ping_interval=None, subprotocols=[PROTOCOL]) as server:
        print(f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", flush=True)
        await server.serve_forever()


class Bare(asyncio.Protocol):
    """Says nothing after the handshake, and writes one prepared frame to every other transport: the floor."""

    transports: set[asyncio.Transport] = set()  # noqa: RUF012 - of all of them

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._protocol = ServerProtocol(subprotocols=[PROTOCOL])
        self.transports.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transports.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                self._transport.write(b"".join(self._protocol.data_to_send()))
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT and self._protocol.state is OPEN:
                self._send(Frame(Opcode.TEXT, event.data).serialize(mask=False))

    def _send(self, prepared: bytes) -> None:
        for transport in self.transports:
            if transport is not self._transport:
                transport.write(prepared)


async def bare_transport() -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run({"websockets_broadcast": websockets_broadcast, "bare_transport": bare_transport}[sys.argv[1]]())
