"""A started server: the ASGI app behind uvicorn on a free port, and clients that come to its door."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from schema.serving import Server
from schema.wire import Patience
from server import Service, create_app
from tests.world import PASSWORD, Person

DEADLINE = 10.0
PATIENCE = Patience(drain=1, goodbye=1, sweep=0.1)

VIEWER = "{ viewer { account { email } } }"
ANN = {"viewer": {"account": {"email": "ann@example.com"}}}
NOBODY = {"viewer": None}
SIGN_OUT = "mutation { signOut { problems { code } } }"
SIGN_OUT_EVERYWHERE = "mutation { signOutEverywhere { problems { code } } }"
PROTOCOL = "graphql-transport-ws"
SIGN_IN = """mutation ($email: String!, $password: String!, $cookie: Boolean!) {
  signIn(input: {email: $email, password: $password, cookie: $cookie}) { token problems { code } }
}"""


class Socket:
    """One WebSocket, message by message; every wait has a deadline."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: Any) -> None:
        """A message as it should be, or any text or bytes."""
        await self._connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))

    async def receive(self) -> Any:
        return json.loads(await self.receive_raw())

    async def receive_raw(self) -> str | bytes:
        async with asyncio.timeout(DEADLINE):
            return await self._connection.recv()

    async def nothing(self) -> None:
        """Nothing has been said: what is asked now is answered next."""
        await self.send({"type": "ping", "payload": {"nothing": "before"}})
        assert await self.receive() == {"type": "pong", "payload": {"nothing": "before"}}

    async def init(self, token: str | None = None) -> None:
        payload = {} if token is None else {"authorization": f"Bearer {token}"}
        await self.send({"type": "connection_init", "payload": payload})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, id: str, query: str, /, **variables: Any) -> None:
        await self.send({"type": "subscribe", "id": id, "payload": {"query": query, "variables": variables}})

    async def ask(self, query: str, /, **variables: Any) -> Any:
        """The data of one query."""
        await self.subscribe("ask", query, **variables)
        answer = await self.receive()
        assert answer["type"] == "next", answer
        assert await self.receive() == {"id": "ask", "type": "complete"}
        return answer["payload"]["data"]

    async def closed(self) -> int:
        """The code with which the other end closes, whatever it says before."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionClosed):
                while True:
                    await self._connection.recv()
        assert self._connection.close_code not in {None, 1006}, "closed without a word"
        return self._connection.close_code or 0

    async def closed_or(self, type_: str) -> int | None:
        """The code if it is closed; None if a message of this type comes."""
        try:
            assert (await self.receive())["type"] == type_
        except ConnectionClosed:
            return await self.closed()
        return None

    @property
    def reason(self) -> str:
        return self._connection.close_reason or ""


class Door:
    """Where a started service listens."""

    def __init__(self, service: Service, server: Server, port: int) -> None:
        self.service = service
        self.server = server
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self.address = f"ws://127.0.0.1:{port}/graphql"

    @asynccontextmanager
    async def http(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.origin, headers=headers, timeout=DEADLINE) as client:
            yield client

    async def post(self, query: str, token: str | None = None, /, **variables: Any) -> Any:
        """The data of one operation."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        async with self.http(**headers) as client:
            response = await client.post("/graphql", json={"query": query, "variables": variables})
        answer = response.json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def sign_in(self, person: Person) -> str:
        """A token for a new sign-in."""
        answer = await self.post(SIGN_IN, email=person.account.email, password=PASSWORD, cookie=False)
        assert answer["signIn"]["problems"] == []
        return str(answer["signIn"]["token"])

    @asynccontextmanager
    async def socket(
        self, *, origin: str | None = None, protocols: tuple[str, ...] = (PROTOCOL,), **headers: str
    ) -> Any:
        arguments: Any = {"origin": origin, "subprotocols": list(protocols) or None, "additional_headers": headers}
        async with connect(self.address, compression=None, open_timeout=DEADLINE, **arguments) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def signed_in(self, token: str | None = None) -> AsyncIterator[Socket]:
        async with self.socket() as socket:
            await socket.init(token)
            yield socket


@asynccontextmanager
async def serving(app: Any, **patience: float) -> AsyncIterator[tuple[Server, int]]:
    """Any application behind our server, on a free port. Little is written that waits in the kernel to be read."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        listener.bind(("127.0.0.1", 0))
        server = Server(app, replace(PATIENCE, **patience), log_config=None)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(DEADLINE):
            while not server.started and not running.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.002)
        try:
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            async with asyncio.timeout(DEADLINE):
                await running


@asynccontextmanager
async def started(service: Service, **patience: float) -> AsyncIterator[Door]:
    """The service, as `plenary serve` runs it."""
    async with serving(create_app(service), **patience) as (server, port):
        yield Door(service, server, port)


def bugs(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The trace ids of the bugs that were logged."""
    return [str(getattr(record, "trace_id", None)) for record in caplog.records if record.name == "plenary.bugs"]


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
