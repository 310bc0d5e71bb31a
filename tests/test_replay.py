"""Whatever happens, what a client has pieced together from its feeds is what a fresh query would tell it."""

import asyncio
import gc
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from graphql import FieldNode, OperationDefinitionNode, parse
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from models import (
    Admits,
    Attendance,
    CommunityPurpose,
    CommunityRole,
    MemberKind,
    NetworkRole,
    Visibility,
    VisitorRights,
)
from schema.root import build
from server import Service
from tests.actions import ACTIONS, NO_ACTION, USUAL
from tests.client import Client, is_idle, operations, settled, until
from tests.conftest import ManualClock, administer, empty, make_service
from tests.replica import FRAGMENT, KINDS, ROW, Replica, fresh
from tests.turns import Picks, Turn
from tests.world import World, gid

SHARDS = 4
EXAMPLES = {
    "sqlite": int(os.environ.get("REPLAY_SQLITE", "100")),
    "postgresql": int(os.environ.get("REPLAY_POSTGRES", "40")),
}
SEED = int(os.environ.get("REPLAY_SEED", random.randrange(2**32)))
STEPS = 5
TIMEOUT = 1_800 + 10 * max(EXAMPLES.values())
FEEDS = 2
FEW = 3
COLLECTED = 20_000

Cast = dict[str, Any]
Step = tuple[str | None, str, Picks]


async def furnish(url: str) -> Cast:
    """A network with somebody of every kind, before anything has happened."""
    clock = ManualClock()
    service = make_service(url, clock)
    world = await World.make(service)
    people = {
        name: await world.person(name) for name in ("owner", "presenter", "member", "asker", "helper", "outsider")
    }
    people["admin"] = await world.person("admin", role=NetworkRole.OWNER)
    people["external"] = await world.person("external", MemberKind.EXTERNAL)
    people["absent"] = await world.person("absent", MemberKind.EXTERNAL)
    await world.change(people["absent"].member, attendance=Attendance.NONE)
    people["guest"] = await world.person("guest", MemberKind.GUEST)
    hall = await world.community("Hall", owner=people["owner"], admits=Admits.EXTERNALS)
    closed = await world.community(
        "Closed", owner=people["helper"], admits=Admits.GUESTS, visibility=Visibility.PRIVATE
    )
    help_ = await world.community("Help", owner=people["helper"], purpose=CommunityPurpose.ESCALATION)
    memberships = [await world.belong(people["presenter"], hall, CommunityRole.PRESENTER)]
    memberships += [await world.belong(people[name], hall) for name in ("member", "asker")]
    memberships += [await world.belong(people[name], closed) for name in ("guest", "member")]
    board = await world.board(hall, visitors=VisitorRights.ASK_AND_VOTE)
    session = await world.session(hall)
    kiosk, key, _ = await world.kiosk(board)
    visitor = await world.visitor(board, "Vis")
    cast: Cast = {
        "viewers": {name: person.principal_id for name, person in people.items()}
        | {"display": kiosk.viewer, "visitor": visitor.viewer, "nobody": world.nobody.viewer},
        "ids": {
            "networks": [gid(world.network)],
            "members": [person.id for person in people.values()],
            "communities": [gid(hall), gid(closed), gid(help_)],
            "boards": [gid(board)],
            "sessions": [gid(session)],
            "kiosk_keys": [gid(key)],
            "memberships": [gid(membership) for membership in memberships],
        },
    }
    async with service.running():
        opening = Play(service, clock, cast)
        for actor, action, chosen in OPENING:
            await opening.step(actor, action, chosen)
    return cast | {"ids": dict(opening.ids), "count": opening.count}


