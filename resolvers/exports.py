"""What was asked on a board, as a file for those who run it."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import col

from models import Member, Poll, Question, QuestionBoard
from resolvers import contents, policy, polls
from resolvers.session import Reader

# A spreadsheet takes a cell for a formula that begins so. The last four are the same for some: full-width forms.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class ExportFormat(StrEnum):
    CSV = "CSV"
    JSON = "JSON"


@dataclass(frozen=True)
class Line:
    """A question, as far as the viewer may read it: by whom, if it was asked by name; times as everybody sees them."""

    number: int | None
    state: str
    question: str | None
    asker: str | None
    anonymous: bool
    votes: int
    labels: list[str]
    private_labels: list[str]
    source: str
    timecode_ms: int | None
    published_at: str | None
    answered_at: str | None
    answered_how: str | None
    answer: str | None
    answer_link: str | None
    answer_timecode_ms: int | None
    merged_into: int | None
    reject_reason: str | None


async def of_board(db: Reader, board: QuestionBoard, form: ExportFormat) -> str:
    """Everything on the board that the viewer moderates."""
    lines = await _lines(db, board)
    if form is ExportFormat.CSV:
        return _csv(lines)
    about = {"title": board.title, "state": board.state, "opened_at": _time(board.opened_at)}
    about["closed_at"] = _time(board.closed_at)
    content = {"board": about, "questions": [asdict(line) for line in lines], "polls": await _polls(db, board)}
    return json.dumps(content, ensure_ascii=False, indent=1)


async def _lines(db: Reader, board: QuestionBoard) -> list[Line]:
    """By number, and what has none by its random id: the order of asking would tell on anonymous askers."""
    on_board = col(Question.board_id) == board.id
    questions = await db.all(db.select(policy.moderate_question).where(on_board))
    readable = {question.id for question in await db.all(db.select(policy.read_question).where(on_board))}
    names = await _names(db, [question.author_id for question in questions if question.author_id])
    numbers = {question.id: question.number for question in questions}
    ordered = sorted(questions, key=lambda question: (question.number is None, question.number or 0, question.id))
    return [_line(question, names, numbers, is_readable=question.id in readable) for question in ordered]


async def _names(db: Reader, member_ids: Sequence[UUID]) -> dict[UUID, str]:
    found = await db.all(db.select(policy.see_member).where(col(Member.id).in_(set(member_ids))))
    return {member.id: member.name for member in found}


def _line(question: Question, names: dict[UUID, str], numbers: dict[UUID, int | None], *, is_readable: bool) -> Line:
    named = None if question.anonymous else question.visitor_name
    return Line(
        number=question.number,
        state=question.state,
        question=question.body if is_readable else None,
        asker=names.get(question.author_id) if question.author_id else named,
        anonymous=question.anonymous,
        votes=question.votes,
        labels=contents.tags_of(question.labels),
        private_labels=contents.tags_of(question.private_labels),
        source=question.source,
        timecode_ms=question.timecode_ms,
        published_at=_time(question.published_at),
        answered_at=_time(question.answered_at),
        answered_how=question.answered_how,
        answer=question.answer,
        answer_link=question.answer_link,
        answer_timecode_ms=question.answer_timecode_ms,
        merged_into=numbers.get(question.merged_into_id) if question.merged_into_id else None,
        reject_reason=question.reject_reason,
    )


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


async def _polls(db: Reader, board: QuestionBoard) -> list[dict[str, Any]]:
    on_board = db.select(policy.moderate_poll).where(col(Poll.board_id) == board.id)
    found = await db.all(on_board.order_by(col(Poll.created_at), col(Poll.id)))
    options = await polls.options_of(db, [poll.id for poll in found])
    return [
        {
            "title": poll.title,
            "state": poll.state,
            "choices_most": poll.choices_most,
            "anonymous": poll.anonymous,
            "opened_at": _time(poll.opened_at),
            "closed_at": _time(poll.closed_at),
            "voters": poll.voters,
            "options": [{"text": option.text, "votes": option.votes} for option in options[poll.id]],
        }
        for poll in found
    ]


def _csv(lines: Sequence[Line]) -> str:
    """As RFC 4180 has it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(Line.__dataclass_fields__)
    for line in lines:
        writer.writerow([cell(value) for value in asdict(line).values()])
    return text.getvalue()


def cell(value: Any) -> str:
    """Never a formula: a question is written by anybody, and opened in the spreadsheet of whoever runs the board."""
    if isinstance(value, bool):
        return str(value).lower()
    shown = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{shown}" if isinstance(value, (str, list)) and shown.startswith(FORMULA) else shown
