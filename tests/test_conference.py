"""A conference as S1, page 13, tells it: from the file of its schedule to the recording, through the public API."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from models import Attendance, Member, NetworkRole
from resolvers import frab, imports, policy, timetable
from resolvers.context import Context
from tests import documents as do
from tests.conftest import ManualClock
from tests.programmes import REAL, small
from tests.replica import ROW, FeedKind
from tests.started import Door
from tests.stories import Actor, Cast, cast
from tests.world import Person, World, gid

MINE = FeedKind(
    "schedule",
    "networkId: $id, mine: true",
    f"sessions(first: 100) {{ nodes {{ {ROW} }} }}",
    lambda found: found["sessions"]["nodes"],
)
PROGRAMME = """query ($n: ID!, $after: String) { schedule(networkId: $n) { sessions(first: 100, after: $after) {
  nodes { id title startsAt endsAt state expectedCount speakers { id name }
    community { id boards(first: 1) { nodes { id state } } } }
  pageInfo { hasNextPage endCursor } } } }"""
AFTERWARDS = """query ($id: ID!) { node(id: $id) { ... on Session {
  title state recordingUrl slidesUrl expectedCount checkedInCount community { id } } } }"""
CALENDAR = "query ($n: ID!) { schedule(networkId: $n, mine: true) { ics overlaps { one { id } other { id } } } }"
RECORDING, SLIDES = "https://example.com/recording", "https://example.com/slides"


@pytest.fixture(params=["small", "real"])
def content(request: pytest.FixtureRequest) -> bytes:
    if request.param == "real" and not REAL.exists():
        pytest.skip("the real schedule is not on this machine")
    return REAL.read_bytes() if request.param == "real" else small()


@pytest.fixture
def clock(content: bytes) -> ManualClock:
    """Two days before the first session."""
    clock = ManualClock()
    clock._now = min(talk.starts_at for talk in frab.read(content).talks) - timedelta(days=2)
    return clock


@dataclass
class Event:
    world: World
    people: Cast
    owner: Person
    organiser: Actor
    network: str

    async def take_in(self, content: bytes) -> imports.Report:
        async with Context(self.world.service.means, self.owner.principal_id).transaction() as tx:
            network = await tx.get(policy.administer_network, self.world.network.id)
            return await imports.take_in(tx, network, frab.read(content), opens_before=timedelta(hours=24))

    async def programme(self, actor: Actor) -> list[Any]:
        """All of it, page by page."""
        nodes: list[Any] = []
        after = None
        while True:
            found = (await actor.ask(PROGRAMME, n=self.network, after=after))["schedule"]["sessions"]
            nodes += found["nodes"]
            if not found["pageInfo"]["hasNextPage"]:
                return nodes
            after = found["pageInfo"]["endCursor"]

    async def come(self, name: str, **input: Any) -> Actor:
        return (await self.people.invite(self.organiser, self.network, name, kind="EXTERNAL", **input))[0]


@pytest.fixture
async def event(door: Door) -> AsyncIterator[Event]:
    world = await World.make(door.service)
    owner = await world.person("Olga", role=NetworkRole.OWNER)
    async with cast(door) as people:
        organiser = people.enter("Olga", await door.sign_in(owner))
        yield Event(world, people, owner, organiser, gid(world.network))


@pytest.mark.timeout(300)
async def test_a_conference_from_its_schedule_to_its_recording(
    event: Event, content: bytes, clock: ManualClock
) -> None:
    """Attendees plan, are told of what moves, come, ask; whoever was not there sees the recording and asks nothing."""
    organiser, people, network = event.organiser, event.people, event.network
    report = await event.take_in(content)
    assert report.sessions.added == len(frab.read(content).talks)
    attendees = [await event.come(f"Attendee {n}") for n in range(6)]
    speaker = await event.come("Speaker")
    outsider = await _outsider(event)

    programme = await event.programme(attendees[0])
    assert len(programme) == report.sessions.added
    assert programme == sorted(programme, key=lambda node: node["startsAt"])
    talk = next(node for node in programme if node["speakers"])
    (board,) = talk["community"]["boards"]["nodes"]
    assert (talk["expectedCount"], board["state"]) == (1, "SCHEDULED")

    for attendee in attendees:
        await attendee.watch(MINE, network)
        await attendee.watch("myFeed", network)
    for attendee in attendees:
        await attendee.do(do.JOIN, communityId=talk["community"]["id"])
    await people.agree()
    assert _planned(attendees[0])[talk["id"]]["expectedCount"] == 7, "the head count is the expected number"

    token = (await organiser.do(do.CREATE_SPEAKER_CLAIM, speakerId=talk["speakers"][0]["id"]))["token"]
    await speaker.do(do.CLAIM_SPEAKER, token=token)

    later = datetime.fromisoformat(talk["startsAt"]) + timedelta(minutes=30)
    moved = {
        "startsAt": later.isoformat(),
        "endsAt": (datetime.fromisoformat(talk["endsAt"]) + timedelta(minutes=30)).isoformat(),
        "room": "The largest hall",
        "note": "More of you want to come than we thought.",
    }
    await organiser.do(do.CHANGE_SESSION, sessionId=talk["id"], input=moved)
    await people.agree()
    for attendee in attendees:
        shown = _planned(attendee)[talk["id"]]
        assert (shown["sessionState"], shown["room"], shown["changeNote"]) == (
            "CHANGED", {"name": "The largest hall"}, moved["note"]
        )  # fmt: skip
        (post,) = [node for node in _held(attendee, "myFeed").values() if node["__typename"] == "Post"]
        assert post["title"].startswith("Moved: ")
    await event.take_in(content)
    await people.agree()
    assert _planned(attendees[0])[talk["id"]]["sessionState"] == "CHANGED", "the file did not change: what we did stays"
    told = await attendees[0].ask(CALENDAR, n=network)
    assert told["schedule"]["ics"].count("BEGIN:VEVENT") == 1
    assert told["schedule"]["overlaps"] == []

    clock.advance(seconds=(later - clock.now()).total_seconds())
    await timetable.tick(event.world.service.means)
    await people.agree()
    assert _planned(attendees[0])[talk["id"]]["sessionState"] == "LIVE"
    await asyncio.gather(*(attendee.do(do.CHECK_IN, sessionId=talk["id"]) for attendee in attendees[:4]))
    await people.agree()
    shown = _planned(attendees[5])[talk["id"]]
    assert (shown["expectedCount"], shown["checkedInCount"]) == (8, 4)

    await _ask_and_answer(event, board["id"], attendees, speaker, outsider)

    clock.advance(hours=6)
    await timetable.tick(event.world.service.means)
    await organiser.do(do.LINK_RECORDING, sessionId=talk["id"], url=RECORDING)
    await speaker.do(do.LINK_SLIDES, sessionId=talk["id"], url=SLIDES)
    await people.agree()
    shown = _planned(attendees[0])[talk["id"]]
    assert (shown["sessionState"], shown["recordingUrl"], shown["slidesUrl"]) == ("DONE", RECORDING, SLIDES)
    before = (await outsider.ask(AFTERWARDS, id=talk["id"]))["node"]
    assert before == {
        "title": talk["title"], "state": "DONE", "recordingUrl": None, "slidesUrl": None,
        "expectedCount": None, "checkedInCount": None, "community": None,
    }  # fmt: skip
    await organiser.do(do.RELEASE_REPLAY, sessionId=talk["id"])
    after = (await outsider.ask(AFTERWARDS, id=talk["id"]))["node"]
    assert (after["recordingUrl"], after["slidesUrl"], after["community"]) == (RECORDING, SLIDES, None)
    await people.agree()


async def _outsider(event: Event) -> Actor:
    """Somebody on the list who does not come, in a network that shows replays to such."""
    actor, member_id = await event.people.invite(event.organiser, event.network, "Outsider", kind="EXTERNAL")
    async with event.world.service.database.read() as session:
        members = {gid(member): member for member in await session.scalars(select(Member))}
    await event.world.change(members[member_id], attendance=Attendance.NONE)
    await event.organiser.do(do.UPDATE_NETWORK, networkId=event.network, input={"outsiderTier": "REPLAYS"})
    return actor


async def _ask_and_answer(event: Event, board: str, attendees: list[Actor], speaker: Actor, outsider: Actor) -> None:
    organiser = event.organiser
    for attendee in attendees:
        await attendee.watch("questionBoard", board)
    asked = [
        (await attendee.do(do.ASK, boardId=board, input={"body": f"Question {n}", "anonymous": bool(n % 2)}))[
            "question"
        ]
        for n, attendee in enumerate(attendees[:3])
    ]
    for question in asked:
        await speaker.do(do.APPROVE, questionId=question["id"])
    await asyncio.gather(*(attendee.do(do.UPVOTE, questionId=asked[0]["id"]) for attendee in attendees[3:]))
    await event.people.agree()
    assert _held(attendees[5], "questionBoard")[asked[0]["id"]]["votes"] == 3
    refused = (await outsider.ask(do.ASK, boardId=board, input={"body": "And me?"}))["askQuestion"]
    assert [problem["code"] for problem in refused["problems"]] == ["NOT_FOUND"]
    await speaker.do(do.MARK_ANSWERED, questionId=asked[0]["id"], how="LIVE")
    closed = (await organiser.do(do.CLOSE_BOARD, boardId=board))["questionBoard"]
    assert closed["state"] == "CLOSED"
    await event.people.agree()


def _held(actor: Actor, kind: str) -> dict[str, Any]:
    (replica,) = [replica for replica in actor.replicas if replica.kind.name == kind]
    assert replica.state is not None
    return replica.state


def _planned(actor: Actor) -> dict[str, Any]:
    return _held(actor, "schedule")
