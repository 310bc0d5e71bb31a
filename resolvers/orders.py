"""The orders in which the hall reads its questions, and an order that stays as it is while one reads."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import col

from models import BoardOrder, Question, QuestionBoard, QuestionState, ShowCounts
from resolvers import policy
from resolvers.cipher import Cipher, from_text, to_text
from resolvers.errors import StaleCursor
from resolvers.live import Subject
from resolvers.paging import Listing, Page, Slice, cut
from resolvers.policy import Condition
from resolvers.session import Reader

FROZEN_MOST = 1_000

# Only its cursors are used: they name a place in the frozen order.
FROZEN = Listing("questions_frozen", policy.see_published_question, order=("number",))


@dataclass(frozen=True)
class Order:
    """`keep` says which questions are in a list of this order at all."""

    listing: Listing[Question]
    keep: Callable[[Any], Sequence[Condition]]


def _order(name: str, column: str, keep: Callable[[Any], Sequence[Condition]] = lambda _question: ()) -> Order:
    return Order(Listing(f"questions_{name}", policy.see_published_question, (column,), parent="board_id"), keep)


def _waits(question: Any) -> Sequence[Condition]:
    return (question.state == QuestionState.VISIBLE,)


NEW = _order("new", "-published_at")
ORDERS = {
    BoardOrder.TOP: _order("top", "-votes"),
    BoardOrder.NEW: NEW,
    BoardOrder.MANUAL: _order("manual", "rank"),
    BoardOrder.UNANSWERED: _order("unanswered", "-votes", _waits),
    BoardOrder.RECORDING: _order("recording", "timecode_ms", lambda question: (question.timecode_ms.is_not(None),)),
}
# Where the viewer may not see the counts, an order by counts would tell them.
WITHOUT_COUNTS = ORDERS | {BoardOrder.TOP: NEW, BoardOrder.UNANSWERED: _order("waiting", "-published_at", _waits)}


async def of_board(db: Reader, board: QuestionBoard, wanted: BoardOrder | None) -> Order:
    """The order that was asked for, or the board's own, as far as the viewer may see its counts."""
    is_counted = board.show_counts is ShowCounts.ALWAYS
    if not is_counted:
        is_counted = bool(await db.audience(policy.count_on_board.now, board.id, {db.viewer}))
    return (ORDERS if is_counted else WITHOUT_COUNTS)[wanted or board.order]


async def freeze(db: Reader, cipher: Cipher, subject: Subject, order: Order) -> str:
    """A token that holds the order as it is now: the numbers of the questions, sealed."""
    rows = (await order.listing.read(db, Page(FROZEN_MOST), *kept(subject, order))).rows
    numbers = [question.number or 0 for question in rows]
    return to_text(cipher.seal(_purpose(subject), struct.pack(f">{len(numbers)}I", *numbers)))


def thaw(cipher: Cipher, subject: Subject, token: str) -> list[int]:
    """The numbers in their order. StaleCursor for what was frozen elsewhere."""
    try:
        content = cipher.open(_purpose(subject), from_text(token))
    except ValueError as error:
        raise StaleCursor from error
    return list(struct.unpack(f">{len(content) // 4}I", content))


async def read_frozen(db: Reader, subject: Subject, numbers: Sequence[int], page: Page) -> Slice[Question]:
    """The questions in the frozen order, as they are now; those that have left the hall are left out."""
    listed = list(enumerate(numbers))
    listed = [(place, number) for place, number in listed if _is_within(place, page)]
    if page.backwards:
        listed.reverse()
    rows, keys = [], []
    held = await _numbered(db, subject, [number for _, number in listed])
    for place, number in listed:
        if question := held.get(number):
            rows.append(question)
            keys.append((place, question.id))
    return cut(rows, keys, page)


def _is_within(place: int, page: Page) -> bool:
    is_behind = page.after is None or place > page.after[0]
    return is_behind and (page.before is None or place < page.before[0])


async def _numbered(db: Reader, subject: Subject, numbers: Sequence[int]) -> dict[int, Question]:
    shown = db.select(policy.see_published_question).where(*kept(subject), col(Question.number).in_(numbers))
    return {question.number or 0: question for question in await db.all(shown)}


async def count_new(db: Reader, subject: Subject, numbers: Sequence[int]) -> int:
    """How many questions the hall has that the frozen order does not hold."""
    shown = db.select(policy.see_published_question).where(*kept(subject))
    return await db.total(shown.where(col(Question.number).not_in(numbers)))


def kept(subject: Subject, order: Order | None = None) -> Sequence[Condition]:
    """What keeps a list within its feed and its order."""
    source = subject.source("Question")
    return (*(source.where(Question) if source else ()), *(order.keep(Question) if order else ()))


def _purpose(subject: Subject) -> str:
    return f"order:{subject.row.id.hex}"
