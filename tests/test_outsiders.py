"""What those get of an event who do not attend it: table D4, last row, tier by tier."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from models import (
    Admits,
    Attendance,
    Community,
    MemberKind,
    NetworkRole,
    OutsiderTier,
    QuestionBoard,
    Session,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client, settled
from tests.tables import table
from tests.traces import answer, changes, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

URL = "https://example.com/recording"


@dataclass
class Event:
    world: World
    admin: Person
    speaker: Person
    community: Community
    closed: Community
    session: Session
    closed_session: Session
    board: QuestionBoard


@pytest.fixture
async def event(world: World) -> Event:
    """An open session, recorded and released, and one for insiders."""
    admin, speaker = await world.person("Adm", role=NetworkRole.OWNER), await world.person("Spe")
    community = await world.community(owner=speaker, admits=Admits.EXTERNALS)
    closed = await world.community(owner=speaker, admits=Admits.EXTERNALS, visibility=Visibility.PRIVATE)
    session = await world.session(community, recording_url=URL)
    closed_session = await world.session(closed, recording_url=URL, replay_at=world.now)
    return Event(world, admin, speaker, community, closed, session, closed_session, await world.board(community))


Try = Callable[[Event, Client], Awaitable[str]]


async def home(event: Event, client: Client) -> str:
    return await look(client, "query ($id: ID!) { network(id: $id) { name } }", id=gid(event.world.network))


async def schedule(event: Event, client: Client) -> str:
    return await look(client, "query ($id: ID!) { schedule(networkId: $id) { cursor } }", id=gid(event.world.network))


async def session(event: Event, client: Client) -> str:
    return await look(client, do.NODE, id=gid(event.session))


async def closed_session(event: Event, client: Client) -> str:
    return await look(client, do.NODE, id=gid(event.closed_session))


async def community(event: Event, client: Client) -> str:
    return await look(client, do.COMMUNITY, id=gid(event.community))


async def read(event: Event, client: Client) -> str:
    document = "query ($id: ID!) { communityActivity(communityId: $id) { cursor } }"
    return await look(client, document, id=gid(event.community))


async def board(event: Event, client: Client) -> str:
    return await look(client, "query ($id: ID!) { questionBoard(id: $id) { cursor } }", id=gid(event.board))


RECORDING = """query ($id: ID!) { node(id: $id) { ... on Session {
  recordingUrl expectedCount checkedInCount community { id } viewerCan { watchReplay { allowed } } } } }"""


async def recording(event: Event, client: Client) -> str:
    """Before its release."""
    found = (await client.execute(RECORDING, id=gid(event.session))).data["node"]
    if found is None:
        return "-"
    assert found["viewerCan"]["watchReplay"]["allowed"] == (found["recordingUrl"] == URL)
    return "Y" if found["recordingUrl"] else "N"


async def replay(event: Event, client: Client) -> str:
    """After its release."""
    await event.world.change(event.session, replay_at=event.world.now)
    answered = await recording(event, client)
    await event.world.change(event.session, replay_at=None)
    return answered


async def heads(event: Event, client: Client) -> str:
    found = (await client.execute(RECORDING, id=gid(event.session))).data["node"]
    return "-" if found is None else "N" if found["expectedCount"] is found["checkedInCount"] is None else "Y"


async def ask(event: Event, client: Client) -> str:
    return await answer(client, do.ASK, boardId=gid(event.board), input={"body": "Why?"})


async def join(event: Event, client: Client) -> str:
    return await answer(client, do.JOIN, communityId=gid(event.community))


async def check_in(event: Event, client: Client) -> str:
    return await answer(client, do.CHECK_IN, sessionId=gid(event.session))


# N0, AG, RE, FU: an external member who does not attend, in each tier. AT: one who does; UN: one whom nobody counted;
# IN: a colleague; GU: a guest without a community; ST: somebody of another network; AN: nobody.
WHO = ("N0", "AG", "RE", "FU", "AT", "UN", "IN", "GU", "ST", "AN")
# Y: done. N: FORBIDDEN, or empty. -: NOT_FOUND, as for an id that leads nowhere.
TABLE: list[tuple[Try, str]] = [
    #                 N0 AG RE FU AT UN IN GU ST AN
    (home,           "Y  Y  Y  Y  Y  Y  Y  Y  -  - "),
    (schedule,       "N  Y  Y  Y  Y  Y  Y  Y  -  - "),
    (session,        "-  Y  Y  Y  Y  Y  Y  -  -  - "),
    (closed_session, "-  -  -  Y  Y  Y  Y  -  -  - "),
    (community,      "-  -  -  Y  Y  Y  Y  -  -  - "),
    (read,           "-  -  -  Y  Y  Y  Y  -  -  - "),
    (board,          "-  -  -  Y  Y  Y  Y  -  -  - "),
    (heads,          "-  N  N  Y  Y  Y  Y  -  -  - "),
    (recording,      "-  N  N  Y  Y  Y  Y  -  -  - "),
    (replay,         "-  N  Y  Y  Y  Y  Y  -  -  - "),
    (ask,            "-  -  -  N  N  N  N  -  -  - "),
    (join,           "-  -  -  Y  Y  Y  Y  -  -  - "),
    (check_in,       "-  N  N  Y  Y  Y  Y  -  -  - "),
]  # fmt: skip
TIERS = {
    "N0": OutsiderTier.NONE,
    "AG": OutsiderTier.AGENDA_ONLY,
    "RE": OutsiderTier.REPLAYS,
    "FU": OutsiderTier.FULL,
}


async def client_of(event: Event, who: str) -> Client:
    world = event.world
    if who == "AN":
        return world.nobody
    if who == "ST":
        return (await (await World.make(world.service, "Elsewhere")).person("Sid")).client
    kind = {"IN": MemberKind.INTERNAL, "GU": MemberKind.GUEST}.get(who, MemberKind.EXTERNAL)
    person = await world.person(who, kind)
    if who not in {"IN", "GU", "UN"}:
        attendance = Attendance.REMOTE if who == "AT" else Attendance.NONE
        await world.change(person.member, attendance=attendance)
    await world.change(world.network, outsider_tier=TIERS.get(who, OutsiderTier.NONE))
    return person.client


@table(policy.read_schedule, policy.see_session, policy.count_heads, policy.watch_replay)
@pytest.mark.parametrize("who", WHO)
async def test_who_does_not_attend_gets_what_the_tier_gives(event: Event, who: str):
    client = await client_of(event, who)
    expected = {attempt.__name__: row.split()[WHO.index(who)] for attempt, row in TABLE}
    got = {attempt.__name__: await attempt(event, client) for attempt, _ in TABLE}
    assert got == expected


async def test_a_membership_is_worth_nothing_below_the_full_tier(event: Event):
    """Whoever joined while the tier was full reads and asks no longer, and does again."""
    world = event.world
    client = await client_of(event, "FU")
    assert await join(event, client) == "Y"
    assert await ask(event, client) == "Y"
    await settled(world.service)
    feeds = [
        await client.follow(f"subscription ($id: ID!) {{ {call} {{ __typename }} }}", id=id)
        for call, id in (
            ("communityActivity(communityId: $id)", gid(event.community)),
            ("schedule(networkId: $id)", gid(world.network)),
        )
    ]
    tier = {"outsiderTier": "AGENDA_ONLY"}
    await event.admin.client.do(do.UPDATE_NETWORK, networkId=gid(world.network), input=tier)
    for feed in feeds:
        await feed.done()
    assert [[event["__typename"] for event in feed.events] for feed in feeds] == [["AccessRevoked"], ["ResyncRequired"]]
    assert (await read(event, client), await ask(event, client)) == ("-", "-")
    await event.admin.client.do(do.UPDATE_NETWORK, networkId=gid(world.network), input={"outsiderTier": "FULL"})
    assert (await read(event, client), await ask(event, client)) == ("Y", "Y")


async def test_a_tier_of_nothing_ends_the_schedule_of_outsiders_alone(event: Event):
    world = event.world
    outsider, attendee = await client_of(event, "AG"), await world.person("Kay", MemberKind.EXTERNAL)
    document = "subscription ($id: ID!) { schedule(networkId: $id) { __typename } }"
    feeds = [await client.follow(document, id=gid(world.network)) for client in (outsider, attendee.client)]
    await event.admin.client.do(do.UPDATE_NETWORK, networkId=gid(world.network), input={"outsiderTier": "NONE"})
    await feeds[0].done()
    assert [event["__typename"] for event in feeds[0].events] == ["AccessRevoked"]
    assert await feeds[1].take() == []
    await feeds[1].stop()


async def test_a_link_that_is_not_released_is_not_even_announced_to_outsiders(event: Event):
    world = event.world
    outsider, attendee = await client_of(event, "RE"), await world.person("Kay", MemberKind.EXTERNAL)
    document = """subscription ($id: ID!) { schedule(networkId: $id) {
      __typename ... on Changed { node { ... on Session { recordingUrl } } } ... on Counters { nodes { id } } } }"""
    feeds = [await client.follow(document, id=gid(world.network)) for client in (outsider, attendee.client)]
    linked = {"sessionId": gid(event.session), "url": "https://example.com/new"}
    await event.speaker.client.do(do.LINK_RECORDING, **linked)
    await attendee.client.do(do.JOIN, communityId=gid(event.community))
    changed = [{"__typename": "Changed", "node": {"recordingUrl": linked["url"]}}]
    assert await feeds[0].take() == [], "neither the link nor a head that is counted"
    assert [found["__typename"] for found in await feeds[1].take()] == ["Changed", "ResyncRequired"]
    await event.speaker.client.do(do.RELEASE_REPLAY, sessionId=gid(event.session))
    assert await feeds[0].take() == changed
    for feed in feeds:
        await feed.stop()


SETTINGS = {"OWNER": "Y", "ADMIN": "Y", "MODERATOR": "N", "MEMBER": "N"}


@pytest.mark.parametrize("role", SETTINGS)
async def test_settings_are_changed_by_administrators(world: World, role: str):
    person = await world.person("Per", role=NetworkRole[role])
    wanted = {"timeZone": "Europe/Oslo", "outsiderTier": "REPLAYS"}
    got = await answer(person.client, do.UPDATE_NETWORK, networkId=gid(world.network), input=wanted)
    fresh = await world.fresh(world.network)
    assert (got, fresh.time_zone == "Europe/Oslo") == (SETTINGS[role], SETTINGS[role] == "Y")


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe", "../etc/passwd", "europe/oslo"])
async def test_a_time_zone_that_is_none_is_refused(world: World, owner: Person, name: str):
    async with nothing_happens(world.service):
        problem = await owner.client.problem(
            do.UPDATE_NETWORK, networkId=gid(world.network), input={"timeZone": name, "outsiderTier": "FULL"}
        )
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "timeZone"])


async def test_a_tier_that_stays_is_told_to_nobody(event: Event):
    await client_of(event, "AG")
    await settled(event.world.service)
    before = len(await changes(event.world.service))
    same = {"outsiderTier": "AGENDA_ONLY"}
    await event.admin.client.do(do.UPDATE_NETWORK, networkId=gid(event.world.network), input=same)
    assert len(await changes(event.world.service)) == before
