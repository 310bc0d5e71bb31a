import asyncio
from typing import Any

import pytest

from models import (
    Admits,
    CommunityRole,
    Kind,
    MemberKind,
    MemberState,
    NetworkRole,
    QuestionState,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client, event_of
from tests.documents import mutation
from tests.tables import table
from tests.traces import answer, changes
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

UPDATE = mutation("updateProfile", "memberId: ID!, input: UpdateProfileInput!", "member { name headline about }")
PROFILE = """query ($id: ID!) { node(id: $id) { ... on Member {
  name headline about isViewer viewerCan { edit { allowed rule } disable { allowed rule } }
} } }"""
DIRECTORY = "query ($id: ID!) { network(id: $id) { members(first: 50) { nodes { name headline about } } } }"


async def profile_seen_by(client: Client, person: Person) -> str:
    """What of the profile the viewer gets: Name, Headline, About; nothing of a member out of sight."""
    result = await client.execute(PROFILE, id=person.id)
    if result.errors:
        assert [error.extensions for error in result.errors] == [{"code": "NOT_FOUND"}]
        return ""
    found = result.data["node"]
    given = {"N": found["name"], "H": found["headline"], "A": found["about"]}
    assert {value for value in given.values() if value} <= {"Bob", "Bob's headline", "About Bob"}
    return "".join(letter for letter, value in given.items() if value)


# --- who sees what of a profile: table D7 --------------------------------------------------------------------------

D7 = {
    "self": "NHA",
    "colleague": "NHA",
    "administrator": "NHA",
    "external who shares a community": "NH",
    "external": "",
    "guest who shares a community": "NH",
    "guest who shared one": "",
    "guest of another community": "",
    "guest": "",
    "disabled colleague": "",
    "stranger": "",
    "display": "",
    "display of his question": "N",
    "revoked display of his question": "",
    "nobody": "",
}


@table(policy.see_member, policy.read_headline, policy.read_about)
async def test_who_sees_what_of_a_profile(world: World):
    bob, owner = await world.person("Bob"), await world.person("Owner")
    shared = await world.community(owner=owner, admits=Admits.EXTERNALS, visibility=Visibility.PRIVATE)
    other = await world.community(owner=owner, admits=Admits.EXTERNALS, visibility=Visibility.PRIVATE)
    await world.belong(bob, shared)
    people = {
        "colleague": await world.person("Cyd"),
        "administrator": await world.person("Ada", role=NetworkRole.ADMIN),
        "disabled colleague": await world.person("Dis"),
        **{who: await world.person(who, MemberKind.EXTERNAL) for who in D7 if who.startswith("external")},
        **{who: await world.person(who, MemberKind.GUEST) for who in D7 if who.startswith("guest")},
    }
    await world.belong(people["external who shares a community"], shared)
    await world.belong(people["guest who shares a community"], shared)
    await world.belong(people["guest of another community"], other)
    gone = await world.belong(people["guest who shared one"], shared)
    await owner.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(gone))
    admin = people["administrator"]
    await admin.client.do(do.DISABLE, memberId=people["disabled colleague"].id)
    board, second = await world.board(shared), await world.board(shared)
    await world.question(board, bob, state=QuestionState.VISIBLE, on_screen=True)
    revoked, key, _ = await world.kiosk(board)
    await owner.client.do(do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key))
    clients = {
        "self": bob.client,
        "stranger": (await (await World.make(world.service, "Elsewhere")).person("Stranger")).client,
        "display": (await world.kiosk(second))[0],
        "display of his question": (await world.kiosk(board))[0],
        "revoked display of his question": revoked,
        "nobody": world.nobody,
        **{who: person.client for who, person in people.items()},
    }
    assert {who: await profile_seen_by(clients[who], bob) for who in D7} == D7


