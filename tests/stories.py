"""People of a story: they come to a started server through its public API and hold replicas of what they follow."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.client import settled
from tests.replica import KINDS, FeedKind, Replica, fresh
from tests.started import DEADLINE, PROTOCOL, Door


class Actor:
    """One signed-in client: HTTP for what it asks and does, one socket for all that it follows."""

    def __init__(self, name: str, door: Door, token: str | None) -> None:
        self.name = name
        self._door = door
        headers = {"authorization": f"Bearer {token}"} if token else {}
        limits = httpx.Limits(keepalive_expiry=2)  # less than the server waits: it must not hang up on a request
        self._http = httpx.AsyncClient(base_url=door.origin, headers=headers, timeout=DEADLINE, limits=limits)
        self._token = token
        self._feeds: dict[str, RemoteFeed] = {}
        self._socket: ClientConnection | None = None
        self.replicas: list[Replica] = []

    async def execute(self, document: str, **variables: Any) -> Any:
        response = await self._http.post("/graphql", json={"query": document, "variables": variables})
        answer = response.json()
        errors = [SimpleNamespace(**{"extensions": {}} | error) for error in answer.get("errors", [])]
        return SimpleNamespace(data=answer.get("data"), errors=errors)

    async def ask(self, document: str, **variables: Any) -> Any:
        result = await self.execute(document, **variables)
        assert not result.errors, result.errors
        return result.data

    async def do(self, document: str, **variables: Any) -> Any:
        """What a mutation was done to."""
        ((name, payload),) = (await self.ask(document, **variables)).items()
        assert payload.pop("problems") == [], (self.name, name, payload)
        return payload

    async def watch(self, kind: str | FeedKind, id: str) -> Replica:
        replica = Replica(self, KINDS[kind] if isinstance(kind, str) else kind, id)  # type: ignore[arg-type]  # the same questions, over the wire
        await replica.open()
        assert replica.state is not None, (self.name, kind)
        self.replicas.append(replica)
        return replica

    async def follow(self, document: str, *, wait: bool = True, **variables: Any) -> "RemoteFeed":
        socket = self._socket or await self._connect()
        id = f"{len(self._feeds)}"
        feed = self._feeds[id] = RemoteFeed()
        payload = {"query": document, "variables": variables}
        await socket.send(json.dumps({"id": id, "type": "subscribe", "payload": payload}))
        return feed

    async def _connect(self) -> ClientConnection:
        self._socket = socket = await connect(self._door.address, subprotocols=[PROTOCOL], compression=None)  # type: ignore[list-item]
        payload = {"authorization": f"Bearer {self._token}"} if self._token else {}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        self._reader = asyncio.create_task(self._read(socket))
        return socket

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                message = json.loads(text)
                if message["type"] in {"next", "error", "complete"}:
                    self._feeds[message["id"]].take(message)
        except ConnectionClosed:
            pass

    async def agree(self) -> None:
        """Every replica comes to equal what a fresh query returns."""
        deadline = asyncio.get_running_loop().time() + DEADLINE
        while differing := await self._differing():
            assert asyncio.get_running_loop().time() < deadline, (self.name, differing)
            await asyncio.sleep(0.05)

    async def _differing(self) -> list[Any]:
        """The replicas that are not as a query says: what they hold, and what it returns."""
        for replica in self.replicas:
            replica.apply()
            if replica.state is not None and replica.follower is None:
                await replica.open()  # told to look again
        states = [state for state, _ in await fresh(self, self.replicas)] if self.replicas else []  # type: ignore[arg-type]
        pairs = zip(self.replicas, states, strict=True)
        return [(r.kind.name, r.state, state) for r, state in pairs if r.state != state]

    async def close(self) -> None:
        if self._socket:
            await self._socket.close()
            await self._reader
        await self._http.aclose()


class RemoteFeed:
    """One subscription on the wire."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.error: Any = None
        self.is_done = False

    def take(self, message: Any) -> None:
        match message["type"]:
            case "next":
                self.events.extend(message["payload"]["data"].values())
            case "error":
                self.error, self.is_done = message["payload"], True
            case "complete":
                self.is_done = True

    async def stop(self) -> None:
        """The socket is closed with all its feeds."""


@asynccontextmanager
async def cast(door: Door) -> AsyncIterator["Cast"]:
    actors = Cast(door)
    try:
        yield actors
    finally:
        await asyncio.gather(*(actor.close() for actor in actors.all))


ADD = """mutation ($network: ID!, $input: AddMemberInput!) {
  addMember(networkId: $network, input: $input) { token problems { code message } }
}"""
SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) { token problems { code message } } }"""
MEMBER = "query ($network: ID!) { network(id: $network) { viewerMember { id } } }"


class Cast:
    def __init__(self, door: Door) -> None:
        self.door = door
        self.all: list[Actor] = []

    def enter(self, name: str, token: str | None) -> Actor:
        actor = Actor(name, self.door, token)
        self.all.append(actor)
        return actor

    async def invite(self, owner: Actor, network: str, name: str, **input: Any) -> tuple[Actor, str]:
        """Somebody new, by invitation: who they are, and their member's id."""
        email = f"{name.lower().replace(' ', '.')}@example.com"
        invitation = (await owner.do(ADD, network=network, input={"email": email, **input}))["token"]
        newcomer = {"token": invitation, "name": name, "password": "a password of their own"}
        token = (await self.enter("nobody", None).do(SIGN_UP, input=newcomer))["token"]
        actor = self.enter(name, token)
        return actor, (await actor.ask(MEMBER, network=network))["network"]["viewerMember"]["id"]

    async def agree(self) -> None:
        await settled(self.door.service)  # what follows is then only on its way through the sockets
        for actor in self.all:
            await actor.agree()