class Play:
    """One sequence: people act, a second apart, and every viewer's replicas are compared after each step."""

    def __init__(self, service: Service, clock: ManualClock, cast: Cast) -> None:
        self.clients = {name: Client(service, principal) for name, principal in cast["viewers"].items()}
        self.ids = defaultdict(list, {kind: list(ids) for kind, ids in cast["ids"].items()})
        self.replicas: dict[str, list[Replica]] = {name: [] for name in self.clients}
        self.service = service
        self.count = cast.get("count", 0)
        self.clock = clock
        self.clock.advance(seconds=self.count)

    def begin(self, draw: random.Random) -> None:
        """Everybody follows some feeds, drawn anew for each sequence, as far as they may."""
        pairs = [(kind, id) for name, kind in FOLLOWED for id in self.ids[name][-FEW:]]
        for viewer, client in self.clients.items():
            # In order: then it is half as many documents to read and to validate.
            drawn = sorted(draw.sample(pairs, FEEDS))
            self.replicas[viewer] = [Replica(client, KINDS[kind], id) for kind, id in drawn]

    async def step(self, actor: str, action: str, picks: Picks) -> None:
        document, kinds, new, extra = ACTIONS[action]
        pool = [self.ids[kind] for kind in kinds]
        if not all(pool):
            return
        chosen = [ids[pick % len(ids)] for ids, pick in zip(pool, picks, strict=False)]
        self.count += 1
        self.clock.advance(seconds=1)
        variables = dict(zip("ab", chosen, strict=False)) | extra(Turn(self.count, self.ids, picks))
        payload = await self.clients[actor].payload(document, **variables)
        if new and not payload["problems"]:
            (node,) = [value for name, value in payload.items() if name != "problems"]
            made = node["id"]
            self.ids[new] += [made] if made not in self.ids[new] else []
            if "options" in node:
                self.ids[f"options of {made}"] = [option["id"] for option in node["options"]]

    async def compare(self) -> None:
        await settled(self.service)
        await asyncio.gather(*(self._compare(name, client) for name, client in self.clients.items()))
        await self._joined()

    async def _joined(self) -> None:
        """Wait until every feed that was opened has been let in: the next step may take away the right to it."""
        await until(lambda: len(operations(self.service)) >= self._followed() and is_idle(self.service))

    def _followed(self) -> int:
        return sum(replica.is_followed for replica in self._all())

    def _all(self) -> list[Replica]:
        return [replica for replicas in self.replicas.values() for replica in replicas]

    async def _compare(self, name: str, client: Client) -> None:
        replicas = self.replicas[name]
        for replica in replicas:
            await self._was_readable(name, replica, replica.apply())
        for replica, (state, _) in zip(replicas, await fresh(client, replicas), strict=True):
            if replica.follower is None and (replica.state, state) != (None, None):
                await replica.open()
            assert replica.state == state, (name, replica.kind.name)

    async def _was_readable(self, name: str, replica: Replica, nodes: list[Any]) -> None:
        """Nothing has happened since the step: what was sent must be what its viewer can read now."""
        if nodes:
            last = {node["id"]: node for node in nodes}
            found = await replica.client.ask(
                f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ {ROW} }} }}{FRAGMENT}", ids=list(last)
            )
            assert found["nodes"] == list(last.values()), (name, replica.kind.name)

    async def end(self) -> None:
        await asyncio.gather(*(replica.close() for replica in self._all()))


ACTORS = [
    "owner",
    "presenter",
    "member",
    "asker",
    "helper",
    "outsider",
    "admin",
    "external",
    "absent",
    "guest",
    "display",
    "visitor",
    "nobody",
]
RARE = {"archive", "disable", "close", "revoke key"}

picks = st.tuples(st.integers(0, 11), st.integers(0, 11))
common = st.sampled_from(sorted(ACTIONS.keys() - RARE))
rare = st.sampled_from(sorted(RARE))
step = st.tuples(
    st.one_of(st.none(), st.none(), st.sampled_from(ACTORS)),
    st.one_of(common, common, common, common, common, rare),
    picks,
)


