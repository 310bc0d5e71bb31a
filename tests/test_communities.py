import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import col, select

from models import (
    Admits,
    Community,
    CommunityRole,
    CommunityState,
    JoinPolicy,
    Kind,
    MemberKind,
    Membership,
    MembershipState,
    MemberState,
    NetworkRole,
    Row,
    Visibility,
)
from resolvers import policy
from resolvers.communities import LEGAL
from schema.base import global_id
from tests import documents as do
from tests.client import Client
from tests.documents import mutation
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

CREATE = mutation(
    "createCommunity",
    "networkId: ID!, input: CreateCommunityInput!",
    "community { id name about visibility admits joinPolicy memberCount viewerMembership { state roles } }",
)
UPDATE = mutation("updateCommunity", "communityId: ID!, input: UpdateCommunityInput!", "community { name about }")
ACCEPT = mutation("acceptMembership", "communityId: ID!", "membership { id state roles }")
DECLINE = mutation("declineMembership", "communityId: ID!", "membership { id state }")
BAN = {"ban": True}
STATES = [MembershipState.INVITED, MembershipState.REQUESTED, MembershipState.ACTIVE]
GONE = [MembershipState.LEFT, MembershipState.REMOVED, MembershipState.BANNED]

# Table D1.
OPEN, REQUEST, INVITE = JoinPolicy
INTERNALS, GUESTS, EXTERNALS = Admits
D1 = {
    (INTERNALS, Visibility.OPEN): {OPEN, REQUEST},
    (INTERNALS, Visibility.PRIVATE): {REQUEST, INVITE},
    (INTERNALS, Visibility.HIDDEN): {INVITE},
    (GUESTS, Visibility.OPEN): set(),
    (GUESTS, Visibility.PRIVATE): {REQUEST, INVITE},
    (GUESTS, Visibility.HIDDEN): {INVITE},
    (EXTERNALS, Visibility.OPEN): {OPEN, REQUEST},
    (EXTERNALS, Visibility.PRIVATE): {REQUEST, INVITE},
    (EXTERNALS, Visibility.HIDDEN): {INVITE},
}


async def membership_of(world: World, community: Community, person: Person) -> Membership | None:
    async with world.service.database.read() as session:
        mine = (col(Membership.community_id) == community.id, col(Membership.member_id) == person.member.id)
        return (await session.scalars(select(Membership).where(*mine))).one_or_none()


async def state_of(world: World, community: Community, person: Person) -> MembershipState | None:
    membership = await membership_of(world, community, person)
    return membership.state if membership else None


async def head_count(world: World, community: Community) -> int:
    """The head count, which must be what counting heads gives."""
    async with world.service.database.read() as session:
        active = (col(Membership.community_id) == community.id, col(Membership.state) == MembershipState.ACTIVE)
        heads = len((await session.scalars(select(Membership).where(*active))).all())
    assert (await world.fresh(community)).member_count == heads
    return heads


# --- made and changed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "legal"), D1.items(), ids=["-".join(kind) for kind in D1])
async def test_a_community_is_made_in_the_legal_combinations_only(
    world: World, kind: tuple[Admits, Visibility], legal: set[JoinPolicy]
):
    ann = await world.person("Ann")
    admits, visibility = kind
    for join_policy in JoinPolicy:
        made = {"name": "New", "admits": admits, "visibility": visibility, "joinPolicy": join_policy}
        if join_policy in legal:
            created = (await ann.client.do(CREATE, networkId=gid(world.network), input=made))["community"]
            assert {name: created[name] for name in made} == made
            assert created["memberCount"] == 1
            assert created["viewerMembership"] == {"state": "ACTIVE", "roles": ["MEMBER", "OWNER"]}
        else:
            async with nothing_happens(world.service):
                problem = await ann.client.problem(CREATE, networkId=gid(world.network), input=made)
            assert problem["code"] == "INVALID"
            assert problem["field"] in (["input", "joinPolicy"], ["input", "visibility"])


