"""Several processes: what is done in one is heard in all, and when one dies the others go on."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from commands import app
from models import Community
from resolvers.clock import SystemClock
from tests import documents as do
from tests.client import DEADLINE, until
from tests.conftest import empty, make_service
from tests.program import STARTS, Program, serving
from tests.redis_server import RedisServer
from tests.replica import KINDS
from tests.started import VIEWER, Socket
from tests.world import Person, World, gid

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/task").is_dir(), reason="which processes there are is read from Linux's /proc"
    ),
]

KIND = KINDS["communityActivity"]
IN_TIME = 2.0  # seconds
NOBODY_THERE = "redis://127.0.0.1:1"


class Hall:
    """A community whose feed is followed over real sockets."""

    def __init__(self, world: World, ann: Person, community: Community) -> None:
        self.world = world
        self._ann = ann
        self._id = gid(community)

    async def enter(self, program: Program) -> None:
        self._door = program.door
        self._token = await self._door.sign_in(self._ann)

    async def cursor(self) -> str:
        (found,) = (await self._door.post(do.snapshot(KIND), self._token, id=self._id)).values()
        return str(found["cursor"])

    async def follow(self, stack: AsyncExitStack, after: str) -> Socket:
        socket: Socket = await stack.enter_async_context(self._door.signed_in(self._token))
        await socket.subscribe("feed", KIND.subscription, id=self._id, after=after)
        return socket

    async def client(self, stack: AsyncExitStack) -> httpx.AsyncClient:
        """With one connection, which it keeps."""
        limits = httpx.Limits(max_connections=1)
        headers = {"authorization": f"Bearer {self._token}"}
        client = httpx.AsyncClient(base_url=self._door.origin, headers=headers, limits=limits, timeout=DEADLINE)
        await stack.enter_async_context(client)
        assert (await client.post("/graphql", json={"query": VIEWER})).status_code == 200
        return client

    async def write(self, title: str, client: httpx.AsyncClient | None = None) -> None:
        variables = {"communityId": self._id, "input": {"title": title}}
        if client is None:
            await self._door.post(do.CREATE_TOPIC, self._token, **variables)
        else:
            answer = await client.post("/graphql", json={"query": do.CREATE_TOPIC, "variables": variables})
            assert "errors" not in answer.json()


async def titles(socket: Socket, count: int) -> list[str]:
    """Of so many events. Heartbeats are none; whatever else is not an Added is named."""
    found: list[str] = []
    while len(found) < count:
        event = (await socket.receive())["payload"]["data"]["communityActivity"]
        if event["__typename"] != "Heartbeat":
            found.append(event["node"]["title"] if event["__typename"] == "Added" else event["__typename"])
    return found


async def made(database_url: str) -> Hall:
    world = await World.make(make_service(database_url, SystemClock()))  # type: ignore[arg-type]
    ann = await world.person("Ann")
    return Hall(world, ann, await world.community(owner=ann))


@pytest.fixture
async def hall(postgres_url: str) -> AsyncIterator[Hall]:
    await empty(postgres_url)
    hall = await made(postgres_url)
    yield hall
    await hall.world.service.database.close()


@pytest.fixture
async def small_hall(sqlite_url: str) -> AsyncIterator[Hall]:
    hall = await made(sqlite_url)
    yield hall
    await hall.world.service.database.close()


class Between:
    """A client of one process, and a socket of another."""

    def __init__(self, hall: Hall, program: Program, client: httpx.AsyncClient, socket: Socket) -> None:
        self.program = program
        self._hall = hall
        self._client = client
        self._socket = socket

    async def brings(self, *titles_: str) -> None:
        """What is written through the one arrives at the other, each time within two seconds."""
        for title in titles_:
            since = time.monotonic()
            await self._hall.write(title, self._client)
            assert await titles(self._socket, 1) == [title]
            assert time.monotonic() - since < IN_TIME

    async def broker_is(self, state: str) -> None:
        """Wait until the client's process says so."""
        async with asyncio.timeout(DEADLINE):
            while (await self._client.get("/health/ready")).json()["broker"] != state:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.05)


@asynccontextmanager
async def between(folder: Path, hall: Hall, **settings: Any) -> AsyncIterator[Between]:
    async with serving(folder, hall.world, "--workers", "2", **settings) as program, AsyncExitStack() as stack:
        one, other = program.workers()
        with program.only(one):
            await hall.enter(program)
            socket = await hall.follow(stack, await hall.cursor())
        with program.only(other):
            client = await hall.client(stack)
        yield Between(hall, program, client, socket)
        await stack.aclose()
        assert await program.end() == (0, "")


@pytest.mark.postgres
async def test_two_processes_on_postgres_need_no_other_broker(tmp_path: Path, hall: Hall, postgres_url: str) -> None:
    async with between(tmp_path, hall, database_url=postgres_url) as way:
        await way.brings("First", "Second", "Third")


@pytest.mark.postgres
async def test_with_a_dead_broker_it_takes_no_longer_than_two_seconds(
    tmp_path: Path, hall: Hall, postgres_url: str
) -> None:
    async with between(tmp_path, hall, database_url=postgres_url, broker_url=NOBODY_THERE) as way:
        await way.brings("First", "Second", "Third")


@pytest.mark.redis
async def test_two_processes_may_share_a_file_and_redis(
    tmp_path: Path, small_hall: Hall, sqlite_url: str, redis: RedisServer
) -> None:
    async with between(tmp_path, small_hall, database_url=sqlite_url, broker_url=redis.url) as way:
        await way.brings("First", "Second", "Third")