# What has happened before a sequence begins: questions, polls, topics, an escalation, a task with talk.
OPENING = [
    ("asker", "ask", (0, 1)),
    ("presenter", "approve", (0, 0)),
    ("member", "ask", (0, 0)),
    ("presenter", "approve", (1, 0)),
    ("presenter", "show", (1, 1)),
    ("asker", "ask", (0, 0)),
    ("presenter", "draft poll", (0, 0)),
    ("presenter", "open poll", (0, 0)),
    ("member", "cast ballot", (0, 0)),
    ("presenter", "draft poll", (0, 3)),
    ("presenter", "open poll", (1, 0)),
    ("member", "topic", (0, 1)),
    ("helper", "topic", (1, 2)),
    ("member", "escalate", (0, 2)),
    ("guest", "comment", (1, 0)),
    ("member", "push", (0, 4)),
    ("outsider", "task", (0, 2)),
    ("member", "say", (0, 0)),
]
FOLLOWED = [
    ("communities", "communityActivity"),
    ("contents", "content"),
    ("boards", "questionBoard"),
    ("boards", "questionBoardModeration"),
    ("boards", "questionBoardDisplay"),
    ("boards", "myQuestions"),
    ("tasks", "task"),
    ("networks", "myFeed"),
    ("networks", "myTasks"),
    ("networks", "escalations"),
    ("networks", "schedule"),
]


async def play(url: str, cast: Cast, draw: int, steps: list[Step]) -> None:
    clock = ManualClock()
    service = make_service(url, clock, flush=0.0)
    async with service.running():
        one = Play(service, clock, cast)
        one.begin(random.Random(draw))
        await one.compare()
        for actor, action, chosen in steps:
            await one.step(actor or USUAL.get(action, "owner"), action, chosen)
            await one.compare()
        await one.end()


def _copy(template: Path, target: Path) -> None:
    for leftover in target.parent.glob(f"{target.name}*"):
        leftover.unlink()
    shutil.copy(template, target)


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """A sequence makes much that lives long: looking through all of it for garbage takes a fifth of the time."""
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


def _sequences(kind: str, shard: int, run: Callable[[int, list[Step]], Coroutine[Any, Any, None]]) -> None:
    @seed(SEED + shard)
    @settings(
        max_examples=max(1, EXAMPLES[kind] // SHARDS),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32), st.lists(step, min_size=STEPS, max_size=STEPS))
    def sequence(draw: int, steps: list[Step]) -> None:
        asyncio.run(run(draw, steps))

    print(f"REPLAY_SEED={SEED}")
    with _rarely_collecting():
        sequence()


def test_every_mutation_of_the_schema_is_an_action_or_is_excepted():
    mutations = build()._schema.mutation_type
    assert mutations is not None
    acted = {field for document, *_ in ACTIONS.values() for field in called(document)}
    assert acted.isdisjoint(NO_ACTION)
    assert acted | set(NO_ACTION) == set(mutations.fields)


def called(document: str) -> list[str]:
    """The fields at the root of a document."""
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return [field.name.value for field in operation.selection_set.selections if isinstance(field, FieldNode)]


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_replayed_events_equal_a_fresh_query_on_sqlite(sqlite_template: Path, tmp_path: Path, shard: int) -> None:
    furnished = tmp_path / "furnished.db"
    shutil.copy(sqlite_template, furnished)
    cast = asyncio.run(furnish(f"sqlite+aiosqlite:///{furnished}"))

    async def run(draw: int, steps: list[Step]) -> None:
        _copy(furnished, tmp_path / "play.db")
        await play(f"sqlite+aiosqlite:///{tmp_path / 'play.db'}", cast, draw, steps)

    _sequences("sqlite", shard, run)


@pytest.mark.timeout(TIMEOUT)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_replayed_events_equal_a_fresh_query_on_postgresql(postgres_url: str, shard: int) -> None:
    name = postgres_url.rpartition("/")[2]
    furnished, played = f"{name}_furnished", f"{name}_play"
    drop = [f"DROP DATABASE IF EXISTS {database} WITH (FORCE)" for database in (furnished, played)]
    asyncio.run(administer(*drop, f"CREATE DATABASE {furnished} TEMPLATE {name}"))
    asyncio.run(empty(postgres_url.replace(name, furnished)))
    cast = asyncio.run(furnish(postgres_url.replace(name, furnished)))

    async def run(draw: int, steps: list[Step]) -> None:
        await administer(drop[1], f"CREATE DATABASE {played} TEMPLATE {furnished}")
        await play(postgres_url.replace(name, played), cast, draw, steps)

    try:
        _sequences("postgresql", shard, run)
    finally:
        asyncio.run(administer(*drop))