async def test_without_a_join_policy_the_widest_legal_one_is_taken(world: World):
    ann = await world.person("Ann")
    for (admits, visibility), legal in LEGAL.items():
        made = {"name": "New", "admits": admits, "visibility": visibility}
        created = (await ann.client.do(CREATE, networkId=gid(world.network), input=made))["community"]
        assert created["joinPolicy"] == min(legal, key=list(JoinPolicy).index)


@table(policy.create_community)
@pytest.mark.parametrize(
    ("who", "answered"),
    [
        ("OWNER", "Y"),
        ("ADMIN", "Y"),
        ("MODERATOR", "Y"),
        ("INTERNAL", "Y"),
        ("EXTERNAL", "N"),
        ("GUEST", "N"),
        ("DISABLED", "-"),
        ("STRANGER", "-"),
        ("KIOSK", "-"),
        ("NOBODY", "-"),
    ],
)
async def test_who_may_make_a_community(world: World, who: str, answered: str):
    client = await viewer(world, who)
    if answered == "Y":
        assert await answer(client, CREATE, networkId=gid(world.network), input={"name": "New"}) == "Y"
    else:
        async with nothing_happens(world.service):
            assert await answer(client, CREATE, networkId=gid(world.network), input={"name": "New"}) == answered


async def viewer(world: World, who: str) -> Client:
    """Somebody of each kind, belonging to no community."""
    if who == "NOBODY":
        return world.nobody
    if who == "KIOSK":
        return (await world.kiosk(await world.board(await world.community())))[0]
    if who == "STRANGER":
        return (await (await World.make(world.service, "Elsewhere")).person("Stranger")).client
    if who in {"OWNER", "ADMIN", "MODERATOR"}:
        return (await world.person(who, role=NetworkRole[who])).client
    person = await world.person(who, MemberKind.__members__.get(who, MemberKind.INTERNAL))
    if who == "DISABLED":
        await change(world, person.member, state=MemberState.DISABLED)
    return person.client


