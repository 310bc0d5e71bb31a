"""Whatever dies or is cut off: every history is the same, and what was acknowledged is in it, once and in order."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import migrations
from models import Admits, CommunityRole, Moderation, VisitorRights
from resolvers.clock import SystemClock
from tests.conftest import make_service
from tests.histories import Histories, Reader, Write, Writer
from tests.postgres_server import PostgresServer
from tests.program import Program, serving
from tests.started import Door
from tests.world import World, gid

WRITERS = 4
IN_TIME = 240.0  # seconds for all of it
SNAPSHOT = """query ($id: ID!, $after: String) { questionBoard(id: $id) {
  cursor questions(order: NEW, first: 100, after: $after) { nodes { body } pageInfo { hasNextPage endCursor } }
} }"""


def told(*bodies: str, **readers: list[str]) -> Histories:
    return Histories([Write(body, n, n + 0.5) for n, body in enumerate(bodies)], readers)


@pytest.mark.parametrize(
    ("history", "flaws"),
    [
        (told("a", "b", one=["a", "b"], two=["a", "b"]), []),
        (told("a", "b", one=["a"]), ["one was never told b"]),
        (told("a", one=["a", "a"]), ["one was told something twice"]),
        (told("a", one=["a", "x"]), ["one was told x, which nobody wrote"]),
        (told("a", "b", one=["b", "a"]), ["one was told b before a"]),
        (told("a", "b", "c", one=["a", "c", "b"]), ["one was told c before b"]),
        (Histories([Write("a", 0, 5), Write("b", 1, 2)], {"one": ["b", "a"]}), []),
        (Histories([Write("a", 0, 5), Write("b", 1, 2)], {"one": ["b", "a"], "two": ["a", "b"]}),
         ["two was told another history than one"]),
        (Histories([Write("a", 0), Write("b", 1, 2)], {"one": ["b"]}), []),
    ],
)  # fmt: skip
def test_the_checker_finds_what_cannot_have_happened(history: Histories, flaws: list[str]) -> None:
    assert history.flaws() == flaws


class Hall:
    """Four who ask so many questions together, and readers of every kind who are cut off so many times."""

    def __init__(self, world: World, events: int, cuts: int) -> None:
        self.world, self.events, self.cuts = world, events, cuts
        self.histories = Histories()
        self.readers: dict[str, Reader] = {}

    async def make(self) -> "Hall":
        world = self.world
        self.owner = await world.person("Owner")
        community = await world.community(owner=self.owner, admits=Admits.EXTERNALS)
        self.people = {name: await world.person(name) for name in ("Ann", "Bob", "Cleo", "Dan", "Presenter", "Plain")}
        for name, person in self.people.items():
            role = CommunityRole.PRESENTER if name == "Presenter" else CommunityRole.MEMBER
            await world.belong(person, community, role)
        rules: Any = {"moderation": Moderation.NONE, "visitors": VisitorRights.ASK_AND_VOTE}
        board = await world.board(community, **rules)
        self.board = gid(board)
        return self

    async def enter(self, program: Program) -> None:
        door = program.door
        tokens = {name: await door.sign_in(person) for name, person in self.people.items()}
        cursor = (await door.post(SNAPSHOT, tokens["Plain"], id=self.board))["questionBoard"]["cursor"]
        self.readers = {
            name: Reader(lambda: door.address, tokens[name], self.board, cursor)
            for name in ("Ann", "Bob", "Presenter", "Plain")
        }
        self.writers = [
            Writer(lambda: door.origin, tokens[name], self.board, self.histories.writes)
            for name in ("Ann", "Bob", "Cleo", "Dan")
        ]
        self.histories.readers = {name: reader.told for name, reader in self.readers.items()}

    async def fresh(self, door: Door) -> list[str]:
        """What a query tells now."""
        token, bodies, after = await door.sign_in(self.people["Plain"]), [], None
        while True:
            page = (await door.post(SNAPSHOT, token, id=self.board, after=after))["questionBoard"]["questions"]
            bodies += [node["body"] for node in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                return bodies
            after = page["pageInfo"]["endCursor"]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(reader.read()) for reader in self.readers.values()]
            yield
            for task in tasks:
                task.cancel()

    async def write(self) -> None:
        each = self.events // WRITERS
        async with asyncio.TaskGroup() as tasks:
            for who, writer in enumerate(self.writers):
                tasks.create_task(writer.write(*(f"Question {n} of {who}" for n in range(each))))

    async def until_told(self) -> None:
        while any(len(reader.told) < self.events for reader in self.readers.values()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)

    async def cut_at_random(self, draw: random.Random) -> None:
        """Whenever so many more have been written, somebody is cut off."""
        for point in sorted(draw.sample(range(self.events), self.cuts)):
            while len(self.histories.writes) < point:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.002)
            draw.choice(list(self.readers.values())).cut()


async def nothing_is_lost(hall: Hall, program: Program, *faults: Any) -> None:
    """Write and read while the faults happen, each when its part of the writing is done."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    await hall.enter(program)
    async with asyncio.timeout(IN_TIME), hall.reading():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(hall.write())
            tasks.create_task(hall.cut_at_random(random.Random(seed)))
            tasks.create_task(_happen(hall, faults))
        await hall.until_told()
    assert hall.histories.flaws() == []
    assert sorted(hall.readers["Plain"].told) == sorted(await hall.fresh(program.door))
    assert sum(reader.cuts for reader in hall.readers.values()) > hall.cuts / 2


async def _happen(hall: Hall, faults: Any) -> None:
    for nth, fault in enumerate(faults, 1):
        while len(hall.histories.writes) < nth * hall.events / (len(faults) + 1):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        await fault()


@asynccontextmanager
async def made(url: str, events: int, cuts: int) -> AsyncIterator[Hall]:
    service = make_service(url, SystemClock())  # type: ignore[arg-type]
    try:
        yield await Hall(await World.make(service), events, cuts).make()
    finally:
        await service.database.close()


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_sockets_are_cut_at_a_hundred_points_of_a_thousand_events(tmp_path: Path, sqlite_url: str) -> None:
    settings = {"database_url": sqlite_url, "budget_member": "0"}
    async with made(sqlite_url, 1_000, 100) as hall, serving(tmp_path, hall.world, **settings) as program:
        await nothing_is_lost(hall, program)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.postgres
async def test_workers_are_killed_and_postgres_crashes(tmp_path: Path) -> None:
    postgres = PostgresServer()
    await postgres.create()
    try:
        await migrations.upgrade(postgres.url)
        async with made(postgres.url, 200, 40) as hall:
            settings = {"database_url": postgres.url, "budget_member": "0"}
            async with serving(tmp_path, hall.world, "--workers", "2", **settings) as program:

                async def kill() -> None:
                    os.kill(random.choice(program.workers()), signal.SIGKILL)

                async def crash() -> None:
                    await postgres.crash()
                    await asyncio.sleep(1)
                    await postgres.start()

                await nothing_is_lost(hall, program, kill, crash, kill)
    finally:
        await postgres.remove()
