"""Plain Strawberry with the shape of our feed: each subscriber has an async generator, and each event runs in each.

As in ours, two of the fields have resolvers that may have to ask whether the viewer may read them. Here all may.

python -m bench.stock FILE
"""

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any
from uuid import uuid4

import aiosqlite
import strawberry
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

TABLE = "CREATE TABLE question (id TEXT PRIMARY KEY, number INTEGER, body TEXT, published_at TEXT)"
SAME_AS_OURS: Any = {"access_log": False, "ws_per_message_deflate": False, "ws_ping_interval": None}
INSERT = "INSERT INTO question VALUES (?, ?, ?, ?)"


@strawberry.enum
class State(Enum):
    PENDING = "PENDING"
    VISIBLE = "VISIBLE"


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Question(Node):
    number: int
    text: strawberry.Private[str]
    published_at: datetime
    state: State = State.VISIBLE
    anonymous: bool = False
    on_screen: bool = False
    rank: int = 1_000_000
    revision: int = 1
    answer: str | None = None

    @strawberry.field
    async def body(self) -> str | None:
        return self.text

    @strawberry.field
    async def votes(self) -> int | None:
        return 0


@strawberry.type
class Added:
    cursor: str
    node: Node


@strawberry.type
class Changed(Added):
    pass


@strawberry.type
class Removed:
    cursor: str
    id: strawberry.ID


@strawberry.type
class Heartbeat:
    cursor: str


Event = Annotated[Added | Changed | Removed | Heartbeat, strawberry.union("Event")]


@strawberry.type
class Payload:
    question: Question


class Board:
    """One table, and a queue for each who listens."""

    queues: set[asyncio.Queue[Added]] = set()  # noqa: RUF012 - of the process
    database: aiosqlite.Connection
    count = 0


def asked(id: strawberry.ID, text: str = "") -> Question:
    return Question(id=id, number=Board.count, text=text, published_at=datetime.now(UTC))


@strawberry.type
class Query:
    hello: str = "hello"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def ask_question(self, board_id: strawberry.ID, body: str) -> Payload:
        Board.count += 1
        question = asked(strawberry.ID(str(uuid4())), body)
        row = (question.id, question.number, question.text, question.published_at.isoformat())
        await Board.database.execute(INSERT, row)
        await Board.database.commit()
        event = Added(cursor=secrets.token_urlsafe(72), node=question)
        for queue in Board.queues:
            queue.put_nowait(event)
        return Payload(question=question)

    @strawberry.mutation
    async def do_nothing(self, question_id: strawberry.ID) -> Payload:
        return Payload(question=asked(question_id))


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def question_board(self, id: strawberry.ID) -> AsyncIterator[Event]:
        queue: asyncio.Queue[Added] = asyncio.Queue()
        Board.queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            Board.queues.discard(queue)


def app() -> Starlette:
    caches = [lambda: ParserCache(maxsize=200), lambda: ValidationCache(maxsize=200)]
    schema = strawberry.Schema(Query, Mutation, Subscription, types=[Question], extensions=caches)
    graphql = GraphQL(schema, graphql_ide=None, subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL])
    return Starlette(routes=[Route("/graphql", graphql), WebSocketRoute("/graphql", graphql)])


async def main() -> None:
    async with aiosqlite.connect(sys.argv[1]) as Board.database:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", TABLE):
            await Board.database.execute(statement)
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
            config = uvicorn.Config(app(), log_level="error", ws="websockets-sansio", **SAME_AS_OURS)
            await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(main())