async def change(world: World, row: Row, **columns: Any) -> None:
    async with world.service.database.write() as session:
        stored: Any = await session.get(type(row), row.id)
        for name, value in columns.items():
            setattr(stored, name, value)


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "  \n "}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": "New", "about": "x" * 5_001}, ["about"]),
        ({"name": "\x00", "about": chr(0xD800)}, ["name", "about"]),
        ({"name": "", "about": "x" * 5_001, "admits": "GUESTS", "visibility": "OPEN"}, ["name", "about", "visibility"]),
    ],
    ids=["empty", "blank", "long name", "long about", "unstorable", "everything"],
)
async def test_all_that_is_wrong_with_a_new_community_is_said_at_once(world: World, made: Any, fields: list[str]):
    ann = await world.person("Ann")
    async with nothing_happens(world.service):
        payload = await ann.client.payload(CREATE, networkId=gid(world.network), input=made)
    assert [problem["code"] for problem in payload["problems"]] == ["INVALID"] * len(fields)
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_names_need_not_be_unique_so_that_a_hidden_one_clashes_with_nothing(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    await world.community("Secret", owner=ann, visibility=Visibility.HIDDEN)
    assert (await bob.client.do(CREATE, networkId=gid(world.network), input={"name": "Secret"}))["community"]


async def test_an_update_changes_what_is_given_and_nothing_else(world: World):
    ann = await world.person("Ann")
    community = await world.community("Old", owner=ann, about="About it")
    changed = await ann.client.do(UPDATE, communityId=gid(community), input={"name": "  New  "})
    assert changed["community"] == {"name": "New", "about": "About it"}
    changed = await ann.client.do(UPDATE, communityId=gid(community), input={"about": ""})
    assert changed["community"] == {"name": "New", "about": ""}
    assert [found.kind for found in await changes(world.service, community)] == [Kind.ROW, Kind.ROW]


async def test_in_an_archived_community_all_stays_readable_and_nothing_more_is_written(world: World):
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    await world.belong(cyd, community, state=MembershipState.INVITED)
    topic = await world.content(community, ann, "News")
    await ann.client.do(do.ARCHIVE, communityId=gid(community))
    assert (await world.fresh(community)).state is CommunityState.ARCHIVED
    assert (await bob.client.ask(do.NODE, id=gid(topic)))["node"]["id"] == gid(topic)
    async with nothing_happens(world.service):
        outsider = await world.service.passwords.hash("x")
        assert outsider
        assert await answer(bob.client, do.CREATE_TOPIC, communityId=gid(community), input={"title": "x"}) == "N"
        assert await answer(bob.client, do.ADD_COMMENT, contentId=gid(topic), input={"body": "x"}) == "N"
        assert await answer(ann.client, do.CREATE_BOARD, communityId=gid(community), input={"title": "x"}) == "N"
        assert await answer(cyd.client, ACCEPT, communityId=gid(community)) == "N"
    dan = await world.person("Dan")
    async with nothing_happens(world.service):
        assert await answer(dan.client, do.JOIN, communityId=gid(community)) == "N"
    assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "Y"


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
SEEN = """query ($id: ID!) { community(id: $id) {
  name about purpose memberCount viewerCan { join { allowed } read { allowed } contribute { allowed } }
  memberships(first: 20) { nodes { member { name } } }
} }"""
ACTIVITY = "query ($id: ID!) { communityActivity(communityId: $id) { contents(first: 5) { nodes { id } } } }"


async def seen_by(client: Client, community: Community, topic: Row) -> str:
    """What of the community the viewer gets, in the letters of the table."""
    result = await client.execute(SEEN, id=gid(community))
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
        assert await guest.client.refused(SEEN, id=gid(other)) == "NOT_FOUND"
    assert (await guest.client.ask(SEEN, id=gid(mine)))["community"]["memberCount"] == 2


@pytest.mark.parametrize("state", list(MembershipState))
async def test_what_a_membership_shows_in_each_of_its_states(world: World, state: MembershipState):
    """Of a hidden community: those who belong all of it, those who are invited that it is there, others nothing."""
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner, visibility=Visibility.HIDDEN, about="About it")
    topic = await world.content(community, owner)
    await world.belong(bob, community, state=state)
    result = await bob.client.execute(SEEN, id=gid(community))
    reads = not (await bob.client.execute(do.NODE, id=gid(topic))).errors
    assert (not result.errors) == (state in {MembershipState.ACTIVE, MembershipState.INVITED})
    assert reads == (state is MembershipState.ACTIVE)


async def test_who_is_banned_from_an_open_community_knows_of_it_and_no_more(world: World):
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner, about="About it")
    topic = await world.content(community, owner)
    await world.belong(bob, community, state=MembershipState.BANNED)
    found = (await bob.client.ask(SEEN, id=gid(community)))["community"]
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
    UPDATE: {"input": {"name": "x"}},
    do.ARCHIVE: {},
    do.JOIN: {},
    ACCEPT: {},
    DECLINE: {},
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


async def whole(client: Client, document: str, **variables: Any) -> Any:
    """Everything that is answered: data, and errors as they are sent."""
    result = await client.execute(document, **variables)
    return result.data, [error.formatted for error in result.errors or []]


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
        for document in (SEEN, ACTIVITY):
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
            assert await whole(ann.client, SEEN, id=wrong) == await whole(ann.client, SEEN, id=nowhere)
            assert await answer(ann.client, do.JOIN, communityId=wrong) == "-"


# --- joined and left -----------------------------------------------------------------------------------------------


