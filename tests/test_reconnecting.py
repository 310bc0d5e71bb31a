import asyncio
import json
import random
from typing import Any

from websockets.asyncio.client import connect

from models import Moderation
from tests.client import event_of
from tests.started import DEADLINE, PROTOCOL, Door
from tests.world import World, gid

CUTS = 50
QUESTIONS = 120
ASK = """mutation ($id: ID!, $body: String!) {
  askQuestion(boardId: $id, input: {body: $body}) { problems { code } }
}"""
EVENTS = event_of("... on Question { body }")
FOLLOW = f"subscription ($id: ID!, $after: FeedCursor) {{ questionBoard(id: $id, after: $after) {EVENTS} }}"
BOARD = "query ($id: ID!) { questionBoard(id: $id) { cursor questions(order: NEW, last: 100) { nodes { body } } } }"


class Reader:
    """Follows a board through sockets that are cut, always from the last cursor it has."""

    def __init__(self, door: Door, token: str, board: str, cursor: str) -> None:
        self._door, self._token, self._board, self._cursor = door, token, board, cursor
        self.bodies: list[str] = []

    async def read(self, most: int) -> None:
        """Take up to `most` events, or all that there will be, and vanish without a goodbye."""
        async with asyncio.timeout(DEADLINE * 3):
            socket = await connect(self._door.address, subprotocols=[PROTOCOL], compression=None)  # type: ignore[list-item]
            payload: Any = {"authorization": f"Bearer {self._token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            payload = {"query": FOLLOW, "variables": {"id": self._board, "after": self._cursor}}
            await socket.recv()
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            while most and len(self.bodies) < QUESTIONS:
                self._take(json.loads(await socket.recv())["payload"]["data"]["questionBoard"])
                most -= 1
            socket.transport.abort()
            await socket.wait_closed()

    def _take(self, event: Any) -> None:
        self._cursor = event["cursor"]
        if event["__typename"] == "Added":
            self.bodies.append(event["node"]["body"])


async def test_sockets_cut_at_random_points_lose_nothing_and_double_nothing(door: Door) -> None:
    world = await World.make(door.service)
    asker, reader = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=asker)
    board = gid(await world.board(community, moderation=Moderation.NONE))
    ask_token, read_token = await door.sign_in(asker), await door.sign_in(reader)
    snapshot = (await door.post(BOARD, read_token, id=board))["questionBoard"]
    follower = Reader(door, read_token, board, snapshot["cursor"])
    bodies = [f"Question {n}" for n in range(QUESTIONS)]

    async def write() -> None:
        for body in bodies:
            await door.post(ASK, ask_token, id=board, body=body)

    writing = asyncio.create_task(write())
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for _ in range(CUTS):
        await follower.read(draw.randrange(5))
    await follower.read(QUESTIONS)
    await writing
    assert follower.bodies == bodies
