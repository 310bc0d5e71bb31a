from typing import Any
from uuid import uuid4

import pytest

from models import CommunityRole, Member, MemberKind, MemberState, NetworkRole, Row, Visibility
from resolvers import policy
from schema.base import global_id
from tests import documents as do
from tests.client import Client
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

NETWORK = """query ($id: ID!) { network(id: $id) {
  name kind viewerMember { name role }
  viewerCan { administer { allowed } createCommunity { allowed } createTask { allowed } }
} }"""
LISTS = """query ($id: ID!) { network(id: $id) {
  members(first: 50) { nodes { name } }
  communities(first: 50) { nodes { name } }
  invitations(first: 50) { nodes { email } }
} }"""
FEED = "query ($id: ID!) { myFeed(networkId: $id) { contents(first: 50) { nodes { id } } } }"
SEARCH = 'query ($id: ID!) { search(networkId: $id, text: "plan", first: 50) { nodes { id } } }'


# --- standing in a network -----------------------------------------------------------------------------------------

# Member of it, may administer, may make communities, may give tasks.
STANDING = {
    "OWNER": "SACT",
    "ADMIN": "SACT",
    "MODERATOR": "SCT",
    "INTERNAL": "SCT",
    "EXTERNAL": "S",
    "GUEST": "S",
    "guest with an owner's role": "S",
    "DISABLED": "",
    "EXPIRED": "",
    "LEFT": "",
    "INVITED": "",
    "stranger": "",
    "kiosk": "",
    "nobody": "",
}


async def client_of(world: World, who: str) -> Client:
    if who == "nobody":
        return world.nobody
    if who == "kiosk":
        return (await world.kiosk(await world.board(await world.community())))[0]
    if who == "stranger":
        return (await (await World.make(world.service, "Elsewhere")).person("Stranger")).client
    if who == "guest with an owner's role":
        return (await world.person("Who", MemberKind.GUEST, NetworkRole.OWNER)).client
    kind = MemberKind.__members__.get(who, MemberKind.INTERNAL)
    person = await world.person("Who", kind, NetworkRole.__members__.get(who, NetworkRole.MEMBER))
    if who in MemberState.__members__:
        async with world.service.database.write() as session:
            stored = await session.get(Member, person.member.id)
            assert stored
            stored.state = MemberState[who]
    if who == "EXPIRED":
        await world.change(person.member, role=NetworkRole.OWNER, expires_at=world.now)
    return person.client


@table(policy.see_network, policy.administer_network, policy.create_community, policy.create_task)
@pytest.mark.parametrize(("who", "letters"), STANDING.items(), ids=list(STANDING))
async def test_what_one_may_do_in_a_network(world: World, who: str, letters: str):
    client = await client_of(world, who)
    result = await client.execute(NETWORK, id=gid(world.network))
    if not letters:
        assert result.data == {"network": None}
        nowhere = await client.execute(NETWORK, id=str(global_id("Network", uuid4())))
        assert [e.formatted for e in result.errors] == [e.formatted for e in nowhere.errors]
        return
    found = result.data["network"]
    can = {"A": "administer", "C": "createCommunity", "T": "createTask"}
    got = "S" + "".join(letter for letter, name in can.items() if found["viewerCan"][name]["allowed"])
    assert got == letters
    assert found["viewerMember"]["name"] == "Who"


# --- several networks ----------------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere(world: World) -> World:
    """A second network in the same database, with something of every noun in it."""
    return await World.make(world.service, "Elsewhere")


async def fill(world: World) -> tuple[Person, list[Row]]:
    """An owner of the network, and something of every noun."""
    owner = await world.person(f"Owner of {world.network.name}", role=NetworkRole.OWNER)
    community = await world.community(f"In {world.network.name}", owner=owner)
    topic = await world.content(community, owner, f"The plan of {world.network.name}")
    comment = await world.comment(topic, owner)
    board = await world.board(community)
    question = await world.question(board, owner)
    _, key, _ = await world.kiosk(board)
    await owner.client.do(
        do.ADD_MEMBER, networkId=gid(world.network), input={"email": f"x@{world.network.name}.example"}
    )
    return owner, [world.network, owner.member, community, topic, comment, board, question, key]


async def test_nothing_of_one_network_is_seen_in_another(world: World, elsewhere: World):
    (mine, own), (_, foreign) = await fill(world), await fill(elsewhere)
    assert [bool((await mine.client.execute(do.NODE, id=gid(row))).errors) for row in own] == [False] * len(own)
    assert [bool((await mine.client.execute(do.NODE, id=gid(row))).errors) for row in foreign] == [True] * len(foreign)
    lists = (await mine.client.ask(LISTS, id=gid(world.network)))["network"]
    assert lists == {
        "members": {"nodes": [{"name": "Owner of Halden"}]},
        "communities": {"nodes": [{"name": "In Halden"}]},
        "invitations": {"nodes": [{"email": "x@halden.example"}]},
    }
    for document in (FEED, SEARCH):
        assert await mine.client.refused(document, id=gid(elsewhere.network)) == "NOT_FOUND"
    found = (await mine.client.ask(SEARCH, id=gid(world.network)))["search"]["nodes"]
    assert found == [{"id": gid(own[3])}]


