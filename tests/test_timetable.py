"""Sessions begin and end, and boards open, because it is time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from models import BoardState, Kind, QuestionState, SessionState
from realtime import topics
from resolvers import session as transactions
from resolvers import timetable
from server import Service, Settings
from tests import documents as do
from tests.client import until
from tests.conftest import ManualClock, make_service
from tests.traces import changes
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid


@pytest.fixture
async def begins(world: World) -> Any:
    return world.now + timedelta(hours=1)


async def states(world: World, *rows: Any) -> list[str]:
    return [str((await world.fresh(row)).state) for row in rows]


async def test_a_session_goes_live_when_it_begins_and_is_done_when_it_ends(
    world: World, clock: ManualClock, ann: Person, begins: Any
):
    planned, moved, cancelled = [
        await world.session(await world.community(owner=ann), starts_at=begins, state=state)
        for state in (SessionState.PLANNED, SessionState.CHANGED, SessionState.CANCELLED)
    ]
    clock.advance(minutes=59)
    async with nothing_happens(world.service):
        await timetable.tick(world.service.means)
    clock.advance(minutes=1)
    await timetable.tick(world.service.means)
    assert await states(world, planned, moved, cancelled) == ["LIVE", "LIVE", "CANCELLED"]
    async with nothing_happens(world.service):
        await timetable.tick(world.service.means)
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    assert await states(world, planned, moved, cancelled) == ["DONE", "DONE", "CANCELLED"]
    told = [change for change in await changes(world.service, planned, moved) if change.kind is Kind.ROW]
    assert [change.topics for change in told] == [[topics.schedule(world.network.id)]] * 4


async def test_a_board_opens_when_it_is_time_and_is_announced_as_one_that_was_not_open(
    world: World, clock: ManualClock, ann: Person, begins: Any
):
    waiting, closed, unset = [
        await world.board(await world.community(owner=ann), state=state)
        for state in (BoardState.SCHEDULED, BoardState.CLOSED, BoardState.SCHEDULED)
    ]
    called_off = await world.community(owner=ann)
    await world.session(called_off, state=SessionState.CANCELLED)
    shut = await world.board(called_off, state=BoardState.SCHEDULED)
    for board in (waiting, closed, shut):
        await world.change(board, opens_at=begins)
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    assert await states(world, waiting, closed, unset, shut) == ["OPEN", "CLOSED", "SCHEDULED", "SCHEDULED"]
    assert (await world.fresh(waiting)).opened_at == clock.now()
    (told,) = await changes(world.service, waiting, closed, unset, shut)
    assert (told.row_id, (told.before or {})["state"]) == (waiting.id, "SCHEDULED")


async def test_two_processes_announce_what_is_due_once(world: World, clock: ManualClock, ann: Person, begins: Any):
    sessions = [await world.session(await world.community(owner=ann), starts_at=begins) for _ in range(3)]
    clock.advance(hours=1)
    await asyncio.gather(*(timetable.tick(world.service.means) for _ in range(4)))
    assert len(await changes(world.service, *sessions)) == 3


async def test_two_services_on_one_database_do_what_is_due_once(
    world: World, clock: ManualClock, ann: Person, begins: Any, database_url: str
):
    """Each with connections of its own, as processes have them."""
    sessions = [await world.session(await world.community(owner=ann), starts_at=begins) for _ in range(3)]
    board = await world.board(await world.community(owner=ann), state=BoardState.SCHEDULED, opens_at=begins)
    clock.advance(hours=1)
    other = make_service(database_url, clock)
    both = [world.service.means, other.means]
    await asyncio.gather(*(timetable.tick(means) for means in both * 3))
    await other.database.close()
    assert len(await changes(world.service, *sessions)) == 3
    assert len(await changes(world.service, board)) == 1
    assert await states(world, *sessions, board) == ["LIVE", "LIVE", "LIVE", "OPEN"]


async def test_of_very_many_at_once_only_that_there_are_is_told(
    world: World, clock: ManualClock, ann: Person, begins: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(transactions, "BULK_MOST", 2)
    sessions = [await world.session(await world.community(owner=ann), starts_at=begins) for _ in range(3)]
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    assert await states(world, *sessions) == ["LIVE"] * 3
    assert await changes(world.service, *sessions) == []
    (told,) = await changes(world.service, world.network)
    assert (told.kind, told.topics) == (Kind.RIGHTS, [topics.schedule(world.network.id)])


async def test_a_service_looks_at_the_clock_by_itself(database_url: str, clock: ManualClock):
    settings = Settings(database_url=database_url, secret_key=SecretStr("a secret for tests, long enough"))
    service = Service(settings, clock, tick=0.01)
    async with service.running():
        world = await World.make(service)
        session = await world.session(await world.community(), starts_at=clock.now() + timedelta(hours=1))
        clock.advance(hours=1)
        seen: list[str] = []

        async def look() -> None:
            while "LIVE" not in seen:
                seen.extend(await states(world, session))
                await asyncio.sleep(0.01)

        looking = asyncio.create_task(look())
        await until(looking.done)
    assert seen[-1] == "LIVE"


async def test_what_was_taken_back_is_forgotten_after_thirty_days(world, ann, bob, community, board, clock):
    question = await world.question(board, bob, "Oops", state=QuestionState.PENDING)
    await bob.client.do(do.WITHDRAW_QUESTION, questionId=gid(question))
    for days, body in ((29, "Oops"), (2, "")):
        clock.advance(seconds=days * 86_400)
        await timetable.tick(world.service.means)
        assert (await world.fresh(question)).body == body
    before = len(await changes(world.service))
    await timetable.tick(world.service.means)
    assert len(await changes(world.service)) == before


async def test_a_board_in_an_archive_stays_shut(world, ann, community, clock):
    board = await world.board(community, state=BoardState.SCHEDULED, opens_at=clock.now())
    await ann.client.do(do.ARCHIVE, communityId=gid(community))
    clock.advance(seconds=60)
    await timetable.tick(world.service.means)
    assert (await world.fresh(board)).state is BoardState.SCHEDULED