@pytest.mark.redis
@pytest.mark.postgres
async def test_redis_is_stopped_and_started_between_two_processes_and_nothing_is_lost(
    tmp_path: Path, hall: Hall, postgres_url: str, redis: RedisServer
) -> None:
    async with between(tmp_path, hall, database_url=postgres_url, broker_url=redis.url) as way:
        await way.brings("With it")
        await redis.stop()
        await way.brings("Without it", "Still without it")
        await way.broker_is("down")
        await redis.start()
        await way.broker_is("up")
        await way.brings("With it again")
        async with asyncio.timeout(DEADLINE):
            while await redis.subscriptions() != 2:  # noqa: ASYNC110 - the other process may come a second later
                await asyncio.sleep(0.05)


@pytest.mark.postgres
async def test_a_killed_worker_comes_back_and_clients_of_the_others_notice_nothing(
    tmp_path: Path, hall: Hall, postgres_url: str
) -> None:
    async with (
        serving(tmp_path, hall.world, "--workers", "2", database_url=postgres_url) as program,
        AsyncExitStack() as stack,
    ):
        dies, lives = program.workers()
        with program.only(lives):
            await hall.enter(program)
            cursor = await hall.cursor()
            there = [await hall.follow(stack, cursor) for _ in range(5)]
        with program.only(dies):
            here = [await hall.follow(stack, cursor) for _ in range(5)]
        await hall.write("Before")
        assert [await titles(socket, 1) for socket in (*here, *there)] == [["Before"]] * 10
        os.kill(dies, signal.SIGKILL)
        await hall.write("Meanwhile")
        assert [await titles(socket, 1) for socket in there] == [["Meanwhile"]] * 5
        (comes,) = set(await program.until(2, without={dies})) - {lives}
        with program.only(comes):
            again = await hall.follow(stack, cursor)
            assert await titles(again, 2) == ["Before", "Meanwhile"]
        await hall.write("After")
        assert [await titles(socket, 1) for socket in (*there, again)] == [["After"]] * 6
        await stack.aclose()
        code, said = await program.end()
        assert code == 0
        (told,) = said.splitlines()
        assert "a worker has died, with code -9; another starts in 0.5 s" in told


@pytest.mark.postgres
async def test_at_the_end_every_socket_is_told_and_every_worker_ends(
    tmp_path: Path, hall: Hall, postgres_url: str
) -> None:
    async with (
        serving(tmp_path, hall.world, "--workers", "2", database_url=postgres_url) as program,
        AsyncExitStack() as stack,
    ):
        sockets = []
        for worker in program.workers():
            with program.only(worker):
                await hall.enter(program)
                sockets.append(await hall.follow(stack, await hall.cursor()))
        ending = asyncio.create_task(program.end(signal.SIGINT))
        assert {await socket.closed() for socket in sockets} <= {1001, 1012}
        assert await ending == (0, "")


@pytest.mark.postgres
async def test_workers_do_not_outlive_their_parent(tmp_path: Path, hall: Hall, postgres_url: str) -> None:
    async with serving(tmp_path, hall.world, "--workers", "2", database_url=postgres_url) as program:
        workers = program.workers()
        program.process.kill()
        await until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


@pytest.mark.postgres
async def test_a_worker_that_cannot_start_is_tried_again_later_and_later(
    tmp_path: Path, hall: Hall, postgres_url: str
) -> None:
    """A table is away, as the database may be; the workers that are there stay."""

    async def rename(one: str, other: str) -> None:
        async with hall.world.service.database.write() as session:
            await session.execute(text(f"ALTER TABLE {one} RENAME TO {other}"))

    async with serving(tmp_path, hall.world, "--workers", "2", database_url=postgres_url) as program:
        dies, lives = await program.until(2)
        with program.only(lives):
            await hall.enter(program)  # it serves
        await rename("head", "hidden_head")
        delays: list[str] = []
        try:
            os.kill(dies, signal.SIGKILL)
            async with asyncio.timeout(STARTS):
                while len(delays) < 3:
                    await asyncio.sleep(0.05)
                    delays = [
                        line.split(" s ")[0].split()[-1] for line in program.said() if "a worker has died" in line
                    ]
        finally:
            await rename("hidden_head", "head")
        assert delays[:3] == ["0.5", "1.0", "2.0"]
        assert lives in program.workers()
        (comes,) = set(await program.until(2, without={dies})) - {lives}
        with program.only(comes):
            assert await program.door.post(VIEWER) == {"viewer": None}


@pytest.mark.postgres
async def test_on_sighup_each_worker_is_replaced_and_there_is_always_one_that_answers(
    tmp_path: Path, hall: Hall, postgres_url: str
) -> None:
    async with serving(tmp_path, hall.world, "--workers", "2", database_url=postgres_url) as program:
        before = set(await program.until(2))
        program.process.send_signal(signal.SIGHUP)
        replaced = asyncio.create_task(program.until(2, without=before))
        while not replaced.done():
            assert await program.door.post(VIEWER) == {"viewer": None}
        assert await program.end() == (0, "")


def test_workers_that_could_not_hear_each_other_are_refused(sqlite_url: str) -> None:
    settings = {"PLENARY_DATABASE_URL": sqlite_url, "PLENARY_BROKER_URL": "memory://"}
    result = CliRunner().invoke(app, ["serve", "--workers", "2"], env=settings)
    assert result.exit_code == 1
    assert "memory:// carries nothing from one process to another" in result.output
    assert "PLENARY_BROKER_URL" in result.output
