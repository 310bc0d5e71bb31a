"""What of a community those see who do not belong, and that a hidden one is not there for them."""

from typing import Any
from uuid import uuid4

import pytest

from models import Admits, Community, JoinPolicy, MemberKind, MembershipState, Row, Visibility
from resolvers import policy
from schema.base import global_id
from tests import documents as do
from tests.client import Client
from tests.tables import table
from tests.traces import answer, whole
from tests.unchanged import nothing_happens
from tests.viewers import viewer
from tests.world import World, gid

INTERNALS, GUESTS, EXTERNALS = Admits
STATES = [MembershipState.INVITED, MembershipState.REQUESTED, MembershipState.ACTIVE]
GONE = [MembershipState.LEFT, MembershipState.REMOVED, MembershipState.BANNED]


# --- what a non-member gets: table D2 ------------------------------------------------------------------------------

# E existence, name, purpose, about · C content · M member list · H managers' names · n head count · J join or request.
WHO = ("NOBODY", "GUEST", "EXTERNAL", "INTERNAL", "ADMIN", "KIOSK")
D2: dict[tuple[Visibility, Admits], tuple[str, ...]] = {
    (Visibility.OPEN, INTERNALS): ("", "", "", "ECMHnJ", "ECMHnJ", ""),
    (Visibility.OPEN, EXTERNALS): ("", "", "ECnJ", "ECMHnJ", "ECMHnJ", ""),
    (Visibility.PRIVATE, INTERNALS): ("", "", "", "EHnJ", "EHnJ", ""),
    (Visibility.PRIVATE, GUESTS): ("", "", "", "EHnJ", "EHnJ", ""),
    (Visibility.PRIVATE, EXTERNALS): ("", "", "EnJ", "EnJ", "EHnJ", ""),
    (Visibility.HIDDEN, INTERNALS): ("", "", "", "", "", ""),
    (Visibility.HIDDEN, GUESTS): ("", "", "", "", "", ""),
    (Visibility.HIDDEN, EXTERNALS): ("", "", "", "", "", ""),
}
ACTIVITY = "query ($id: ID!) { communityActivity(communityId: $id) { contents(first: 5) { nodes { id } } } }"


async def seen_by(client: Client, community: Community, topic: Row) -> str:
    """What of the community the viewer gets, in the letters of the table."""
    result = await client.execute(do.COMMUNITY, id=gid(community))
    if result.errors:
        assert [error.extensions for error in result.errors] == [{"code": "NOT_FOUND"}]
        assert result.data == {"community": None}
        return ""
    found = result.data["community"]
    assert (found["name"], found["about"], found["memberCount"]) == ("Community", "About it", 2)
    assert not found["viewerCan"]["contribute"]["allowed"]
    names = {node["member"]["name"] for node in found["memberships"]["nodes"]}
    reads = not (await client.execute(do.NODE, id=gid(topic))).errors
    assert reads == found["viewerCan"]["read"]["allowed"]
    letters = {
        "E": True,
        "C": reads,
        "M": "Plain" in names,
        "H": "Owner" in names,
        "n": True,
        "J": found["viewerCan"]["join"]["allowed"],
    }
    return "".join(letter for letter, holds in letters.items() if holds)