async def test_the_directory_lists_whom_the_viewer_sees(world: World):
    owner, _bob = await world.person("Owner"), await world.person("Bob")
    guest, external = await world.person("Gus", MemberKind.GUEST), await world.person("Exi", MemberKind.EXTERNAL)
    shared = await world.community(owner=owner, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    await world.belong(guest, shared)
    await (await World.make(world.service, "Elsewhere")).person("Stranger")

    async def listed(person: Person) -> list[str]:
        network = (await person.client.ask(DIRECTORY, id=gid(world.network)))["network"]
        return [node["name"] for node in network["members"]["nodes"]]

    assert await listed(owner) == ["Bob", "Exi", "Gus", "Owner"]
    assert await listed(guest) == ["Gus", "Owner"]
    assert await listed(external) == ["Exi"]


async def test_the_name_of_an_anonymous_asker_is_not_on_the_display(world: World):
    bob, owner = await world.person("Bob"), await world.person("Owner")
    community = await world.community(owner=owner)
    await world.belong(bob, community)
    board = await world.board(community)
    question = await world.question(board, bob, anonymous=True, on_screen=True)
    display, _, _ = await world.kiosk(board)
    shown = "query ($id: ID!) { node(id: $id) { ... on Question { body author { name } } } }"
    assert (await display.ask(shown, id=gid(question)))["node"] == {"body": "Why?", "author": None}
    assert await profile_seen_by(display, bob) == ""


# --- one's own profile ---------------------------------------------------------------------------------------------


async def test_a_profile_is_changed_where_something_is_given(world: World):
    ann = await world.person("Ann")
    changed = await ann.client.do(UPDATE, memberId=ann.id, input={"headline": " Head of Talk "})
    assert changed["member"] == {"name": "Ann", "headline": "Head of Talk", "about": "About Ann"}
    changed = await ann.client.do(UPDATE, memberId=ann.id, input={"name": "Anna", "about": ""})
    assert changed["member"] == {"name": "Anna", "headline": "Head of Talk", "about": ""}


@table(policy.edit_member)
@pytest.mark.parametrize(
    ("who", "answered"),
    [
        ("self", "Y"),
        ("colleague", "N"),
        ("ADMIN", "N"),
        ("OWNER", "N"),
        ("guest who shares a community", "N"),
        ("guest", "-"),
        ("nobody", "-"),
    ],
)
async def test_nobody_changes_the_profile_of_another(world: World, who: str, answered: str):
    bob = await world.person("Bob")
    community = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    if who in {"self", "nobody"}:
        client = bob.client if who == "self" else world.nobody
    else:
        kind = MemberKind.GUEST if who.startswith("guest") else MemberKind.INTERNAL
        person = await world.person("Other", kind, NetworkRole.__members__.get(who, NetworkRole.MEMBER))
        client = person.client
        if who == "guest who shares a community":
            await world.belong(person, community)
    if answered == "Y":
        assert await answer(client, UPDATE, memberId=bob.id, input={"name": "Rob"}) == "Y"
    else:
        async with nothing_happens(world.service):
            assert await answer(client, UPDATE, memberId=bob.id, input={"name": "Rob"}) == answered


@pytest.mark.parametrize(
    ("input", "fields"),
    [
        ({"name": " "}, ["name"]),
        ({"name": "x" * 101, "headline": "x" * 201, "about": "x" * 5_001}, ["name", "headline", "about"]),
        ({"about": "a\x00b"}, ["about"]),
        ({"headline": chr(0xDFFF)}, ["headline"]),
    ],
    ids=["blank", "too long", "NUL", "surrogate"],
)
async def test_all_that_is_wrong_with_a_profile_is_said_at_once(world: World, input: Any, fields: list[str]):
    ann = await world.person("Ann")
    async with nothing_happens(world.service):
        payload = await ann.client.payload(UPDATE, memberId=ann.id, input=input)
    assert [problem["field"] for problem in payload["problems"]] == [["input", field] for field in fields]


# --- disabling: table D9 -------------------------------------------------------------------------------------------


@table(policy.administer_member)
@pytest.mark.parametrize(
    ("who", "kind", "answered"),
    [
        (NetworkRole.OWNER, MemberKind.INTERNAL, "Y"),
        (NetworkRole.ADMIN, MemberKind.INTERNAL, "Y"),
        (NetworkRole.MODERATOR, MemberKind.INTERNAL, "N"),
        (NetworkRole.MEMBER, MemberKind.INTERNAL, "N"),
        (NetworkRole.ADMIN, MemberKind.EXTERNAL, "-"),
        (NetworkRole.OWNER, MemberKind.GUEST, "-"),
    ],
)
async def test_members_are_disabled_by_those_who_administer_the_network(
    world: World, who: NetworkRole, kind: MemberKind, answered: str
):
    actor, bob = await world.person("Actor", kind, who), await world.person("Bob")
    can = (await actor.client.execute(PROFILE, id=bob.id)).data["node"]
    assert (can["viewerCan"]["disable"]["allowed"] if can else None) == {"Y": True, "N": False, "-": None}[answered]
    if answered == "Y":
        assert (await actor.client.do(do.DISABLE, memberId=bob.id))["member"] == {"state": "DISABLED"}
        (announced,) = await changes(world.service, bob.member)
        assert (announced.kind, announced.topics) == (Kind.RIGHTS, [f"person:{bob.principal_id.hex}"])
    else:
        async with nothing_happens(world.service):
            assert await answer(actor.client, do.DISABLE, memberId=bob.id) == answered


async def test_an_owner_is_disabled_by_owners_only_and_never_the_last_one(world: World):
    first, second = [await world.person(name, role=NetworkRole.OWNER) for name in ("First", "Second")]
    admin = await world.person("Admin", role=NetworkRole.ADMIN)
    async with nothing_happens(world.service):
        assert (await admin.client.problem(do.DISABLE, memberId=first.id))["rule"] == "owners_are_disabled_by_owners"
    await first.client.do(do.DISABLE, memberId=second.id)
    async with nothing_happens(world.service):
        assert await answer(first.client, do.DISABLE, memberId=first.id) == "CONFLICT"
        assert await answer(second.client, do.DISABLE, memberId=first.id) == "-"


async def test_of_owners_who_disable_each_other_at_once_one_stays(world: World):
    owners = [await world.person(f"Owner-{n}", role=NetworkRole.OWNER) for n in range(4)]
    attempts = [
        answer(actor.client, do.DISABLE, memberId=target.id)
        for actor in owners
        for target in owners
        if actor is not target
    ]
    async with asyncio.timeout(60):
        await asyncio.gather(*attempts)
    states = [(await world.fresh(owner.member)).state for owner in owners]
    assert states.count(MemberState.ACTIVE) >= 1


async def test_a_disabled_member_is_a_stranger_from_the_next_statement_on(world: World):
    admin, bob = await world.person("Admin", role=NetworkRole.ADMIN), await world.person("Bob")
    community = await world.community(owner=admin)
    membership = await world.belong(bob, community, CommunityRole.MANAGER)
    topic = await world.content(community, bob)
    activity = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("") + "}"
    following = await bob.client.follow(activity, id=gid(community))
    await admin.client.do(do.DISABLE, memberId=bob.id)
    await following.done()
    assert [event["__typename"] for event in following.events] == ["AccessRevoked"]
    async with nothing_happens(world.service):
        for row in (community, membership, topic, bob.member, world.network):
            assert await bob.client.refused(do.NODE, id=gid(row)) == "NOT_FOUND"
        assert await answer(bob.client, UPDATE, memberId=bob.id, input={"name": "Rob"}) == "-"
        assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "-"
        assert await answer(bob.client, do.EDIT_CONTENT, contentId=gid(topic), input={"title": "x", "body": ""}) == "-"
        assert (await bob.client.ask("{ viewer { networks { name } } }"))["viewer"] == {"networks": []}
    written = "query ($id: ID!) { node(id: $id) { ... on Topic { title author { name state } } } }"
    author = {"name": "Bob", "state": "DISABLED"}
    assert (await admin.client.ask(written, id=gid(topic)))["node"] == {"title": "Title", "author": author}


async def test_the_viewer_is_told_which_member_is_theirs_and_what_they_may_do(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    mine = (await ann.client.ask(PROFILE, id=ann.id))["node"]
    theirs = (await ann.client.ask(PROFILE, id=bob.id))["node"]
    assert (mine["isViewer"], mine["viewerCan"]["edit"]) == (True, {"allowed": True, "rule": None})
    assert (theirs["isViewer"], theirs["viewerCan"]["edit"]) == (False, {"allowed": False, "rule": "edit_member"})
