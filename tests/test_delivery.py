"""Delivery: what each change means to each live operation, driven directly."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from models import Database, Head, Kind
from realtime import delivery
from realtime.operation import BOUND, Mark, Outcome
from realtime.topics import Topic
from resolvers.errors import NotFound
from tests.client import until
from tests.house import HERE, OTHER, THERE, VIEWER, House


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    database = Database(database_url)
    house = House(database)
    async with house.broadcast:
        await house.delivery.start()
        yield house
    await database.close()


async def joined(house: House, count: int = 1) -> None:
    """All of them wait for what comes."""

    def waiting() -> bool:
        operations = set().union(*house.delivery._operations.values())
        return sum(bool(op.ready._waiters) for op in operations) == count

    await until(waiting)


async def test_an_operation_hears_its_topics_and_no_others(house: House):
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    await house.tell(Kind.ROW, topic=THERE)
    (change,) = await house.tell(Kind.ROW)
    told = await event
    assert (told.outcome, told.mark.position, told.refs[0].row_id) == (Outcome.CHANGED, change.position, change.row_id)
    await listener.events.aclose()


async def test_whoever_sees_nothing_is_told_nothing_and_the_mark_stays(house: House):
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    house.outcomes = {}
    await house.tell(Kind.ROW, Kind.ROW)
    assert not event.done()
    house.outcomes = {VIEWER: Outcome.ADDED}
    (change,) = await house.tell(Kind.ROW)
    assert (await event).outcome is Outcome.ADDED
    assert change.position == 3
    await listener.events.aclose()


async def test_one_question_is_asked_for_all_who_follow_the_same(house: House):
    listeners = [house.follow(viewer) for viewer in (VIEWER, VIEWER, OTHER)] + [house.follow(OTHER, subject="other")]
    events = [listener.begin() for listener in listeners]
    await joined(house, 4)
    house.asked.clear()
    await house.tell(Kind.ROW)
    assert sorted(house.asked, key=repr) == [("board", 1, {VIEWER, OTHER}), ("other", 1, {OTHER})]
    assert {(await event).mark.position for event in events} == {1}
    for listener in listeners:
        await listener.events.aclose()


async def test_an_empty_audience_is_nobody(house: House):
    house.outcomes = {}
    await house.tell(Kind.ROW)
    assert house.asked == []


async def test_whoever_joins_while_a_change_is_told_hears_it_once(house: House):
    first = house.follow()
    heard = first.begin()
    await joined(house)
    (change,) = await house.write(Kind.ROW)
    before = Mark((change.position or 0) - 1, (change.position or 0) - 1)
    house.gate.clear()
    dispatch = asyncio.create_task(house.delivery.dispatch(change))
    await until(lambda: len(house.asked) == 1)
    late = house.follow(after=before)
    caught = late.begin()
    await until(lambda: len(house.asked) == 2)
    house.gate.set()
    await dispatch
    assert (await heard).mark == (await caught).mark == Mark(1, 1)
    again = late.begin()
    (second,) = await house.tell(Kind.ROW)
    assert (await again).mark.position == second.position == 2
    for listener in (first, late):
        await listener.events.aclose()


async def test_what_comes_while_one_is_admitted_is_not_missed(house: House):
    async def admit() -> frozenset[Topic]:
        await house.tell(Kind.ROW)
        return frozenset({HERE})

    listener = house.follow(admit=admit)
    assert (await listener.next()).mark == Mark(1, 1)
    await listener.events.aclose()


async def test_whoever_is_not_admitted_leaves_nothing_behind(house: House):
    async def refuse() -> frozenset[Topic]:
        raise NotFound

    listener = house.follow(admit=refuse, topics=frozenset({THERE}))
    with pytest.raises(NotFound):
        await listener.next()
    assert house.delivery._operations == {}


async def test_whoever_leaves_leaves_nothing_behind(house: House):
    listener = house.follow(topics=frozenset({THERE, HERE}))
    event = listener.begin()
    await joined(house)
    assert set(house.delivery._operations) == {HERE, THERE}
    event.cancel()
    await asyncio.gather(event, return_exceptions=True)
    await listener.events.aclose()
    assert house.delivery._operations == {}


@pytest.mark.parametrize("ending", [Outcome.REVOKED, Outcome.RESYNC], ids=lambda outcome: outcome.value)
async def test_the_end_comes_after_what_was_owed_and_nothing_after_it(house: House, ending: Outcome):
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    changes = await house.write(Kind.ROW, Kind.RIGHTS, Kind.ROW)
    for change, outcome in zip(changes, (Outcome.ADDED, ending, Outcome.ADDED), strict=True):
        house.outcomes = {VIEWER: outcome}
        await house.delivery.dispatch(change)
    assert [(await event).outcome, (await listener.next()).outcome] == [Outcome.ADDED, ending]
    assert await listener.ended()
    assert house.delivery._operations == {}


async def test_counters_are_merged_and_come_at_most_once_in_a_while_with_the_last_value(house: House):
    """Hot numbers of two rows, moved many times: two messages at least the flush interval apart."""
    house.delivery._flush = 0.05
    rows = [uuid4(), uuid4()]
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    told = []
    for total in (10, 20):
        for row in rows * 5:
            await house.tell(Kind.COUNTERS, row_id=row)
        told.append(await event)
        while told[-1].mark.counters < total:
            told.append(await listener.next())
        event = listener.begin()
    assert {event.outcome for event in told} == {Outcome.COUNTERS}
    assert {ref.row_id for event in told for ref in event.refs} == set(rows)
    assert all(later - earlier >= 0.049 for earlier, later in pairwise(listener.times))
    assert len(listener.times) == len(told)
    assert told[-1].mark == Mark(20, 20)
    event.cancel()
    await asyncio.gather(event, return_exceptions=True)
    await listener.events.aclose()


async def test_rows_do_not_wait_for_counters(house: House):
    house.delivery._flush = 3600
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    await house.tell(Kind.COUNTERS)
    assert (await event).outcome is Outcome.COUNTERS
    event = listener.begin()
    await joined(house)
    await house.tell(Kind.COUNTERS, Kind.ROW)
    told = await event
    assert (told.outcome, told.mark) == (Outcome.CHANGED, Mark(3, 1))
    await listener.events.aclose()


async def test_a_resume_repeats_no_row_and_loses_no_counter(house: House):
    """The counter at 2 was held back when the row at 3 was told: the cursor then says so."""
    await house.tell(Kind.ROW, Kind.COUNTERS, Kind.ROW, Kind.COUNTERS)
    listener = house.follow(after=Mark(3, 1))
    told = await listener.next()
    assert (told.outcome, len(told.refs), told.mark) == (Outcome.COUNTERS, 2, Mark(4, 4))
    await listener.events.aclose()


async def test_a_cut_at_any_point_loses_nothing_and_doubles_no_row(house: House):
    """However rows and counters lie, whoever resumes from any event has in the end heard each row once and each
    counter since.
    """
    house.delivery._flush = 0.001
    changes = await house.write(*[Kind.COUNTERS if n % 3 else Kind.ROW for n in range(30)])
    for change in changes:
        await house.delivery.dispatch(change)
    rows = {change.row_id for change in changes if change.kind is Kind.ROW}
    counters = {change.row_id for change in changes if change.kind is Kind.COUNTERS}
    for cut in range(1, 11):
        heard_rows: list[UUID] = []
        heard_counters: set[UUID] = set()
        mark = Mark(0, 0)
        for _ in range(40):
            listener = house.follow(after=mark)
            for _ in range(cut):
                told = await listener.next()
                mark = told.mark
                if told.outcome is Outcome.COUNTERS:
                    heard_counters |= {ref.row_id for ref in told.refs}
                else:
                    heard_rows.append(told.refs[0].row_id)
                if mark == Mark(30, 30):
                    break
            await listener.events.aclose()
            if mark == Mark(30, 30):
                break
        assert (len(heard_rows), set(heard_rows), heard_counters) == (len(rows), rows, counters)


async def test_while_catching_up_no_cursor_runs_ahead_of_the_counters(house: House):
    await house.tell(Kind.ROW, Kind.COUNTERS, Kind.ROW)
    listener = house.follow(after=Mark(0, 0))
    first = await listener.next()
    await house.tell(Kind.COUNTERS)
    assert first.mark == Mark(1, 1)
    second = await listener.next()
    assert second.mark.counters <= 1
    await listener.events.aclose()


async def test_a_slow_reader_is_told_that_it_lags_and_then_all_that_it_missed(house: House):
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    changes = await house.write(*[Kind.ROW] * (BOUND + 20))
    for change in changes:
        await house.delivery.dispatch(change)
    told = [await event]
    while told[-1].mark.position < len(changes):
        told.append(await listener.next())
    lags = [event for event in told if event.outcome is Outcome.LAGGED]
    assert len(lags) == 1
    assert lags[0].skipped == len(changes) - BOUND
    rows = [event.mark.position for event in told if event.outcome is not Outcome.LAGGED]
    assert rows == list(range(1, len(changes) + 1))
    await listener.events.aclose()


async def test_whoever_lags_three_times_in_a_minute_is_let_go(house: House, monkeypatch: pytest.MonkeyPatch):
    assert await _lags(house, monkeypatch, apart=0) == 3


async def test_whoever_lags_now_and_then_is_not_let_go(house: House, monkeypatch: pytest.MonkeyPatch):
    assert await _lags(house, monkeypatch, apart=31) == 5


async def _lags(house: House, monkeypatch: pytest.MonkeyPatch, *, apart: float) -> int:
    """How often a reader may lag, up to five times, when it does so that many seconds apart."""
    ahead = 0.0
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(delivery, "_now", lambda: loop.time() + ahead)
    monkeypatch.setattr("realtime.operation.BOUND", 2)
    house.delivery._heartbeat = 1e9
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    lagged = 0
    for _ in range(5):
        changes = await house.write(*[Kind.ROW] * 4)
        for change in changes:
            await house.delivery.dispatch(change)
        told = await event
        while told.outcome is not Outcome.LAGGED:
            told = await listener.next()
        lagged += 1
        ahead += apart
        event = listener.begin()
        try:
            while (await event).mark.position < (changes[-1].position or 0):
                event = listener.begin()
        except StopAsyncIteration:
            return lagged
        event = listener.begin()
        await joined(house)
    event.cancel()
    await asyncio.gather(event, return_exceptions=True)
    await listener.events.aclose()
    return lagged


async def test_a_heartbeat_carries_a_cursor_from_which_nothing_is_missed(house: House):
    house.delivery._heartbeat = 0.02
    house.outcomes = {}
    listener = house.follow()
    event = listener.begin()
    await house.tell(Kind.ROW, Kind.ROW)
    told = await event
    while told.mark.position < 2:
        told = await listener.next()
    assert (told.outcome, told.mark, told.refs) == (Outcome.HEARTBEAT, Mark(2, 2), ())
    await listener.events.aclose()
    house.outcomes = {VIEWER: Outcome.ADDED}
    await house.tell(Kind.ROW)
    resumed = house.follow(after=told.mark)
    assert (await resumed.next()).mark == Mark(3, 3)
    await resumed.events.aclose()


async def test_a_bell_rings_for_its_topics(house: House):
    with house.delivery.listen([HERE]) as bell:
        await house.tell(Kind.RIGHTS, topic=THERE)
        assert not bell.is_set()
        await house.tell(Kind.RIGHTS)
        assert bell.is_set()
    assert house.delivery._bells == {}


async def test_a_position_is_settled_only_when_everybody_has_been_told(house: House):
    listener = house.follow()
    event = listener.begin()
    await joined(house)
    (change,) = await house.write(Kind.ROW)
    house.gate.clear()
    dispatch = asyncio.create_task(house.delivery.dispatch(change))
    await until(lambda: len(house.asked) == 1)
    assert (house.delivery.position, house.delivery.settled) == (1, 0)
    house.gate.set()
    await dispatch
    assert house.delivery.settled == 1
    assert (await event).mark.position == 1
    await listener.events.aclose()
    async with house.database.read() as session:
        assert (await session.scalars(select(Head))).one().position == 1