async def test_nothing_is_done_in_a_network_where_one_does_not_stand(world: World, elsewhere: World):
    (mine, _), (theirs, foreign) = await fill(world), await fill(elsewhere)
    network, member, community, topic, comment, board, question, key = map(gid, foreign)
    tries: list[tuple[str, dict[str, Any]]] = [
        (do.CREATE_COMMUNITY, {"networkId": network, "input": {"name": "Mine"}}),
        (do.ADD_MEMBER, {"networkId": network, "input": {"email": "spy@example.com"}}),
        (do.DISABLE, {"memberId": member}),
        (do.JOIN, {"communityId": community}),
        (do.ARCHIVE, {"communityId": community}),
        (do.CREATE_TOPIC, {"communityId": community, "input": {"title": "x"}}),
        (do.EDIT_CONTENT, {"contentId": topic, "input": {"title": "x", "body": ""}}),
        (do.ADD_COMMENT, {"contentId": topic, "input": {"body": "x"}}),
        (do.EDIT_COMMENT, {"commentId": comment, "input": {"body": "x"}}),
        (do.ASK, {"boardId": board, "input": {"body": "x"}}),
        (do.UPVOTE, {"questionId": question}),
        (do.REVOKE_KIOSK_KEY, {"kioskKeyId": key}),
        (do.CREATE_TASK, {"networkId": network, "input": {"assigneeId": theirs.id, "title": "x"}}),
    ]
    async with nothing_happens(world.service):
        for document, arguments in tries:
            assert await answer(mine.client, document, **arguments) == "-", document


async def both(world: World, elsewhere: World) -> tuple[Person, Person]:
    """One account that owns both networks."""
    here = await world.person("Both", role=NetworkRole.OWNER)
    there = Member(
        network_id=elsewhere.network.id,
        principal_id=here.principal_id,
        name="Both over there",
        role=NetworkRole.OWNER,
    )
    await elsewhere.add(there)
    return here, Person("Both", here.client, here.account, there)


async def test_one_account_is_a_member_of_two_networks_and_each_sees_its_own(world: World, elsewhere: World):
    here, there = await both(world, elsewhere)
    names = (await here.client.ask("{ viewer { networks { name viewerMember { name } } } }"))["viewer"]["networks"]
    assert names == [
        {"name": "Elsewhere", "viewerMember": {"name": "Both over there"}},
        {"name": "Halden", "viewerMember": {"name": "Both"}},
    ]
    for place, person in ((world, here), (elsewhere, there)):
        community = await place.community(f"In {place.network.name}", owner=person)
        topic = await place.content(community, person, f"The plan of {place.network.name}")
        for document, field in ((FEED, "myFeed"), (SEARCH, "search")):
            found = (await here.client.ask(document, id=gid(place.network)))[field]
            assert (found.get("contents") or found)["nodes"] == [{"id": gid(topic)}], document


async def test_rights_come_from_the_member_in_that_network_alone(world: World, elsewhere: World):
    here, there = await both(world, elsewhere)
    second = await elsewhere.person("Second", role=NetworkRole.OWNER)
    community = await elsewhere.community(owner=there)
    await second.client.do(do.DISABLE, memberId=there.id)
    assert await here.client.refused(NETWORK, id=gid(elsewhere.network)) == "NOT_FOUND"
    assert await here.client.refused(do.NODE, id=gid(community)) == "NOT_FOUND"
    found = (await here.client.ask(NETWORK, id=gid(world.network)))["network"]
    assert found["viewerCan"]["administer"]["allowed"]
    assert (await here.client.ask("{ viewer { networks { name } } }"))["viewer"]["networks"] == [{"name": "Halden"}]


async def test_two_networks_are_not_mixed_by_one_who_owns_both(world: World, elsewhere: World):
    here, there = await both(world, elsewhere)
    colleague = await world.person("Colleague")
    ours = await world.community(owner=here)
    theirs = await elsewhere.community(owner=there, visibility=Visibility.PRIVATE)
    topic = await elsewhere.content(theirs, there)
    tries: list[tuple[str, dict[str, Any]]] = [
        (
            do.ADD_MEMBER,
            {"networkId": gid(world.network), "input": {"email": "x@example.com", "communityId": gid(theirs)}},
        ),
        (do.INVITE, {"communityId": gid(theirs), "input": {"memberId": colleague.id}}),
        (do.INVITE, {"communityId": gid(ours), "input": {"memberId": there.id}}),
        (
            do.CREATE_TASK,
            {
                "networkId": gid(world.network),
                "input": {"assigneeId": colleague.id, "title": "x", "contentId": gid(topic)},
            },
        ),
        (do.CREATE_TASK, {"networkId": gid(world.network), "input": {"assigneeId": there.id, "title": "x"}}),
    ]
    async with nothing_happens(world.service):
        for document, arguments in tries:
            assert await answer(here.client, document, **arguments) == "-", document


async def test_the_administrator_of_a_network_reads_nothing_private(world: World):
    """Table D9: private content is read by break-glass only, which there is not yet."""
    owner = await world.person("Ann")
    admins = [await world.person(role, role=NetworkRole[role]) for role in ("OWNER", "ADMIN", "MODERATOR")]
    for visibility in (Visibility.PRIVATE, Visibility.HIDDEN):
        community = await world.community(owner=owner, visibility=visibility)
        await world.belong(await world.person(f"M-{visibility}"), community, CommunityRole.MEMBER)
        topic = await world.content(community, owner, "The plan")
        board = await world.board(community)
        rows = [topic, await world.comment(topic, owner), board, await world.question(board, owner)]
        for admin in admins:
            for row in rows:
                assert await admin.client.refused(do.NODE, id=gid(row)) == "NOT_FOUND"
            assert (await admin.client.ask(SEARCH, id=gid(world.network)))["search"]["nodes"] == []
            async with nothing_happens(world.service):
                assert await answer(admin.client, do.WITHDRAW_CONTENT, contentId=gid(topic)) == "-"
                answered = "N" if visibility is Visibility.PRIVATE else "-"
                assert await answer(admin.client, do.ARCHIVE, communityId=gid(community)) == answered
