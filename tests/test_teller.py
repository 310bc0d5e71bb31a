"""The teller: by what is remembered where that held, anew where it did not, and never in silence."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from models import Change, Kind
from realtime.mailbox import Mailbox
from realtime.operation import Event, Mark, Operation, Outcome, Party, Ref
from realtime.teller import STALE, Teller, Telling
from tests.house import AT

MARK = Mark(7, 7)


def change(position: int = 7) -> Change:
    return Change(kind=Kind.ROW, topics=["t"], noun="Question", row_id=uuid4(), at=AT, position=position)


def operation(viewer: int) -> Operation:
    return Operation("subject", UUID(int=viewer), Mailbox(), Mark(0, 0), is_live=True)


class Hall:
    """Who stands alike is remembered wrongly; asked one by one, only Ann may see."""

    def __init__(self) -> None:
        self.ann, self.bob = operation(1), operation(2)
        self.asked: list[bool] = []
        self.behind: list[Callable[[], bool]] = []
        self.broken: set[str] = set()
        self.heard: list[int | None] = []
        self.looked: list[int] = []

    def hear(self, change: Change) -> None:
        self.heard.append(change.position)

    def forget_all(self) -> None:
        self.heard.append(None)

    async def is_behind(self, position: int) -> bool:
        self.looked.append(position)
        return self.behind.pop(0)() if self.behind else False

    async def outcomes(
        self, subject: Any, change: Change, operations: Collection[Operation], *, alike: bool
    ) -> Collection[tuple[Outcome, Party]]:
        self._look("outcomes", alike=alike)
        seen = list(operations) if alike else [one for one in operations if one is self.ann]
        return [(Outcome.CHANGED, Party(seen, "alike" if alike else None))] if seen else []

    async def parties(self, subject: Any, operations: Collection[Operation], *, alike: bool) -> Collection[Party]:
        self._look("parties", alike=alike)
        return [Party(list(operations), "alike")] if alike else [Party([one]) for one in operations]

    def _look(self, what: str, *, alike: bool) -> None:
        self.asked.append(alike)
        if f"{what} {'alike' if alike else 'alone'}" in self.broken:
            raise RuntimeError("not now")

    async def render(
        self, subject: Any, event: Event, parties: Collection[Party]
    ) -> Collection[tuple[Any, Sequence[Operation]]]:
        if "render" in self.broken:
            raise RuntimeError("broken")
        return [(event.outcome, party.operations) for party in parties]


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
def teller(hall: Hall) -> Teller:
    teller = Teller(hall, hall.render)
    teller.hear(change(position=7))
    return teller


def raising() -> bool:
    raise RuntimeError("the database has gone")


def told(tellings: Sequence[Telling]) -> list[tuple[Outcome, list[Operation]]]:
    return [(payload, list(operations)) for _, payload, operations in tellings]


async def test_what_is_remembered_is_believed_where_no_rights_have_changed(hall: Hall, teller: Teller):
    tellings = await teller.of_change("subject", change(), MARK, [hall.ann, hall.bob])
    assert told(tellings) == [(Outcome.CHANGED, [hall.ann, hall.bob])]
    assert (hall.asked, hall.looked) == ([True], [7])


@pytest.mark.parametrize("behind", [lambda: True, raising], ids=["they have changed", "nobody can say"])
async def test_where_rights_changed_unheard_it_is_worked_out_anew_exactly(
    hall: Hall, teller: Teller, behind: Callable[[], bool]
):
    hall.behind = [behind]
    tellings = await teller.of_change("subject", change(), MARK, [hall.ann, hall.bob])
    assert told(tellings) == [(Outcome.CHANGED, [hall.ann])]
    assert hall.asked == [True, False]


async def test_a_change_that_is_heard_while_it_is_worked_out_counts_as_unheard(hall: Hall, teller: Teller):
    """Cohorts work while the others go on: what was read before may have been put together with what was read after."""

    async def slowly(*arguments: Any, **more: Any) -> Any:
        teller.hear(change(position=9))
        return await Hall.outcomes(hall, *arguments, **more)

    hall.outcomes = slowly  # type: ignore[method-assign]
    await teller.of_change("subject", change(), MARK, [hall.ann])
    assert (teller.position, hall.looked) == (9, [7])


async def test_of_those_for_whom_it_cannot_be_told_all_must_look_for_themselves(hall: Hall, teller: Teller):
    hall.broken = {"outcomes alike"}
    tellings = await teller.of_change("subject", change(), MARK, [hall.ann, hall.bob])
    assert told(tellings) == [(Outcome.RESYNC, [hall.ann]), (Outcome.RESYNC, [hall.bob])]
    assert {telling.event.mark for telling in tellings} == {MARK}


async def test_what_cannot_be_told_alike_is_told_exactly_where_rights_have_changed_too(hall: Hall, teller: Teller):
    hall.broken, hall.behind = {"outcomes alike"}, [lambda: True]
    tellings = await teller.of_change("subject", change(), MARK, [hall.ann, hall.bob])
    assert told(tellings) == [(Outcome.CHANGED, [hall.ann])]


async def test_what_cannot_be_rendered_ends_each_of_them_with_its_failure(hall: Hall, teller: Teller):
    hall.broken = {"render"}
    assert await teller.of_change("subject", change(), MARK, [hall.ann, hall.bob]) == []
    assert [str(one.failure) for one in (hall.ann, hall.bob)] == ["broken"] * 2
    assert all(one.is_ended and not one.is_live for one in (hall.ann, hall.bob))


async def test_where_nobody_can_say_who_stands_alike_counters_are_told_to_each_alone(hall: Hall, teller: Teller):
    """It must not end with an exception: whoever flushes counters does so for all feeds of the process."""
    hall.broken = {"parties alike"}
    event = Event(Outcome.COUNTERS, MARK, (Ref("Question", uuid4()),))
    tellings = await teller.of_event("subject", event, [hall.ann, hall.bob])
    assert told(tellings) == [(Outcome.COUNTERS, [hall.ann]), (Outcome.COUNTERS, [hall.bob])]


async def test_counters_are_told_exactly_where_rights_changed_unheard(hall: Hall, teller: Teller):
    hall.behind = [lambda: True]
    event = Event(Outcome.COUNTERS, MARK, (Ref("Question", uuid4()),))
    tellings = await teller.of_event("subject", event, [hall.ann, hall.bob])
    assert [operations for _, operations in told(tellings)] == [[hall.ann], [hall.bob]]


async def test_of_what_everybody_may_know_no_rights_are_asked(hall: Hall, teller: Teller):
    tellings = await teller.of_event("subject", STALE, [hall.ann])
    assert told(tellings) == [(Outcome.RESYNC, [hall.ann])]
    assert hall.looked == []


ASKS: dict[str, Callable[[Teller], Awaitable[Any]]] = {
    "a change": lambda teller: teller.of_change("subject", change(), MARK, []),
    "counters": lambda teller: teller.of_event("subject", Event(Outcome.COUNTERS, MARK, (Ref("x", uuid4()),)), []),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
async def test_for_nobody_nothing_is_asked(hall: Hall, teller: Teller, ask: Callable[[Teller], Awaitable[Any]]):
    assert not await ask(teller)
    assert (hall.asked, hall.looked) == ([], [])


async def test_what_was_trimmed_before_it_was_heard_may_have_been_anything(hall: Hall, teller: Teller):
    teller.skip(20)
    assert (teller.position, hall.heard) == (20, [7, None])
