"""What becomes of a session: it is moved, renamed, cancelled, and those who plan to come are told."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models import Change, Kind, Session
from realtime import topics
from tests import documents as do
from tests.client import settled
from tests.halls import LIVE, TIMES, Stage, furnish, rows
from tests.traces import answer, changes, count
from tests.unchanged import nothing_happens
from tests.world import World, gid


@pytest.fixture
async def stage(world: World) -> Stage:
    return await furnish(world)


async def test_a_session_that_moves_tells_those_who_plan_to_come(stage: Stage):
    """In the schedule as a change, and in their own feed as a post by whoever moved it."""
    world, member = stage.world, stage.clients["ME"]
    await world.change(world.network, time_zone="Europe/Brussels")
    board = await world.board(stage.community)
    await world.change(board, state="SCHEDULED", opens_at=world.now)
    feeds = [
        await member.follow(LIVE, id=gid(world.network), mine=True),
        await member.follow(
            """subscription ($id: ID!) { myFeed(networkId: $id) {
              ... on Added { node { ... on Post { title body author { name } } } } } }""",
            id=gid(world.network),
        ),
    ]
    wanted = {**TIMES, "room": "Aula", "note": "More people want to come."}
    moved = await stage.clients["MG"].do(do.CHANGE_SESSION, sessionId=gid(stage.session), input=wanted)
    assert moved["session"]["state"] == "CHANGED"
    ((change,), (post,)) = [await feed.take() for feed in feeds]
    assert change["node"] == {
        "title": "Talk", "state": "CHANGED", "changeNote": wanted["note"], "startsAt": "2026-03-05T09:00:00+00:00",
        "room": {"name": "Aula"}, "expectedCount": 5, "checkedInCount": 0,
    }  # fmt: skip
    assert post["node"] == {
        "title": "Moved: Talk",
        "body": "More people want to come.\n\nMoved from Tue 3 Mar, 10:00 to 11:00 to Thu 5 Mar, 10:00 to 11:00, Aula.",
        "author": {"name": "MG"},
    }
    assert (await world.fresh(board)).opens_at == world.now + (
        datetime(2026, 3, 5, 9, tzinfo=UTC) - stage.session.starts_at
    )
    for feed in feeds:
        await feed.stop()


async def test_a_new_title_is_also_the_community_s_unless_people_named_it(stage: Stage):
    owner, world = stage.clients["OW"], stage.world
    board = await world.board(stage.community)
    await world.change(board, title="Talk")
    for title in ("Speech", "Lecture"):
        await owner.do(do.CHANGE_SESSION, sessionId=gid(stage.session), input={"title": title})
        assert (await world.fresh(stage.community)).name == title
        assert (await world.fresh(board)).title == title
    await owner.do(do.UPDATE_COMMUNITY, communityId=gid(stage.community), input={"name": "Ours"})
    changed = await owner.do(do.CHANGE_SESSION, sessionId=gid(stage.session), input={"title": "Talk"})
    assert (changed["session"]["state"], (await world.fresh(stage.community)).name) == ("PLANNED", "Ours")


async def test_what_changes_nothing_is_not_announced(stage: Stage):
    before = len(await changes(stage.world.service))
    wishes: list[dict[str, Any]] = [{}, {"title": "Talk"}, {"room": ""}, {"speakers": []}]
    for same in wishes:
        await stage.clients["OW"].do(do.CHANGE_SESSION, sessionId=gid(stage.session), input=same)
    assert len(await changes(stage.world.service)) == before


async def test_a_cancelled_session_comes_back_with_a_new_time(stage: Stage):
    owner, id = stage.clients["OW"], gid(stage.session)
    assert (await owner.do(do.CANCEL_SESSION, sessionId=id, note="Ill"))["session"]["changeNote"] == "Ill"
    async with nothing_happens(stage.world.service):
        assert (await owner.problem(do.CANCEL_SESSION, sessionId=id, note="Ill"))["code"] == "CONFLICT"
        assert (await owner.problem(do.CHANGE_SESSION, sessionId=id, input={"title": "x"}))["code"] == "CONFLICT"
        assert await answer(stage.clients["ME"], do.CHECK_IN, sessionId=id) == "N"
    back = await owner.do(do.CHANGE_SESSION, sessionId=id, input={**TIMES, "note": "Well again"})
    assert (back["session"]["state"], back["session"]["changeNote"]) == ("CHANGED", "Well again")


async def test_the_schedule_announces_each_change_by_itself(stage: Stage):
    """Two changes of one session are two events, told in order."""
    world, owner = stage.world, stage.clients["OW"]
    await settled(world.service)
    for note in ("One", "Two"):
        await owner.do(do.CHANGE_SESSION, sessionId=gid(stage.session), input={"note": note})
    told = await rows(world, Change, Change.row_id == stage.session.id, Change.kind == Kind.ROW)
    assert [change.topics for change in told] == [[topics.schedule(world.network.id)]] * 2
    assert await count(world.service, Session) == 1
