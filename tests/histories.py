"""Histories: what writers were answered and what readers were told, and whether the two can both be true.

In the manner of Jepsen: while sockets are cut and servers die, everybody writes down what they did and heard. Then
the checker looks for a write that was acknowledged and not told, one that was told twice or that nobody wrote, and two
that were told in another order than they were made.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from tests.client import event_of
from tests.started import PROTOCOL

ASK = """mutation ($id: ID!, $body: String!, $key: String!) {
  askQuestion(boardId: $id, input: {body: $body}, idempotencyKey: $key) { question { id } problems { code message } }
}"""
EVENTS = event_of("... on Question { body }")
FOLLOW = f"subscription ($id: ID!, $after: FeedCursor) {{ questionBoard(id: $id, after: $after) {EVENTS} }}"
PAUSE = 0.05  # seconds before trying again
AWAY = (OSError, httpx.HTTPError, WebSocketException, InvalidHandshake, TimeoutError, EOFError)


@dataclass
class Write:
    """`answered` is infinite if its writer never learned what became of it."""

    body: str
    begun: float
    answered: float = float("inf")


@dataclass
class Histories:
    writes: list[Write] = field(default_factory=list)
    readers: dict[str, list[str]] = field(default_factory=dict)

    def flaws(self) -> list[str]:
        """What cannot have happened if nothing is lost, doubled or turned round."""
        (first, *others) = self.readers.items()
        found = [f"{name} was told another history than {first[0]}" for name, told in others if told != first[1]]
        return found + list(itertools.chain.from_iterable(self._flaws(*reader) for reader in self.readers.items()))

    def _flaws(self, name: str, told: list[str]) -> list[str]:
        place = {body: n for n, body in enumerate(told)}
        written = {write.body for write in self.writes}
        lost = [w.body for w in self.writes if w.answered < float("inf") and w.body not in place]
        turned = self._turned(place)
        return [
            *(f"{name} was never told {body}" for body in lost),
            *(f"{name} was told {body}, which nobody wrote" for body in place.keys() - written),
            *([f"{name} was told something twice"] if len(place) < len(told) else []),
            *(f"{name} was told {later} before {earlier}" for earlier, later in turned),
        ]

    def _turned(self, place: dict[str, int]) -> Collection[tuple[str, str]]:
        """Pairs of writes, one answered before the other began, that were told the other way round."""
        told = sorted((w for w in self.writes if w.body in place), key=lambda w: place[w.body])
        found, latest = [], told[0] if told else None
        for write in told:
            if latest and write.answered < latest.begun:
                found.append((write.body, latest.body))
            if latest is None or write.begun > latest.begun:
                latest = write
        return found


class Writer:
    """Asks one question after the other, each again with the same key until it is answered."""

    def __init__(self, origin: Callable[[], str], token: str, board: str, writes: list[Write]) -> None:
        self._origin, self._token, self._board, self._writes = origin, token, board, writes

    async def write(self, *bodies: str) -> None:
        for body in bodies:
            write = Write(body, time.monotonic())
            self._writes.append(write)
            variables = {"id": self._board, "body": body, "key": str(uuid4())}
            while not await self._is_answered(variables):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(PAUSE)
            write.answered = time.monotonic()

    async def _is_answered(self, variables: Any) -> bool:
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            async with httpx.AsyncClient(base_url=self._origin(), headers=headers, timeout=20) as client:
                answer = (await client.post("/graphql", json={"query": ASK, "variables": variables})).json()
        except (*AWAY, ValueError):
            return False
        return bool((answer.get("data") or {}).get("askQuestion", {}).get("question"))


class Reader:
    """Follows a board for as long as it takes, from the last cursor that it has, however often it is cut off."""

    def __init__(self, address: Callable[[], str], token: str, board: str, cursor: str) -> None:
        self._address, self._token, self._board, self.cursor = address, token, board, cursor
        self.told: list[str] = []
        self.cuts = 0
        self._socket: ClientConnection | None = None

    def cut(self) -> None:
        """Without a goodbye."""
        if self._socket:
            self.cuts += 1
            self._socket.transport.abort()
            self._socket = None

    async def read(self) -> None:
        while True:
            try:
                await self._follow()
            except AWAY:
                await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        protocol: Any = [PROTOCOL]
        async with connect(self._address(), subprotocols=protocol, compression=None) as socket:
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {self._token}"}}
            await socket.send(json.dumps(init))
            await socket.recv()
            payload = {"query": FOLLOW, "variables": {"id": self._board, "after": self.cursor}}
            await socket.send(json.dumps({"id": str(uuid4()), "type": "subscribe", "payload": payload}))
            self._socket = socket
            async for message in socket:
                if not self._take(json.loads(message)):
                    return

    def _take(self, message: Any) -> bool:
        """Whether there is more to come on this socket."""
        if message["type"] != "next" or "errors" in message["payload"]:
            return False
        event = message["payload"]["data"]["questionBoard"]
        assert event["__typename"] in {"Added", "Counters", "Heartbeat", "Lagged"}, event
        self.cursor = event.get("cursor", self.cursor)
        if event["__typename"] == "Added":
            self.told.append(event["node"]["body"])
        return True