@table(policy.see_community, policy.read_community, policy.list_members, policy.join_community, policy.see_membership)
@pytest.mark.parametrize(("kind", "cells"), D2.items(), ids=["-".join(kind) for kind in D2])
async def test_what_a_non_member_gets_of_each_kind_of_community(
    world: World, kind: tuple[Visibility, Admits], cells: tuple[str, ...]
):
    visibility, admits = kind
    owner, plain = await world.person("Owner"), await world.person("Plain")
    community = await world.community(owner=owner, admits=admits, visibility=visibility, about="About it")
    await world.belong(plain, community)
    topic = await world.content(community, owner)
    clients = [await viewer(world, who) for who in WHO]
    got = [await seen_by(client, community, topic) for client in clients]
    assert dict(zip(WHO, got, strict=True)) == dict(zip(WHO, cells, strict=True))
    listed = "query ($id: ID!) { network(id: $id) { communities(first: 20) { nodes { id } } } }"
    for client, cell in zip(clients, cells, strict=True):
        network = (await client.execute(listed, id=gid(world.network))).data["network"]
        ids = [node["id"] for node in network["communities"]["nodes"]] if network else []
        assert (gid(community) in ids) == ("E" in cell)
        if "J" in cell:
            state = (await client.do(do.JOIN, communityId=gid(community)))["membership"]["state"]
            assert state == ("ACTIVE" if community.join_policy is JoinPolicy.OPEN else "REQUESTED")
        else:
            async with nothing_happens(world.service):
                assert await answer(client, do.JOIN, communityId=gid(community)) == ("N" if "E" in cell else "-")


async def test_a_guest_and_a_member_elsewhere_do_not_see_a_community_by_belonging_to_another(world: World):
    owner, guest = await world.person("Owner"), await world.person("Gus", MemberKind.GUEST)
    mine = await world.community(owner=owner, admits=GUESTS, visibility=Visibility.PRIVATE)
    await world.belong(guest, mine)
    await world.content(mine, owner)
    for visibility, admits in D2:
        other = await world.community(owner=owner, admits=admits, visibility=visibility, about="About it")
        assert await guest.client.refused(do.COMMUNITY, id=gid(other)) == "NOT_FOUND"
    assert (await guest.client.ask(do.COMMUNITY, id=gid(mine)))["community"]["memberCount"] == 2


@pytest.mark.parametrize("state", list(MembershipState))
async def test_what_a_membership_shows_in_each_of_its_states(world: World, state: MembershipState):
    """Of a hidden community: those who belong all of it, those who are invited that it is there, others nothing."""
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner, visibility=Visibility.HIDDEN, about="About it")
    topic = await world.content(community, owner)
    await world.belong(bob, community, state=state)
    result = await bob.client.execute(do.COMMUNITY, id=gid(community))
    reads = not (await bob.client.execute(do.NODE, id=gid(topic))).errors
    assert (not result.errors) == (state in {MembershipState.ACTIVE, MembershipState.INVITED})
    assert reads == (state is MembershipState.ACTIVE)


async def test_who_is_banned_from_an_open_community_knows_of_it_and_no_more(world: World):
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner, about="About it")
    topic = await world.content(community, owner)
    await world.belong(bob, community, state=MembershipState.BANNED)
    found = (await bob.client.ask(do.COMMUNITY, id=gid(community)))["community"]
    assert [found["viewerCan"][what]["allowed"] for what in ("join", "read")] == [False, False]
    assert [node["member"]["name"] for node in found["memberships"]["nodes"]] == ["Bob"]
    assert await bob.client.refused(do.NODE, id=gid(topic)) == "NOT_FOUND"


@table(policy.see_membership)
@pytest.mark.parametrize("state", [*STATES, *GONE])
async def test_who_waits_or_has_gone_is_seen_by_managers_and_by_themselves(world: World, state: MembershipState):
    owner, bob, plain = await world.person("Owner"), await world.person("Bob"), await world.person("Plain")
    community = await world.community(owner=owner)
    membership = await world.belong(bob, community, state=state)
    await world.belong(plain, community)
    others = {"colleague": await viewer(world, "INTERNAL"), "administrator": await viewer(world, "ADMIN")}
    clients = {"owner": owner.client, "self": bob.client, "member": plain.client, **others}
    got = {who: not (await client.execute(do.NODE, id=gid(membership))).errors for who, client in clients.items()}
    for_all = state is MembershipState.ACTIVE
    assert got == {"owner": True, "self": True, **dict.fromkeys(["member", *others], for_all)}


