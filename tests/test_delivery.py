"""Delivery: what each change means to each live operation, driven directly."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from models import Head, Kind
from realtime import delivery, mailbox
from realtime.delivery import TooSlow
from realtime.mailbox import BOUND
from realtime.operation import Event, Mark, Outcome
from realtime.teller import Telling
from realtime.topics import Topic
from resolvers.errors import NotFound
from tests.client import until
from tests.house import HERE, OTHER, THERE, VIEWER, House, furnished


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with furnished(database_url) as house:
        yield house


async def test_an_operation_hears_its_topics_and_no_others(house: House):
    listener = await house.follow().joined()
    await house.tell(Kind.ROW, topic=THERE)
    (change,) = await house.tell(Kind.ROW)
    told = await listener.told()
    assert (told.outcome, told.mark.position, told.refs[0].row_id) == (Outcome.CHANGED, change.position, change.row_id)


async def test_whoever_sees_nothing_is_told_nothing(house: House):
    listener = await house.follow().joined()
    house.outcomes = {}
    await house.tell(Kind.ROW, Kind.ROW)
    house.outcomes = {VIEWER: Outcome.ADDED}
    (change,) = await house.tell(Kind.ROW)
    assert (await listener.told()).outcome is Outcome.ADDED
    assert change.position == 3


async def test_one_question_is_asked_for_all_who_follow_the_same_and_they_are_told_once(house: House):
    listeners = [house.follow(viewer) for viewer in (VIEWER, VIEWER, OTHER)] + [house.follow(OTHER, subject="other")]
    for listener in listeners:
        await listener.joined()
    await house.tell(Kind.ROW)
    assert sorted(house.asked, key=repr) == [("board", 1, {VIEWER, OTHER}), ("other", 1, {OTHER})]
    assert sorted(alike for _, alike in house.rendered) == [1, 3]
    assert {(await listener.told()).mark.position for listener in listeners} == {1}


async def test_an_empty_audience_is_nobody(house: House):
    house.outcomes = {}
    await house.tell(Kind.ROW)
    assert house.asked == []


async def test_whoever_joins_while_a_change_is_told_hears_it_once(house: House):
    first = await house.follow().joined()
    (change,) = await house.write(Kind.ROW)
    before = Mark((change.position or 0) - 1, (change.position or 0) - 1)
    house.gate.clear()
    dispatch = asyncio.create_task(house.delivery.dispatch(change))
    await until(lambda: len(house.asked) == 1)
    late = house.follow(after=before)
    await until(lambda: len(house.asked) == 2)
    house.gate.set()
    await dispatch
    assert (await first.told()).mark == (await late.told()).mark == Mark(1, 1)
    await late.joined()
    (second,) = await house.tell(Kind.ROW)
    assert (await late.told()).mark.position == second.position == 2


async def test_what_comes_while_one_is_admitted_is_not_missed(house: House):
    async def admit() -> frozenset[Topic]:
        await house.tell(Kind.ROW)
        return frozenset({HERE})

    listener = house.follow(admit=admit)
    assert (await listener.told()).mark == Mark(1, 1)


async def test_what_comes_while_one_catches_up_is_told_behind_it(house: House):
    await house.tell(*[Kind.ROW] * 3)
    house.gate.clear()
    listener = house.follow(after=Mark(0, 0))
    await until(lambda: bool(house.asked))
    house.gate.set()
    await house.tell(*[Kind.ROW] * 3)
    assert [(await listener.told()).mark.position for _ in range(6)] == [1, 2, 3, 4, 5, 6]


async def test_whoever_is_ahead_of_this_process_is_not_told_again(house: House):
    """A cursor of a faster process."""
    listener = await house.follow(after=Mark(2, 2)).joined()
    await house.tell(*[Kind.ROW] * 3)
    assert (await listener.told()).mark == Mark(3, 3)


async def test_whoever_is_not_admitted_leaves_nothing_behind(house: House):
    async def refuse() -> frozenset[Topic]:
        raise NotFound

    listener = house.follow(admit=refuse, topics=frozenset({THERE}))
    with pytest.raises(NotFound):
        await listener.next()
    assert (house.delivery._index.topics, house.delivery.operations) == ({}, set())


async def test_whoever_leaves_leaves_nothing_behind(house: House):
    listener = await house.follow(topics=frozenset({THERE, HERE})).joined()
    assert set(house.delivery._index.topics) == {HERE, THERE}
    await listener.leave()
    assert (house.delivery._index.topics, house.delivery.operations) == ({}, set())


@pytest.mark.parametrize("ending", [Outcome.REVOKED, Outcome.RESYNC], ids=lambda outcome: outcome.value)
async def test_the_end_comes_after_what_was_owed_and_nothing_after_it(house: House, ending: Outcome):
    listener = await house.follow().joined()
    changes = await house.write(Kind.ROW, Kind.RIGHTS, Kind.ROW)
    for change, outcome in zip(changes, (Outcome.ADDED, ending, Outcome.ADDED), strict=True):
        house.outcomes = {VIEWER: outcome}
        await house.delivery.dispatch(change)
    assert [(await listener.told()).outcome for _ in range(2)] == [Outcome.ADDED, ending]
    assert await listener.next() is None
    assert house.delivery._index.topics == {}


async def test_counters_are_merged_and_come_at_most_once_in_a_while_with_the_last_value(house: House):
    """Hot numbers of two rows, moved many times: two messages at least the flush interval apart."""
    house.delivery._flush = 0.05
    rows = [uuid4(), uuid4()]
    listener = await house.follow().joined()
    async with house.living():
        told = []
        for total in (10, 20):
            for row in rows * 5:
                await house.tell(Kind.COUNTERS, row_id=row)
            told.append(await listener.told())
            while told[-1].mark.counters < total:
                told.append(await listener.told())
    assert {event.outcome for event in told} == {Outcome.COUNTERS}
    assert {ref.row_id for event in told for ref in event.refs} == set(rows)
    assert told[-1].mark == Mark(20, 20)
    flushed = [at for event, at in house.rendered_at if event.outcome is Outcome.COUNTERS]
    assert all(later - earlier >= 0.049 for earlier, later in pairwise(flushed))


async def test_counters_of_all_who_follow_the_same_are_rendered_once(house: House):
    for listener in (house.follow(VIEWER), house.follow(OTHER)):
        await listener.joined()
    await house.tell(Kind.COUNTERS, Kind.COUNTERS)
    async with house.living():
        await until(lambda: bool(house.rendered))
    ((event, alike),) = house.rendered
    assert (event.outcome, len(event.refs), alike) == (Outcome.COUNTERS, 2, 2)


async def test_counters_are_told_also_while_nobody_can_say_who_stands_alike(house: House):
    """An exception there would end the delivery of the whole process."""
    listener = await house.follow().joined()
    house.delivery._flush = 0.001
    async with house.living():
        house.is_blind = True
        await house.tell(Kind.COUNTERS)
        assert (await listener.told()).mark == Mark(1, 1)
        house.is_blind = False
        await house.tell(Kind.COUNTERS)
        assert (await listener.told()).mark == Mark(2, 2)


async def test_counters_wait_for_a_database_that_is_away_and_delivery_goes_on(house: House):
    house.delivery._flush = 0.01
    listener = await house.follow().joined()
    house.is_away = True
    async with house.living():
        await house.tell(Kind.COUNTERS, Kind.COUNTERS)
        await until(lambda: not house.delivery._turn.locked() and bool(house.delivery._counted))
        await asyncio.sleep(0.05)
        house.is_away = False
        told = await listener.told()
        assert (told.outcome, len(told.refs), told.mark) == (Outcome.COUNTERS, 2, Mark(2, 2))
        await house.tell(Kind.COUNTERS)
        assert (await listener.told()).mark == Mark(3, 3)


async def test_rows_do_not_wait_for_counters(house: House):
    listener = await house.follow().joined()
    await house.tell(Kind.COUNTERS, Kind.COUNTERS, Kind.ROW)
    told = await listener.told()
    assert (told.outcome, told.mark) == (Outcome.CHANGED, Mark(3, 0))


async def test_a_resume_repeats_no_row_and_loses_no_counter(house: House):
    """The counter at 2 was held back when the row at 3 was told: the cursor then says so."""
    await house.tell(Kind.ROW, Kind.COUNTERS, Kind.ROW, Kind.COUNTERS)
    listener = house.follow(after=Mark(3, 1))
    async with house.living():
        told = await listener.told()
    assert (told.outcome, len(told.refs), told.mark) == (Outcome.COUNTERS, 2, Mark(4, 4))


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
    async with house.living():
        for cut in range(1, 11):
            heard_rows: list[UUID] = []
            heard_counters: set[UUID] = set()
            mark = Mark(0, 0)
            while mark != Mark(30, 30):
                listener = house.follow(after=mark)
                for _ in range(cut):
                    told = await listener.told()
                    mark = told.mark
                    if told.outcome is Outcome.COUNTERS:
                        heard_counters |= {ref.row_id for ref in told.refs}
                    else:
                        heard_rows.append(told.refs[0].row_id)
                    if mark == Mark(30, 30):
                        break
                await listener.leave()
            assert (len(heard_rows), set(heard_rows), heard_counters) == (len(rows), rows, counters)


async def test_while_catching_up_no_cursor_runs_ahead_of_the_counters(house: House):
    await house.tell(Kind.ROW, Kind.COUNTERS, Kind.ROW)
    listener = house.follow(after=Mark(0, 0))
    assert [(await listener.told()).mark for _ in range(2)] == [Mark(1, 1), Mark(3, 1)]


async def test_a_slow_reader_is_told_that_it_lags_and_then_all_that_it_missed(house: House):
    listener = await house.follow().joined()
    changes = await house.write(*[Kind.ROW] * (BOUND + 20))
    for change in changes:
        await house.delivery.dispatch(change)
    told = [await listener.told()]
    while told[-1].mark.position < len(changes):
        told.append(await listener.told())
    lags = [event for event in told if event.outcome is Outcome.LAGGED]
    assert len(lags) == 1
    assert lags[0].skipped == len(changes) - BOUND
    rows = [event.mark.position for event in told if event.outcome is not Outcome.LAGGED]
    assert rows == list(range(1, len(changes) + 1))


async def test_a_slow_reader_keeps_nobody_waiting(house: House):
    slow, quick = await house.follow(VIEWER).joined(), await house.follow(OTHER).joined()
    for change in await house.write(*[Kind.ROW] * (BOUND + 20)):
        await house.delivery.dispatch(change)
        assert (await quick.told()).mark.position == change.position
    assert len(slow.mailbox) == BOUND


async def test_whoever_lags_three_times_in_a_minute_is_let_go(house: House, monkeypatch: pytest.MonkeyPatch):
    assert await _lags(house, monkeypatch, apart=0) == 3


async def test_whoever_lags_now_and_then_is_not_let_go(house: House, monkeypatch: pytest.MonkeyPatch):
    assert await _lags(house, monkeypatch, apart=31) == 5


async def _lags(house: House, monkeypatch: pytest.MonkeyPatch, *, apart: float) -> int:
    """How often a reader may lag, up to five times, when it does so that many seconds apart."""
    ahead = 0.0
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(delivery, "_now", lambda: loop.time() + ahead)
    monkeypatch.setattr(mailbox, "BOUND", 2)
    listener = await house.follow().joined()
    for lagged in range(1, 6):
        changes = await house.tell(*[Kind.ROW] * 4)
        heard: list[Event] = []
        while not heard or heard[-1].mark.position < (changes[-1].position or 0):
            try:
                heard.append(await listener.told())
            except TooSlow:
                return lagged
        assert [event.outcome for event in heard].count(Outcome.LAGGED) == 1
        ahead += apart
        await listener.joined()
    return 5


async def test_a_heartbeat_carries_a_cursor_from_which_nothing_is_missed(house: House):
    house.delivery._heartbeat = 0.02
    house.outcomes = {}
    listener = house.follow()
    async with house.living():
        await house.tell(Kind.ROW, Kind.ROW)
        told = await listener.told()
        while told.mark.position < 2:
            told = await listener.told()
    assert (told.outcome, told.mark, told.refs) == (Outcome.HEARTBEAT, Mark(2, 2), ())
    house.outcomes = {VIEWER: Outcome.ADDED}
    await house.tell(Kind.ROW)
    resumed = house.follow(after=told.mark)
    assert (await resumed.told()).mark == Mark(3, 3)


async def test_a_bell_rings_for_its_topics(house: House):
    with house.delivery.listen([HERE]) as bell:
        await house.tell(Kind.RIGHTS, topic=THERE)
        assert not bell.is_set()
        await house.tell(Kind.RIGHTS)
        assert bell.is_set()
    assert house.delivery._bells.topics == {}


async def test_a_position_is_settled_only_when_everybody_has_been_told(house: House):
    listener = await house.follow().joined()
    (change,) = await house.write(Kind.ROW)
    house.gate.clear()
    dispatch = asyncio.create_task(house.delivery.dispatch(change))
    await until(lambda: len(house.asked) == 1)
    assert (house.delivery.position, house.delivery.settled) == (1, 0)
    house.gate.set()
    await dispatch
    assert house.delivery.settled == 1
    assert (await listener.told()).mark.position == 1
    async with house.database.read() as session:
        assert (await session.scalars(select(Head))).one().position == 1


async def test_what_cannot_be_rendered_ends_the_feed_and_keeps_the_cursor(house: House):
    listener = await house.follow().joined()
    house.is_broken = True
    await house.tell(Kind.ROW)
    with pytest.raises(RuntimeError, match="broken"):
        await listener.next()
    house.is_broken = False
    again = house.follow(after=listener.operation.mark)
    assert (await again.told()).mark == Mark(1, 1)


async def test_what_is_not_for_somebody_delays_no_heartbeat(house: House):
    """By coming later it would tell that something has happened."""
    listener = await house.follow().joined()
    before = listener.operation.told_at
    house.has_nothing_to_say = True
    await asyncio.sleep(0.01)
    await house.tell(Kind.ROW)
    assert (listener.operation.told_at, house.delivery.told) == (before, 0)
    house.has_nothing_to_say = False
    await house.tell(Kind.ROW)
    assert (await listener.told()).mark == Mark(2, 2)
    assert listener.operation.told_at > before


async def test_what_is_not_for_somebody_is_not_counted_among_what_they_have_missed(house: House):
    operation = (await house.follow().joined()).operation
    operation.is_live, operation.missed = False, 2
    house.delivery._give(Telling(Event(Outcome.CHANGED, Mark(1, 1)), None, [operation]))
    assert operation.missed == 2
    house.delivery._give(Telling(Event(Outcome.CHANGED, Mark(1, 1)), "payload", [operation]))
    assert operation.missed == 3