async def test_joining_an_open_community_counts_one_head_and_leaving_takes_it_away(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    assert (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "N"
    assert (await bob.client.do(do.LEAVE, communityId=gid(community)))["membership"]["state"] == "LEFT"
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "N"
    assert (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2


async def test_a_request_waits_for_a_manager_and_counts_no_head(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, join_policy=REQUEST)
    asked = (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]
    assert asked["state"] == "REQUESTED"
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.APPROVE_MEMBERSHIP, membershipId=asked["id"]) == "N"
        assert await answer(bob.client, ACCEPT, communityId=gid(community)) == "N"
    approved = (await ann.client.do(do.APPROVE_MEMBERSHIP, membershipId=asked["id"]))["membership"]
    assert approved == {"id": asked["id"], "state": "ACTIVE"}
    assert await head_count(world, community) == 2
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=asked["id"]) == "CONFLICT"


async def test_a_request_can_be_taken_back_or_turned_down(world: World):
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    community = await world.community(owner=ann, join_policy=REQUEST)
    for person in (bob, cyd):
        await person.client.do(do.JOIN, communityId=gid(community))
    await bob.client.do(DECLINE, communityId=gid(community))
    turned_down = await membership_of(world, community, cyd)
    assert turned_down
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(turned_down))
    assert await state_of(world, community, bob) is MembershipState.LEFT
    assert await state_of(world, community, cyd) is MembershipState.REMOVED
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, DECLINE, communityId=gid(community)) == "CONFLICT"


@table(policy.accept_membership)
@pytest.mark.parametrize("state", list(MembershipState))
async def test_only_who_is_invited_can_accept(world: World, state: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=state)
    if state is MembershipState.INVITED:
        assert await answer(bob.client, ACCEPT, communityId=gid(community)) == "Y"
        assert await head_count(world, community) == 2
    else:
        async with nothing_happens(world.service):
            assert await answer(bob.client, ACCEPT, communityId=gid(community)) == "N"


@table(policy.leave_community)
@pytest.mark.parametrize("state", list(MembershipState))
async def test_only_who_belongs_can_leave(world: World, state: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=state)
    if state is MembershipState.ACTIVE:
        assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "Y"
        assert await head_count(world, community) == 1
    else:
        async with nothing_happens(world.service):
            assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "N"


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_an_invitation_is_for_the_member_to_accept_and_brings_its_roles(world: World, visibility: Visibility):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, visibility=visibility)
    invited = {"memberId": bob.id, "roles": ["PRESENTER", "MANAGER"]}
    await ann.client.do(do.INVITE, communityId=gid(community), input=invited)
    assert await head_count(world, community) == 1
    membership = await membership_of(world, community, bob)
    assert membership
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(bob.client, UPDATE, communityId=gid(community), input={"name": "Mine"}) == "N"
    accepted = (await bob.client.do(ACCEPT, communityId=gid(community)))["membership"]
    assert (accepted["state"], accepted["roles"]) == ("ACTIVE", ["MEMBER", "PRESENTER", "MANAGER"])
    assert await head_count(world, community) == 2


async def test_an_invitation_can_be_declined_or_taken_back(world: World):
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    community = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    for person in (bob, cyd):
        await ann.client.do(do.INVITE, communityId=gid(community), input={"memberId": person.id})
    await bob.client.do(DECLINE, communityId=gid(community))
    taken_back = await membership_of(world, community, cyd)
    assert taken_back
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(taken_back))
    async with nothing_happens(world.service):
        for person in (bob, cyd):
            assert await answer(person.client, ACCEPT, communityId=gid(community)) == "-"
            assert await person.client.refused(SEEN, id=gid(community)) == "NOT_FOUND"
    assert await head_count(world, community) == 1


