"""Cohorts: many who come back at once read the log together, and each gets exactly what they have missed."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from models import Change, Head, Kind
from realtime import cohorts
from realtime.cohorts import AT_ONCE
from realtime.mailbox import Mailbox
from realtime.operation import Event, Mark, Outcome
from tests.client import DEADLINE, until
from tests.house import VIEWER, House, Listener, furnished
from tests.traces import sent_to

MANY = 40


class Narrow(Mailbox):
    """Of a client that is slow to take what it is told."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self.refused = 0

    def take(self, payload: Any) -> bool:
        if len(self) >= self._room:
            self.refused += 1
            return False
        return super().take(payload)

    async def drained(self) -> None:
        while len(self):  # noqa: ASYNC110 - it is drawn from in the same loop
            await asyncio.sleep(0)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with furnished(database_url) as house:
        yield house


class Unreadable:
    """A log that nobody can read."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure
        self.asked = 0

    def read(self, *_: Any) -> Any:
        self.asked += 1
        raise self._failure


async def history(house: House, *kinds: Kind) -> list[Change]:
    """Written and dispatched before anybody comes."""
    changes = await house.write(*kinds)
    for change in changes:
        await house.delivery.dispatch(change)
    return changes


class Heard:
    """What one of those who came back was told."""

    def __init__(self, listener: Listener, begun: Mark) -> None:
        self.listener = listener
        self.begun = begun
        self.events: list[Event] = []

    async def until(self, position: int) -> "Heard":
        while not self.events or min(self.events[-1].mark) < position:
            self.events.append(await self.listener.told())
        return self

    def is_exact(self, changes: list[Change]) -> bool:
        """Each row behind their mark once, in order; and each counter that moved behind it, not before it moved."""
        rows = [one.row_id for one in changes if one.kind is Kind.ROW and (one.position or 0) > self.begun.position]
        counted = {c.row_id for c in changes if c.kind is Kind.COUNTERS and (c.position or 0) > self.begun.counters}
        told = [one for one in self.events if one.outcome is Outcome.CHANGED]
        heard = {ref.row_id for one in self.events if one.outcome is Outcome.COUNTERS for ref in one.refs}
        marks = [one.mark for one in self.events]
        return [one.refs[0].row_id for one in told] == rows and heard >= counted and marks == sorted(marks)


def kinds(chance: random.Random, count: int) -> list[Kind]:
    """The last is a row: so each hears an end, whatever they had heard before."""
    return [*(chance.choice([Kind.ROW, Kind.ROW, Kind.COUNTERS]) for _ in range(count - 1)), Kind.ROW]


async def test_many_who_come_back_at_once_are_read_for_in_few_statements(house: House):
    changes = await history(house, *[Kind.ROW] * 30)
    with sent_to(house.database) as said:
        back = [Heard(house.follow(after=Mark(0, 0)), Mark(0, 0)) for _ in range(MANY)]
        for one in back:
            assert (await one.until(30)).is_exact(changes)
            await one.listener.joined()
    assert len(said) == 1
    assert sum(alike for _, alike in house.rendered) == 30 * MANY
    assert len(house.asked) == 30


@pytest.mark.parametrize("seed", range(5))
async def test_each_gets_what_they_missed_wherever_they_were_and_however_fast_they_read(house: House, seed: int):
    """Rows and counters, marks all over the log, every third a slow reader, one who leaves, and changes meanwhile."""
    chance = random.Random(seed)
    changes = await history(house, *kinds(chance, 60))
    back: list[Heard] = []
    for n in range(MANY):
        position = chance.randrange(60)
        mark = Mark(position, chance.randrange(position + 1))
        mailbox = Narrow(chance.randrange(1, 5)) if n % 3 == 0 else None
        back.append(Heard(house.follow(UUID(int=n % 2 + 1), mark, mailbox=mailbox), mark))
    hearing = asyncio.gather(*(one.until(70) for one in back[1:]))
    await until(lambda: len(house.asked) > 5)
    await back[0].listener.leave()
    changes += await history(house, *kinds(chance, 10))
    async with asyncio.timeout(DEADLINE), house.living():
        await hearing
        for one in back[1:]:
            await one.listener.joined()
    assert [one.begun for one in back[1:] if not one.is_exact(changes)] == []
    assert sum(one.listener.mailbox.refused for one in back[1:] if isinstance(one.listener.mailbox, Narrow)) > 0


async def test_one_who_does_not_read_keeps_nobody_from_being_live(house: House):
    await history(house, *[Kind.ROW] * 20)
    stalled = house.follow(after=Mark(0, 0), mailbox=Narrow(3))
    others = [house.follow(after=Mark(0, 0)) for _ in range(5)]
    for other in others:
        await other.joined()
    assert not stalled.operation.is_live
    (change,) = await house.tell(Kind.ROW)
    heard = [[await other.told() for _ in range(21)][-1].mark.position for other in others]
    assert heard == [change.position] * 5
    assert [(await stalled.told()).mark.position for _ in range(21)] == list(range(1, 22))


async def test_cohorts_of_many_feeds_take_turns_and_all_come_to_their_end(house: House):
    await history(house, *[Kind.ROW] * 3)
    house.gate.clear()
    listeners = [house.follow(after=Mark(0, 0), subject=f"board {n}") for n in range(5 * AT_ONCE)]
    await until(lambda: len(house.asked) == AT_ONCE)
    await asyncio.sleep(0.01)
    assert len(house.asked) == AT_ONCE
    house.gate.set()
    for listener in listeners:
        assert [(await listener.told()).mark.position for _ in range(3)] == [1, 2, 3]
        await listener.joined()
    await until(lambda: not house.delivery._cohorts._tasks)
    assert house.delivery._cohorts._forming == {}


async def test_a_cohort_whose_log_cannot_be_read_ends_with_an_error_and_the_next_is_served(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    await history(house, *[Kind.ROW] * 3)
    with monkeypatch.context() as patch:
        patch.setattr(house.delivery._cohorts, "_feed", Unreadable(RuntimeError("no change can be read")))
        listeners = [house.follow(after=Mark(0, 0)) for _ in range(3)]
        for listener in listeners:
            with pytest.raises(RuntimeError, match="change"):
                await listener.next()
    again = house.follow(after=Mark(0, 0))
    assert [(await again.told()).mark.position for _ in range(3)] == [1, 2, 3]


async def test_while_the_database_is_away_a_cohort_waits_for_it(house: House, monkeypatch: pytest.MonkeyPatch):
    await history(house, *[Kind.ROW] * 3)
    monkeypatch.setattr(cohorts, "RETRY", 0.01)
    with monkeypatch.context() as patch:
        away = Unreadable(ConnectionError("away"))
        patch.setattr(house.delivery._cohorts, "_feed", away)
        listener = house.follow(after=Mark(0, 0))
        await until(lambda: away.asked > 2)
    assert [(await listener.told()).mark.position for _ in range(3)] == [1, 2, 3]


async def test_all_of_a_cohort_may_leave_before_it_begins(house: House):
    await history(house, Kind.ROW)
    house.gate.clear()
    busy = [house.follow(after=Mark(0, 0), subject=f"board {n}") for n in range(AT_ONCE)]
    await until(lambda: len(house.asked) == AT_ONCE)
    gone = house.follow(after=Mark(0, 0))
    await until(lambda: "board" in house.delivery._cohorts._forming)
    await gone.leave()
    with sent_to(house.database) as said:
        house.gate.set()
        for listener in busy:
            await listener.joined()
        await until(lambda: not house.delivery._cohorts._tasks)
    assert said == []
    assert (gone.operation.mark, gone.operation.is_live) == (Mark(0, 0), False)


async def test_of_a_log_that_is_trimmed_meanwhile_only_those_who_would_miss_something_look_anew(house: House):
    changes = await history(house, *[Kind.ROW] * 10)
    async with house.database.write(tells=False) as session:
        head = (await session.scalars(select(Head))).one()
        head.trimmed = 5
        for change in await session.scalars(select(Change).where(col(Change.position) <= 5)):
            await session.delete(change)
    late, near = house.follow(VIEWER, Mark(2, 2)), Heard(house.follow(VIEWER, Mark(6, 6)), Mark(6, 6))
    assert (await late.told()).outcome is Outcome.RESYNC
    assert await late.next() is None
    assert (await near.until(10)).is_exact(changes)
