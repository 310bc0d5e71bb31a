"""One live operation: what it is owed, in order, and how far it has come."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from models import Change, Kind
from realtime.operation import BOUND, Event, Mark, Operation, Outcome, Ref

AT = datetime(2026, 3, 2, tzinfo=UTC)
A, B = Ref("Question", uuid4()), Ref("Question", uuid4())


def operation(mark: int = 0) -> Operation:
    return Operation("subject", UUID(int=1), frozenset(), Mark(mark, mark))


def change(position: int, ref: Ref = A, kind: Kind = Kind.ROW) -> Change:
    return Change(position=position, kind=kind, topics=[], noun=ref.noun, row_id=ref.row_id, at=AT)


def counted(position: int, ref: Ref = A) -> Change:
    return change(position, ref, Kind.COUNTERS)


def test_rows_come_in_the_order_in_which_they_were_pushed():
    op = operation()
    for position, outcome in ((3, Outcome.ADDED), (5, Outcome.CHANGED), (9, Outcome.REMOVED)):
        op.push(change(position), outcome)
    assert [op.next_row() for _ in range(3)] == [
        Event(Outcome.ADDED, Mark(3, 3), (A,)),
        Event(Outcome.CHANGED, Mark(5, 5), (A,)),
        Event(Outcome.REMOVED, Mark(9, 9), (A,)),
    ]


def test_counters_of_one_row_are_told_once_and_rows_do_not_wait_for_them():
    op = operation()
    for position, ref in ((1, A), (2, B), (3, A)):
        op.push(counted(position, ref), Outcome.COUNTERS)
    op.push(change(4), Outcome.CHANGED)
    assert op.next_row() == Event(Outcome.CHANGED, Mark(4, 0), (A,))
    assert op.flush(4) == Event(Outcome.COUNTERS, Mark(4, 4), (A, B))
    assert op.counters == {}


def test_a_mark_never_says_that_a_counter_was_told_that_waits():
    op = operation()
    op.push(change(1), Outcome.ADDED)
    op.push(counted(2), Outcome.COUNTERS)
    op.push(change(3), Outcome.ADDED)
    assert [op.next_row().mark for _ in range(2)] == [Mark(1, 1), Mark(3, 1)]
    assert op.tell(Outcome.HEARTBEAT, 7).mark == Mark(7, 1)
    assert op.flush(8).mark == Mark(8, 8)


def test_a_mark_never_says_that_a_counter_was_told_that_has_not_been_read_from_the_log():
    """While an operation catches up, what is pushed meanwhile lies ahead of what it still has to read."""
    op = operation()
    op.rejoin(10)
    op.push(counted(12), Outcome.COUNTERS)
    assert op.tell(Outcome.ADDED, 3, A).mark == Mark(3, 3)


def test_a_mark_never_goes_back():
    op = operation(5)
    assert op.tell(Outcome.ADDED, 7, A).mark == Mark(7, 7)
    assert op.tell(Outcome.HEARTBEAT, 6).mark == Mark(7, 7)
    op.push(counted(6), Outcome.COUNTERS)
    assert op.tell(Outcome.HEARTBEAT, 8).mark == Mark(8, 7)


def test_what_is_full_counts_what_it_misses_and_takes_no_more_until_it_has_rejoined():
    op = operation()
    for position in range(1, BOUND + 4):
        op.push(change(position), Outcome.CHANGED)
    assert (len(op.rows), op.missed) == (BOUND, 3)
    op.next_row()
    op.push(change(BOUND + 4), Outcome.CHANGED)
    assert (len(op.rows), op.missed) == (BOUND - 1, 4), "a later row must not overtake those that were missed"
    assert op.lagged() == Event(Outcome.LAGGED, Mark(1, 1), skipped=4)


def test_counters_collapse_also_when_rows_are_full():
    op = operation()
    for position in range(1, BOUND + 2):
        op.push(change(position), Outcome.CHANGED)
        op.push(counted(position), Outcome.COUNTERS)
    assert (len(op.counters), op.missed) == (1, 1)


def test_after_rejoining_what_comes_from_the_log_is_not_taken_twice():
    op = operation(4)
    op.push(change(5), Outcome.ADDED)
    op.push(counted(6), Outcome.COUNTERS)
    op.rejoin(7)
    assert (list(op.rows), op.counters, op.missed) == ([], {}, 0)
    for position in (6, 7):
        op.push(change(position), Outcome.CHANGED)
        op.push(counted(position), Outcome.COUNTERS)
    assert (list(op.rows), op.counters) == ([], {})
    op.push(change(8), Outcome.CHANGED)
    op.push(counted(8), Outcome.COUNTERS)
    assert (len(op.rows), op.counters) == (1, {A: 8})


def test_whoever_is_ahead_of_the_process_is_not_told_again():
    """A cursor of a faster process: what this one has yet to hear was told there."""
    op = operation(20)
    op.rejoin(10)
    op.push(change(20), Outcome.CHANGED)
    assert list(op.rows) == []
    op.push(change(21), Outcome.CHANGED)
    assert len(op.rows) == 1


def test_it_is_ready_when_something_was_pushed():
    op = operation()
    assert not op.ready.is_set()
    op.push(change(1), Outcome.ADDED)
    assert op.ready.is_set()