async def test_inviting_somebody_who_asked_lets_them_in(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, join_policy=REQUEST)
    await bob.client.do(do.JOIN, communityId=gid(community))
    invited = await ann.client.do(do.INVITE, communityId=gid(community), input={"memberId": bob.id})
    assert invited["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2


@pytest.mark.parametrize(
    ("admits", "kind", "roles", "answered"),
    [
        (INTERNALS, MemberKind.INTERNAL, [], "Y"),
        (INTERNALS, MemberKind.GUEST, [], "N"),
        (INTERNALS, MemberKind.EXTERNAL, [], "N"),
        (GUESTS, MemberKind.INTERNAL, ["MANAGER"], "Y"),
        (GUESTS, MemberKind.GUEST, [], "Y"),
        (GUESTS, MemberKind.GUEST, ["PRESENTER"], "Y"),
        (GUESTS, MemberKind.GUEST, ["RESPONDER"], "N"),
        (GUESTS, MemberKind.GUEST, ["MANAGER"], "N"),
        (GUESTS, MemberKind.GUEST, ["OWNER"], "N"),
        (GUESTS, MemberKind.EXTERNAL, [], "N"),
        (EXTERNALS, MemberKind.EXTERNAL, [], "Y"),
        (EXTERNALS, MemberKind.EXTERNAL, ["PRESENTER"], "Y"),
        (EXTERNALS, MemberKind.EXTERNAL, ["OWNER"], "N"),
        (EXTERNALS, MemberKind.EXTERNAL, ["RESPONDER"], "N"),
        (EXTERNALS, MemberKind.GUEST, [], "Y"),
    ],
)
async def test_a_community_admits_whom_it_is_for(
    world: World, admits: Admits, kind: MemberKind, roles: list[str], answered: str
):
    ann, other = await world.person("Ann"), await world.person("Other", kind)
    community = await world.community(owner=ann, admits=admits, visibility=Visibility.PRIVATE)
    invited = {"communityId": gid(community), "input": {"memberId": other.id, "roles": roles}}
    if answered == "Y":
        assert await answer(ann.client, do.INVITE, **invited) == "Y"
        assert await state_of(world, community, other) is MembershipState.INVITED
    else:
        async with nothing_happens(world.service):
            assert (await ann.client.problem(do.INVITE, **invited))["rule"] == "not_admitted_here"


async def test_a_guest_who_presents_is_not_made_more(world: World):
    ann, guest = await world.person("Ann"), await world.person("Gus", MemberKind.GUEST)
    community = await world.community(owner=ann, admits=GUESTS, visibility=Visibility.PRIVATE)
    membership = await world.belong(guest, community)
    await ann.client.do(do.CHANGE_ROLES, membershipId=gid(membership), roles=["PRESENTER"])
    async with nothing_happens(world.service):
        for role in ("RESPONDER", "MANAGER", "OWNER"):
            problem = await ann.client.problem(do.CHANGE_ROLES, membershipId=gid(membership), roles=[role])
            assert problem["rule"] == "not_admitted_here"


async def test_nobody_is_invited_out_of_sight_or_out_of_the_network(world: World):
    ann = await world.person("Ann")
    community = await world.community(owner=ann)
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Stranger")
    async with nothing_happens(world.service):
        answers = [
            await whole(ann.client, do.INVITE, communityId=gid(community), input={"memberId": id})
            for id in (stranger.id, str(global_id("Member", uuid4())), gid(community))
        ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]["inviteToCommunity"]["problems"][0]["code"] == "NOT_FOUND"


# --- guests add nobody ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MemberKind.GUEST, MemberKind.EXTERNAL])
async def test_an_outsider_adds_nobody_on_any_path_whatever_role_a_row_may_give(world: World, kind: MemberKind):
    owner, outsider = await world.person("Owner"), await world.person("Gus", kind, NetworkRole.ADMIN)
    bob, cyd, plain = [await world.person(name) for name in ("Bob", "Cyd", "Plain")]
    community = await world.community(owner=owner, admits=EXTERNALS, visibility=Visibility.PRIVATE)
    await world.belong(outsider, community, CommunityRole.OWNER | CommunityRole.MANAGER)
    asked = await world.belong(cyd, community, state=MembershipState.REQUESTED)
    belongs = await world.belong(plain, community)
    shared = await world.community(owner=owner, admits=EXTERNALS)
    for person in (outsider, bob):
        await world.belong(person, shared)
    invitation = mutation("addMember", "networkId: ID!, input: AddMemberInput!", "token")
    added = {"email": "new@example.com", "communityId": gid(community), "kind": "GUEST"}
    paths: list[tuple[str, dict[str, Any], str]] = [
        (do.INVITE, {"communityId": gid(community), "input": {"memberId": bob.id}}, "guests_may_not_invite"),
        (do.APPROVE_MEMBERSHIP, {"membershipId": gid(asked)}, "guests_may_not_invite"),
        (do.CHANGE_ROLES, {"membershipId": gid(belongs), "roles": ["PRESENTER"]}, "guests_may_not_invite"),
        (CREATE, {"networkId": gid(world.network), "input": {"name": "Mine"}}, "create_community"),
        (invitation, {"networkId": gid(world.network), "input": added}, "administer_network"),
    ]
    async with nothing_happens(world.service):
        for document, arguments, rule in paths:
            problem = await outsider.client.problem(document, **arguments)
            assert (problem["code"], problem["rule"]) == ("FORBIDDEN", rule), document


# --- removed and banned --------------------------------------------------------------------------------------------


async def test_who_is_removed_loses_everything_at_once_and_may_come_back_where_joining_is_open(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, CommunityRole.PRESENTER)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    removed = await world.fresh(membership)
    assert (removed.state, removed.roles) == (MembershipState.REMOVED, CommunityRole.MEMBER)
    assert await head_count(world, community) == 1
    assert await answer(bob.client, do.CREATE_TOPIC, communityId=gid(community), input={"title": "x"}) == "N"
    await bob.client.do(do.JOIN, communityId=gid(community))
    assert (await world.fresh(membership)).roles == CommunityRole.MEMBER


@pytest.mark.parametrize("before", [MembershipState.ACTIVE, MembershipState.REQUESTED, MembershipState.LEFT])
async def test_who_is_banned_stays_out_on_every_path(world: World, before: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, state=before)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership), **BAN)
    assert (await world.fresh(membership)).state is MembershipState.BANNED
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "N"
        assert await answer(bob.client, ACCEPT, communityId=gid(community)) == "N"
        assert await answer(bob.client, DECLINE, communityId=gid(community)) == "CONFLICT"
        invited = {"communityId": gid(community), "input": {"memberId": bob.id}}
        assert await answer(ann.client, do.INVITE, **invited) == "CONFLICT"
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(ann.client, do.CHANGE_ROLES, membershipId=gid(membership), roles=[]) == "CONFLICT"


