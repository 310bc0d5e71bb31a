"""A started server: the ASGI app behind uvicorn on a free port, and clients that come to its door."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from server import Service, create_app
from tests.world import PASSWORD, Person

DEADLINE = 10.0

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
        async with asyncio.timeout(DEADLINE):
            return json.loads(await self._connection.recv())

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


class Door:
    """Where a started service listens."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
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
async def started(service: Service) -> AsyncIterator[Door]:
    """The service behind uvicorn, as `plenary serve` runs it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(service),
            ws="websockets-sansio",
            ws_max_size=64 * 1024,
            ws_per_message_deflate=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with asyncio.timeout(DEADLINE):
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.002)
        try:
            yield Door(service, listener.getsockname()[1])
        finally:
            server.should_exit = True
            async with asyncio.timeout(DEADLINE):
                await serving


def bugs(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The trace ids of the bugs that were logged."""
    return [str(getattr(record, "trace_id", None)) for record in caplog.records if record.name == "plenary.bugs"]


def tracebacks(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
