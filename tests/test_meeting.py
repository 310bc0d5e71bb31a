"""A company meeting as S0, page 3, tells it: questions before, during and after it, answered where the sun is up."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from models import NetworkRole
from tests import documents as do
from tests.conftest import ManualClock
from tests.started import Door
from tests.stories import Actor, Cast, cast
from tests.world import World, gid

PLACE = "query ($id: ID!) { node(id: $id) { ... on Session { community { id boards(first: 1) { nodes { id } } } } } }"
MEMBERSHIP = "query ($id: ID!) { community(id: $id) { viewerMembership { id } } }"
QUEUE = """query ($id: ID!) { answerQueue(communityId: $id, first: 50) { nodes {
  __typename id ... on Topic { title } ... on Question { body } } } }"""
ANSWERS = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Question {
  state answer answerTimecodeMs answerWindow { timeZone } topic { id } } } }"""
ON_RECORDING = """query ($id: ID!) { questionBoard(id: $id) { questions(order: RECORDING, first: 9) { nodes {
  body timecodeMs } } } }"""
HOUR = 3_600
MOMENT = (12 * 60 + 40) * 1_000  # 00:12:40 of the recording


@pytest.fixture
async def company(door: Door) -> Any:
    world = await World.make(door.service)
    ceo = await world.person("Ceo", role=NetworkRole.OWNER)
    async with cast(door) as people:
        yield people, people.enter("Ceo", await door.sign_in(ceo)), gid(world.network)


async def _meeting(ceo: Actor, network: str, clock: ManualClock) -> tuple[str, str, str]:
    """The meeting, its community and its board, on which questions need no moderator."""
    begins = clock.now() + timedelta(days=7)
    times = {"startsAt": begins.isoformat(), "endsAt": (begins + timedelta(hours=2)).isoformat()}
    planned = {"title": "Half year", "admits": "INTERNALS"} | times
    meeting = (await ceo.do(do.CREATE_SESSION, networkId=network, input=planned))["session"]["id"]
    place = (await ceo.ask(PLACE, id=meeting))["node"]["community"]
    board = place["boards"]["nodes"][0]["id"]
    plan = {"moderation": "NONE", "openPerAsker": 10, "asksPerMinute": 10}
    await ceo.do(do.UPDATE_BOARD, boardId=board, input=plan)
    return meeting, place["id"], board


async def _ask(asker: Actor, board: str, body: str, **more: Any) -> str:
    asked = await asker.do(do.ASK, boardId=board, input={"body": body, **more})
    return str(asked["question"]["id"])


async def test_a_company_meeting_before_during_and_after(company: tuple[Cast, Actor, str], clock: ManualClock) -> None:
    people, ceo, network = company
    meeting, community, board = await _meeting(ceo, network, clock)
    staff = {name: (await people.invite(ceo, network, name))[0] for name in ("Eva", "Tomo", "Nia", "Fin")}
    eva, tomo, nia, fin = staff.values()
    await asyncio.gather(*(person.do(do.JOIN, communityId=community) for person in staff.values()))
    membership = (await fin.ask(MEMBERSHIP, id=community))["community"]["viewerMembership"]["id"]
    await ceo.do(do.CHANGE_ROLES, membershipId=membership, roles=["MEMBER", "PRESENTER"])
    for person in (eva, tomo):
        await person.watch("questionBoard", board)
        await person.watch("myQuestions", board)
        await person.watch("communityActivity", community)
    await fin.watch("questionBoardModeration", board)

    # Before: the agenda is out, more is suggested, and there are two hours of answers for two working days.
    await ceo.do(do.CREATE_POST, communityId=community, input={"title": "Agenda", "body": "1. Figures 2. Plans"})
    await nia.do(do.CREATE_IDEA, communityId=community, input={"title": "Talk about the move"})
    topic = (await nia.do(do.CREATE_TOPIC, communityId=community, input={"title": "Who moves?"}))["topic"]["id"]
    for hours, zone in ((24 * 7, "Europe/Brussels"), (24 * 7 + 9, "Asia/Tokyo")):
        starts = clock.now() + timedelta(hours=hours)
        window = {"startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=1)).isoformat(), "timeZone": zone}
        await ceo.do(do.ADD_WINDOW, boardId=board, input=window)
    await ceo.do(do.OPEN_BOARD, boardId=board)
    early = await _ask(eva, board, "How was the spring?", source="STREAM")
    hidden = await _ask(tomo, board, "Is anybody let go?", anonymous=True)
    await people.agree()
    waiting = [
        node.get("title") or node["body"] for node in (await fin.ask(QUEUE, id=community))["answerQueue"]["nodes"]
    ]
    assert sorted(waiting) == ["How was the spring?", "Is anybody let go?", "Who moves?"]

    # In Europe's hour, then in Asia's; the forum is answered in the same sweep.
    clock.advance(seconds=7 * 24 * HOUR + 60)
    live = await _ask(nia, board, "And the summer?")
    await fin.do(do.MARK_ANSWERED, questionId=early, input={"how": "LIVE", "timecodeMs": 60_000})
    await fin.do(do.ADD_COMMENT, contentId=topic, input={"body": "Nobody who does not want to."})
    clock.advance(seconds=9 * HOUR)
    await fin.do(do.MARK_ANSWERED, questionId=hidden, input={"how": "LIVE"})
    await people.agree()

    # Afterwards the recording is watched, and asked about where it raises a question.
    clock.advance(seconds=24 * HOUR)
    await ceo.do(do.LINK_RECORDING, sessionId=meeting, url="https://example.com/half-year")
    late = await _ask(tomo, board, "What is on this slide?", source="RECORDING", timecodeMs=MOMENT)
    written = {"how": "TEXT", "answer": "The order book.", "timecodeMs": MOMENT}
    await fin.do(do.MARK_ANSWERED, questionId=late, input=written)
    await people.agree()
    listed = (await eva.ask(ON_RECORDING, id=board))["questionBoard"]["questions"]["nodes"]
    assert listed == [{"body": "What is on this slide?", "timecodeMs": MOMENT}]

    # What nobody got to goes on as a topic, and the one who spoke stays with it.
    await ceo.do(do.CLOSE_BOARD, boardId=board)
    await people.agree()
    found = (await nia.ask(ANSWERS, ids=[early, hidden, late, live]))["nodes"]
    assert [node["answerWindow"] and node["answerWindow"]["timeZone"] for node in found] == [
        "Europe/Brussels", "Asia/Tokyo", None, None,
    ]  # fmt: skip
    assert [node["state"] for node in found] == ["ANSWERED", "ANSWERED", "ANSWERED", "DISMISSED"]
    assert (found[0]["answerTimecodeMs"], found[2]["answer"]) == (60_000, "The order book.")
    await fin.do(do.ADD_COMMENT, contentId=found[3]["topic"]["id"], input={"body": "Warm, thank you."})
    await people.agree()
    assert (await fin.ask(QUEUE, id=community))["answerQueue"]["nodes"] == []