async def test_who_is_banned_does_not_come_back_by_an_invitation_into_the_network(world: World):
    ann, bob = await world.person("Ann", role=NetworkRole.OWNER), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=MembershipState.BANNED)
    await change(world, bob.member, state=MemberState.LEFT)
    add = mutation("addMember", "networkId: ID!, input: AddMemberInput!", "token")
    accept = mutation("acceptInvitation", "token: String!", "member { id }")
    into = {"email": bob.account.email, "communityId": gid(community)}
    token = (await ann.client.do(add, networkId=gid(world.network), input=into))["token"]
    await bob.client.payload(accept, token=token)
    assert await state_of(world, community, bob) is MembershipState.BANNED
    assert await head_count(world, community) == 1


async def test_a_ban_is_lifted_by_a_manager(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, state=MembershipState.BANNED)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "Y"


# --- an owner stays ------------------------------------------------------------------------------------------------


async def test_the_last_owner_can_neither_leave_nor_be_removed_nor_give_the_role_away(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, CommunityRole.MANAGER)
    membership = await membership_of(world, community, ann)
    assert membership
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "CONFLICT"
        assert await answer(ann.client, do.REMOVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(ann.client, do.CHANGE_ROLES, membershipId=gid(membership), roles=["MANAGER"]) == "CONFLICT"
    theirs = await membership_of(world, community, bob)
    assert theirs
    await ann.client.do(do.CHANGE_ROLES, membershipId=gid(theirs), roles=["OWNER"])
    assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "Y"


@pytest.mark.parametrize("state", [MemberState.DISABLED, MemberState.LEFT])
async def test_an_owner_who_has_left_the_network_does_not_count(world: World, state: MemberState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, CommunityRole.OWNER)
    await change(world, bob.member, state=state)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "CONFLICT"


async def test_of_owners_who_leave_at_once_one_stays(world: World):
    owners = [await world.person(f"Owner-{n}") for n in range(5)]
    community = await world.community()
    for owner in owners:
        await world.belong(owner, community, CommunityRole.OWNER)
    leaving = (answer(owner.client, do.LEAVE, communityId=gid(community)) for owner in owners)
    answers = await asyncio.gather(*leaving)
    assert sorted(answers) == ["CONFLICT", "Y", "Y", "Y", "Y"]
    assert await head_count(world, community) == 1


# --- at once -------------------------------------------------------------------------------------------------------


async def test_heads_are_counted_right_when_twenty_join_and_leave_at_once(world: World):
    owner = await world.person("Owner")
    people = [await world.person(f"P{n}") for n in range(20)]
    community = await world.community(owner=owner)

    async def come_and_go(person: Person, stays: bool) -> None:
        await person.client.do(do.JOIN, communityId=gid(community))
        await person.client.do(do.LEAVE, communityId=gid(community))
        if stays:
            await person.client.do(do.JOIN, communityId=gid(community))

    async with asyncio.timeout(60):
        await asyncio.gather(*(come_and_go(person, bool(n % 2)) for n, person in enumerate(people)))
    assert await head_count(world, community) == 11


async def test_joining_many_times_at_once_is_joining_once(world: World):
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(answer(bob.client, do.JOIN, communityId=gid(community)) for _ in range(10)))
    assert await head_count(world, community) == 2
    assert answers.count("Y") >= 1
    announced = await changes(world.service)
    assert [found.kind for found in announced if found.kind is Kind.COUNTERS] == [Kind.COUNTERS]


