"""One live operation: what it is told, in order, and how far it has come."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from realtime.operation import Event, Mark, Operation, Outcome, Party, Ref, by_mark

A = Ref("Question", uuid4())


class Client:
    """Takes so many payloads, and no more."""

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.taken = 0
        self.heard: list[Any] = []

    def take(self, payload: Any) -> bool:
        if self.room == len(self.heard):
            return False
        self.heard.append(payload)
        return True

    async def drained(self) -> None:
        self.heard.clear()


def operation(mark: int = 0, room: int = 100, viewer: int = 1) -> Operation:
    return Operation("subject", UUID(int=viewer), Client(room), Mark(mark, mark), is_live=True)


def heard(op: Operation) -> list[Any]:
    assert isinstance(op.sink, Client)
    return op.sink.heard


def test_what_is_given_moves_the_mark():
    op = operation()
    assert op.give(Event(Outcome.ADDED, Mark(3, 2), (A,)), "payload")
    assert (heard(op), op.mark) == (["payload"], Mark(3, 2))


def test_nothing_to_say_moves_the_mark_and_is_not_sent():
    op = operation()
    assert op.give(Event(Outcome.ADDED, Mark(3, 3), (A,)), None)
    assert (heard(op), op.mark) == ([], Mark(3, 3))


def test_what_the_client_cannot_take_leaves_the_mark_where_it_is():
    op = operation(room=0)
    assert not op.give(Event(Outcome.ADDED, Mark(3, 3), (A,)), "payload")
    assert (heard(op), op.mark, op.is_full) == ([], Mark(0, 0), True)


@pytest.mark.parametrize("ending", [Outcome.REVOKED, Outcome.RESYNC], ids=lambda outcome: outcome.value)
def test_an_ending_ends_it(ending: Outcome):
    op = operation()
    op.give(Event(ending, Mark(3, 3)), "payload")
    assert (op.is_ended, op.is_live, op.interrupted.is_set()) == (True, False, True)


def test_whoever_has_come_further_stays_there():
    """A cursor of a faster process: what this one has yet to hear was told there."""
    behind, ahead, level = operation(2), operation(20), operation(7)
    ahead.mark = Mark(20, 3)
    assert by_mark([behind, ahead, level], Mark(7, 6)) == {Mark(7, 6): [behind, level], Mark(20, 6): [ahead]}


def test_whoever_begins_is_owed_nothing_of_before():
    op = operation(5)
    op.missed = 3
    op.begin(4)
    assert (op.mark, op.missed, op.is_live) == (Mark(5, 5), 0, True)
    op.begin(9)
    assert op.mark == Mark(9, 9)


def test_a_party_is_divided_into_those_of_the_viewers_and_the_others():
    one, two, three = (operation(viewer=n) for n in (1, 2, 3))
    party = Party([one, two, three], "standing")
    assert party.divided({one.viewer, three.viewer}) == (
        [Party([one, three], "standing")],
        [Party([two], "standing")],
    )
    assert party.divided(set()) == ([], [party])
