"""Communities: made in legal combinations, changed, archived."""

from typing import Any

import pytest

from models import Admits, CommunityState, JoinPolicy, Kind, MembershipState, Visibility
from resolvers import policy
from resolvers.combinations import LEGAL
from tests import documents as do
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.viewers import viewer
from tests.world import World, gid

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


@pytest.mark.parametrize(("kind", "legal"), D1.items(), ids=["-".join(kind) for kind in D1])
async def test_a_community_is_made_in_the_legal_combinations_only(
    world: World, kind: tuple[Admits, Visibility], legal: set[JoinPolicy]
):
    ann = await world.person("Ann")
    admits, visibility = kind
    for join_policy in JoinPolicy:
        made = {"name": "New", "admits": admits, "visibility": visibility, "joinPolicy": join_policy}
        if join_policy in legal:
            created = (await ann.client.do(do.CREATE_COMMUNITY, networkId=gid(world.network), input=made))["community"]
            assert {name: created[name] for name in made} == made
            assert created["memberCount"] == 1
            assert created["viewerMembership"] == {"state": "ACTIVE", "roles": ["MEMBER", "OWNER"]}
        else:
            async with nothing_happens(world.service):
                problem = await ann.client.problem(do.CREATE_COMMUNITY, networkId=gid(world.network), input=made)
            assert problem["code"] == "INVALID"
            assert problem["field"] in (["input", "joinPolicy"], ["input", "visibility"])


async def test_without_a_join_policy_the_widest_legal_one_is_taken(world: World):
    ann = await world.person("Ann")
    for (admits, visibility), legal in LEGAL.items():
        made = {"name": "New", "admits": admits, "visibility": visibility}
        created = (await ann.client.do(do.CREATE_COMMUNITY, networkId=gid(world.network), input=made))["community"]
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
        assert await answer(client, do.CREATE_COMMUNITY, networkId=gid(world.network), input={"name": "New"}) == "Y"
    else:
        async with nothing_happens(world.service):
            assert (
                await answer(client, do.CREATE_COMMUNITY, networkId=gid(world.network), input={"name": "New"})
                == answered
            )


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
        payload = await ann.client.payload(do.CREATE_COMMUNITY, networkId=gid(world.network), input=made)
    assert [problem["code"] for problem in payload["problems"]] == ["INVALID"] * len(fields)
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


async def test_names_need_not_be_unique_so_that_a_hidden_one_clashes_with_nothing(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    await world.community("Secret", owner=ann, visibility=Visibility.HIDDEN)
    assert (await bob.client.do(do.CREATE_COMMUNITY, networkId=gid(world.network), input={"name": "Secret"}))[
        "community"
    ]


async def test_an_update_changes_what_is_given_and_nothing_else(world: World):
    ann = await world.person("Ann")
    community = await world.community("Old", owner=ann, about="About it")
    changed = await ann.client.do(do.UPDATE_COMMUNITY, communityId=gid(community), input={"name": "  New  "})
    assert changed["community"] == {"name": "New", "about": "About it"}
    changed = await ann.client.do(do.UPDATE_COMMUNITY, communityId=gid(community), input={"about": ""})
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
        assert await answer(cyd.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "N"
    dan = await world.person("Dan")
    async with nothing_happens(world.service):
        assert await answer(dan.client, do.JOIN, communityId=gid(community)) == "N"
    assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "Y"


@pytest.mark.parametrize("key", ["x" * 129, "\x00", chr(0xD800)], ids=["long", "NUL", "surrogate"])
async def test_an_idempotency_key_that_cannot_be_stored_is_refused(world: World, key: str):
    ann = await world.person("Ann")
    made = {"networkId": gid(world.network), "input": {"name": "New"}, "idempotencyKey": key}
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.CREATE_COMMUNITY, **made) == "INVALID"


async def test_a_community_made_twice_under_one_key_is_made_once(world: World):
    ann = await world.person("Ann")
    made = {"networkId": gid(world.network), "input": {"name": "New"}, "idempotencyKey": "k"}
    first, second = [(await ann.client.do(do.CREATE_COMMUNITY, **made))["community"] for _ in range(2)]
    assert first == second
    assert (await ann.client.problem(do.CREATE_COMMUNITY, **{**made, "input": {"name": "Other"}}))["code"] == "CONFLICT"