async def test_a_ban_holds_against_a_join_that_comes_at_once(world: World):
    owner = await world.person("Owner")
    people = [await world.person(f"P{n}") for n in range(10)]
    community = await world.community(owner=owner, join_policy=REQUEST)
    asked = [await world.belong(person, community, state=MembershipState.REQUESTED) for person in people]
    banning = [answer(owner.client, do.REMOVE_MEMBERSHIP, membershipId=gid(row), **BAN) for row in asked]
    joining = [answer(person.client, do.JOIN, communityId=gid(community)) for person in people]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(attempt for pair in zip(banning, joining, strict=True) for attempt in pair))
    assert answers[::2] == ["Y"] * 10
    assert {await state_of(world, community, person) for person in people} == {MembershipState.BANNED}


async def test_who_belongs_learns_that_rights_have_changed(world: World):
    """Each change of a membership is announced as one of rights, to that person alone; the head count to all."""
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await bob.client.do(do.JOIN, communityId=gid(community))
    rights, heads = await changes(world.service)
    assert (rights.kind, rights.noun, heads.kind, heads.noun) == (Kind.RIGHTS, "Membership", Kind.COUNTERS, "Community")
    assert all(bob.principal_id.hex in topic for topic in rights.topics)
    assert heads.topics == [f"activity:{community.id.hex}"]


@pytest.mark.parametrize("key", ["x" * 129, "\x00", chr(0xD800)], ids=["long", "NUL", "surrogate"])
async def test_an_idempotency_key_that_cannot_be_stored_is_refused(world: World, key: str):
    ann = await world.person("Ann")
    made = {"networkId": gid(world.network), "input": {"name": "New"}, "idempotencyKey": key}
    async with nothing_happens(world.service):
        assert await answer(ann.client, CREATE, **made) == "INVALID"


async def test_a_community_made_twice_under_one_key_is_made_once(world: World):
    ann = await world.person("Ann")
    made = {"networkId": gid(world.network), "input": {"name": "New"}, "idempotencyKey": "k"}
    first, second = [(await ann.client.do(CREATE, **made))["community"] for _ in range(2)]
    assert first == second
    assert (await ann.client.problem(CREATE, **{**made, "input": {"name": "Other"}}))["code"] == "CONFLICT"
