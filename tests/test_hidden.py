"""Hidden is nonexistent: whatever names what somebody may not see is answered as an id that leads nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import OperationType

from models import Admits, Community, MemberKind, NetworkRole
from schema.base import parse
from tests import documents as do
from tests.client import Client
from tests.examples import VARIANTS, Examples, hidden
from tests.reach import FIELDS, Field, Http, Wire, answered, code, got, nowhere, put, without
from tests.started import Door
from tests.traces import whole
from tests.world import Person, World

WHO = ["nobody", "guest", "external", "member", "boss", "display", "visitor", "stranger"]


def examples(known: dict[str, Any]) -> Iterator[tuple[Field, dict[str, Any]]]:
    for field in FIELDS:
        for variant in VARIANTS.get(field.name, ({},)):
            yield field, field.arguments(known | variant)


@pytest.mark.timeout(300)
async def test_every_field_that_takes_an_id_has_an_example_that_succeeds(world: World):
    """So that no comparison below is one of two calls that could never do anything."""
    boss = await world.person("Boss", role=NetworkRole.OWNER)
    scene = Examples(world)
    known: dict[str, Any] = {}
    failing: dict[str, Any] = {}
    for field in FIELDS:
        for variant in VARIANTS.get(field.name, ({},)):
            known = known or await scene.known(boss)
            said = await answered(boss.client, field, field.arguments(known | variant))
            if code(said) != "Y":
                failing[field.name] = said
            elif field.operation is OperationType.MUTATION:
                known = {}  # something has happened to it
    assert {name: code(said) + str(said) for name, said in failing.items()} == {}


class Town:
    """A visible community where everybody is, and a hidden one and another network where none of them is."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def make(self) -> "Town":
        world = self.world
        self.boss = await world.person("Boss", role=NetworkRole.OWNER)
        self.known = await Examples(world).known(self.boss)
        self.insider = insider = await world.person("Insider")
        elsewhere = await World.make(world.service, "Elsewhere")
        foreigner = await elsewhere.person("Foreigner", role=NetworkRole.OWNER)
        self.hidden = [await hidden(world, insider), await Examples(elsewhere).known(foreigner)]
        return self

    async def viewer(self, who: str) -> Client:
        world = self.world
        match who:
            case "nobody":
                return world.nobody
            case "boss":
                return self.boss.client
            case "stranger":
                return (await (await World.make(world.service, "Nowhere")).person("Stranger")).client
            case "display" | "visitor":
                board = await world.board(await world.community(owner=self.boss, admits=Admits.EXTERNALS))
                return (await world.kiosk(board))[0] if who == "display" else await world.visitor(board, "Vis")
        kind = {"guest": MemberKind.GUEST, "external": MemberKind.EXTERNAL}.get(who, MemberKind.INTERNAL)
        return (await self.neighbour(who, kind)).client

    async def neighbour(self, name: str, kind: MemberKind) -> Person:
        """Somebody in the visible community."""
        person = await self.world.person(name, kind)
        async with self.world.service.database.read() as session:
            community = await session.get_one(Community, parse(self.known["communityId"])[1])
        await self.world.belong(person, community)
        return person


async def differing(town: Town, looks: Client, asks: Client | Http | Wire, *, feeds: bool = True) -> list[Any]:
    """What is answered otherwise for a hidden id than for one that leads nowhere. `looks` is the same viewer."""
    found, compared = [], 0
    for field, given in examples(town.known):
        if field.operation is OperationType.SUBSCRIPTION and not feeds:
            continue
        for path in field.ids(given):
            for secret in town.hidden:
                id = got(field.arguments(secret), path)
                if id is None or await sees(looks, id):
                    continue
                compared += 1
                none = nowhere(id)
                there = without(await answered(asks, field, put(given, path, id)), id)
                gone = without(await answered(asks, field, put(given, path, none)), none)
                found += [] if there == gone else [(field.name, path, there, gone)]
    assert compared > 100
    return found


async def sees(client: Client, id: str) -> bool:
    """Whether the viewer may know of it: everything that is not hidden has a node."""
    there, gone = [await whole(client, do.NODE, id=one) for one in (id, nowhere(id))]
    return bool(there != gone)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", WHO)
async def test_a_hidden_id_is_answered_like_one_that_leads_nowhere(world: World, who: str):
    if world.service.database.dialect == "postgresql" and who not in {"guest", "boss"}:
        pytest.skip("what differs between the databases differs for these, too")
    town = await Town(world).make()
    client = await town.viewer(who)
    assert await differing(town, client, client) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", [Http, Wire])
async def test_it_is_so_to_the_byte_over_the_wire(door: Door, transport: type[Http | Wire]):
    town = await Town(await World.make(door.service)).make()
    ann = await town.neighbour("Ann", MemberKind.GUEST)
    token = await door.sign_in(ann)
    if transport is Http:
        async with door.http(authorization=f"Bearer {token}") as http:
            assert await differing(town, ann.client, Http(http), feeds=False) == []
    else:
        async with door.socket() as socket:
            await socket.init(token)
            assert await differing(town, ann.client, Wire(socket)) == []


async def test_who_may_see_it_is_answered_otherwise(world: World):
    """So that the comparison can fail."""
    town = await Town(world).make()
    assert len(await differing(town, world.nobody, town.insider.client)) > 50
