"""Table D1, cell by cell: which communities there may be, in which network."""

from itertools import product
from typing import Any

import pytest

from models import Admits, JoinPolicy, Network, NetworkKind, NetworkRole, Visibility
from tests import documents as do
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

INTRANET, EXTRANET, PUBLIC, EVENT = NetworkKind
# How one joins, by visibility; then in networks of which kinds, if they are not hybrid.
D1: dict[Admits, tuple[dict[str, str], set[NetworkKind]]] = {
    Admits.INTERNALS: ({"OPEN": "OPEN REQUEST", "PRIVATE": "REQUEST INVITE", "HIDDEN": "INVITE"}, set(NetworkKind)),
    Admits.GUESTS: ({"OPEN": "", "PRIVATE": "REQUEST INVITE", "HIDDEN": "INVITE"}, set()),
    Admits.EXTERNALS: (
        {"OPEN": "OPEN REQUEST", "PRIVATE": "REQUEST INVITE", "HIDDEN": "INVITE"},
        {EXTRANET, PUBLIC, EVENT},
    ),
}


def is_legal(kind: NetworkKind, hybrid: bool, admits: Admits, visibility: Visibility, join: JoinPolicy) -> bool:
    joins, kinds = D1[admits]
    return join in joins[visibility].split() and (hybrid or kind in kinds)


@pytest.mark.parametrize("hybrid", [False, True], ids=["plain", "hybrid"])
@pytest.mark.parametrize("kind", NetworkKind, ids=str)
async def test_each_legal_combination_is_made_and_any_other_is_a_problem(
    world: World, owner: Person, kind: NetworkKind, hybrid: bool
):
    await world.change(world.network, kind=kind, hybrid=hybrid)
    for admits, visibility, join in product(Admits, Visibility, JoinPolicy):
        made: dict[str, Any] = {"name": "New", "admits": admits, "visibility": visibility, "joinPolicy": join}
        variables = {"networkId": gid(world.network), "input": made}
        if is_legal(kind, hybrid, admits, visibility, join):
            assert await answer(owner.client, do.CREATE_COMMUNITY, **variables) == "Y", made
        else:
            async with nothing_happens(world.service):
                problem = await owner.client.problem(do.CREATE_COMMUNITY, **variables)
            assert problem["code"] == "INVALID"
            assert problem["field"][1] in {"admits", "visibility", "joinPolicy"}, made


async def test_a_session_has_its_community_only_where_that_is_legal(world: World, owner: Person):
    await world.change(world.network, hybrid=False)
    input = {"title": "Talk", "startsAt": "2026-03-05T09:00:00Z", "endsAt": "2026-03-05T10:00:00Z"}
    variables: dict[str, Any] = {"networkId": gid(world.network)}
    async with nothing_happens(world.service):
        problem = await owner.client.problem(do.CREATE_SESSION, **variables, input=input)
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "admits"])
    assert await answer(owner.client, do.CREATE_SESSION, **variables, input=input | {"admits": "INTERNALS"}) == "Y"


# --- the flag --------------------------------------------------------------------------------------------------------


async def test_a_network_becomes_hybrid_and_plain_again(world: World, owner: Person):
    await world.change(world.network, hybrid=False)
    for hybrid in (True, False):
        input = {"hybrid": hybrid, "name": f"Halden {hybrid}"}
        changed = (await owner.client.do(do.UPDATE_NETWORK, networkId=gid(world.network), input=input))["network"]
        assert (changed["hybrid"], changed["name"]) == (hybrid, f"Halden {hybrid}")


@pytest.mark.parametrize(
    ("kind", "admits", "answered"),
    [
        (INTRANET, Admits.INTERNALS, "Y"),
        (INTRANET, Admits.GUESTS, "CONFLICT"),
        (INTRANET, Admits.EXTERNALS, "CONFLICT"),
        (EXTRANET, Admits.GUESTS, "CONFLICT"),
        (EVENT, Admits.EXTERNALS, "Y"),
    ],
)
async def test_a_network_stays_hybrid_while_a_community_needs_it(
    world: World, owner: Person, kind: NetworkKind, admits: Admits, answered: str
):
    await world.change(world.network, kind=kind)
    await world.community(owner=owner, admits=admits, visibility=Visibility.PRIVATE)
    variables: dict[str, Any] = {"networkId": gid(world.network), "input": {"hybrid": False}}
    assert await answer(owner.client, do.UPDATE_NETWORK, **variables) == answered
    assert (await world.fresh(world.network)).hybrid is (answered != "Y")


@pytest.mark.parametrize(
    ("role", "answered"),
    [(NetworkRole.OWNER, "Y"), (NetworkRole.ADMIN, "Y"), (NetworkRole.MODERATOR, "N"), (NetworkRole.MEMBER, "N")],
)
async def test_a_network_is_edited_by_those_who_administer_it(world: World, role: NetworkRole, answered: str):
    person = await world.person("Who", role=role)
    variables: dict[str, Any] = {"networkId": gid(world.network), "input": {"name": "Sarpsborg"}}
    assert await answer(person.client, do.UPDATE_NETWORK, **variables) == answered
    assert (await world.fresh(world.network)).name == ("Sarpsborg" if answered == "Y" else "Halden")


async def test_a_network_has_a_name(world: World, owner: Person):
    async with nothing_happens(world.service):
        for name in ("", "x" * 101):
            variables: dict[str, Any] = {"networkId": gid(world.network), "input": {"name": name}}
            assert (await owner.client.problem(do.UPDATE_NETWORK, **variables))["field"] == ["input", "name"]


def test_a_network_is_plain_if_nobody_says_otherwise():
    assert not Network(name="New").hybrid