# --- hidden is nonexistent -----------------------------------------------------------------------------------------

COMMUNITY_MUTATIONS: dict[str, dict[str, Any]] = {
    do.UPDATE_COMMUNITY: {"input": {"name": "x"}},
    do.ARCHIVE: {},
    do.JOIN: {},
    do.ACCEPT_MEMBERSHIP: {},
    do.DECLINE_MEMBERSHIP: {},
    do.LEAVE: {},
    do.CREATE_TOPIC: {"input": {"title": "x"}},
    do.CREATE_POST: {"input": {"title": "x"}},
    do.CREATE_BOARD: {"input": {"title": "x"}},
}
MEMBERSHIP_MUTATIONS: dict[str, dict[str, Any]] = {
    do.APPROVE_MEMBERSHIP: {},
    do.REMOVE_MEMBERSHIP: {},
    do.CHANGE_ROLES: {"roles": ["MANAGER"]},
}


@pytest.mark.parametrize("who", ["NOBODY", "GUEST", "EXTERNAL", "INTERNAL", "ADMIN", "OWNER", "KIOSK"])
async def test_a_hidden_community_is_answered_like_an_id_that_leads_nowhere(world: World, who: str):
    owner, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=owner, visibility=Visibility.HIDDEN, admits=EXTERNALS)
    membership = await world.belong(bob, community, state=MembershipState.REQUESTED)
    topic = await world.content(community, owner)
    comment = await world.comment(topic, owner)
    board = await world.board(community)
    question = await world.question(board, owner)
    _, key, _ = await world.kiosk(board)
    client = await viewer(world, who)
    hidden: list[Row] = [community, membership, topic, comment, board, question, key]
    nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    async with nothing_happens(world.service):
        for row in hidden:
            noun = "Topic" if row is topic else type(row).__name__
            nowhere = str(global_id(noun, uuid4()))
            answers = [await whole(client, do.NODE, id=id) for id in (gid(row), nowhere)]
            assert answers[0] == answers[1], noun
            assert answers[0][1][0]["extensions"] == {"code": "NOT_FOUND"}
            assert await whole(client, nodes, ids=[gid(row), nowhere]) == ({"nodes": [None, None]}, [])
        nowhere = str(global_id("Community", uuid4()))
        for document in (do.COMMUNITY, ACTIVITY):
            answers = [await whole(client, document, id=id) for id in (gid(community), nowhere)]
            assert answers[0] == answers[1]
            assert answers[0][1][0]["extensions"] == {"code": "NOT_FOUND"}
        invited = {do.INVITE: {"input": {"memberId": bob.id}}}
        for document, arguments in (COMMUNITY_MUTATIONS | invited).items():
            answers = [await whole(client, document, communityId=id, **arguments) for id in (gid(community), nowhere)]
            assert answers[0] == answers[1], document
            assert [problem["code"] for problem in next(iter(answers[0][0].values()))["problems"]] == ["NOT_FOUND"]
        nowhere = str(global_id("Membership", uuid4()))
        for document, arguments in MEMBERSHIP_MUTATIONS.items():
            answers = [await whole(client, document, membershipId=id, **arguments) for id in (gid(membership), nowhere)]
            assert answers[0] == answers[1], document
            assert [problem["code"] for problem in next(iter(answers[0][0].values()))["problems"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("id", ["", "x", "====", "\x00", "ä", "Q29tbXVuaXR5OjE", "x" * 10_000])
async def test_an_id_that_is_none_leads_nowhere(world: World, id: str):
    ann = await world.person("Ann")
    nowhere = str(global_id("Community", uuid4()))
    async with nothing_happens(world.service):
        for wrong in (id, ann.id, gid(world.network)):
            assert await whole(ann.client, do.COMMUNITY, id=wrong) == await whole(ann.client, do.COMMUNITY, id=nowhere)
            assert await answer(ann.client, do.JOIN, communityId=wrong) == "-"
