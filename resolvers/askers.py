"""Who asks on a board: as whom, whether they are muted there, and how much they may ask."""

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, func, or_
from sqlmodel import col

from models import (
    Anonymity,
    AskerMute,
    AuthorSeal,
    Kind,
    Member,
    Question,
    QuestionBoard,
    QuestionState,
    Visit,
)
from models.base import UTCDateTime
from realtime import topics
from resolvers import policy
from resolvers.cipher import Cipher
from resolvers.context import Context
from resolvers.errors import Flaw, Forbidden, Invalid, Limited, NotFound
from resolvers.form import is_storable
from resolvers.session import Reader, Transaction

HANDLE_BYTES = 8
MINUTE = timedelta(minutes=1)
OPEN = (QuestionState.PENDING, QuestionState.VISIBLE)


@dataclass(frozen=True)
class Asker:
    """Whose name stands on a question: a member's, a visitor's, or nobody's."""

    anonymous: bool
    handle: str
    member_id: UUID | None = None
    visitor_name: str | None = None

    @property
    def is_sealed(self) -> bool:
        """The row does not say who asked."""
        return self.member_id is None


async def of_viewer(ctx: Context, tx: Transaction, board: QuestionBoard, *, anonymous: bool | None) -> Asker:
    hidden = _is_anonymous(board.anonymity, anonymous)
    handle = handle_of(ctx.means.cipher, board.id, ctx.viewer, anonymous=hidden)
    if hidden:
        return Asker(hidden, handle)
    member = await tx.find(
        Member,
        Member.network_id == board.network_id,
        Member.principal_id == ctx.viewer,
        policy.is_here(Member, tx.now),
    )
    if member:
        return Asker(hidden, handle, member_id=member.id)
    visit = await tx.find(Visit, Visit.board_id == board.id, Visit.principal_id == ctx.viewer)
    if visit is None:
        raise NotFound
    return Asker(hidden, handle, visitor_name=visit.name)


def _is_anonymous(anonymity: Anonymity, wanted: bool | None) -> bool:  # noqa: FBT001 - what was asked for, if anything
    if wanted and anonymity is Anonymity.FORBIDDEN:
        raise Forbidden("no_anonymous_questions")
    if wanted is False and anonymity is Anonymity.FORCED:
        raise Forbidden("only_anonymous_questions")
    return anonymity in {Anonymity.DEFAULT, Anonymity.FORCED} if wanted is None else wanted


def handle_of(cipher: Cipher, board_id: UUID, principal_id: UUID, *, anonymous: bool) -> str:
    """One for what a person asks by name, another for what they ask without: or the first would tell the second."""
    content = board_id.bytes + principal_id.bytes + bytes([anonymous])
    return base64.b32encode(cipher.fingerprint("asker", content)[:HANDLE_BYTES]).decode().rstrip("=").lower()


async def admit(tx: Transaction, board: QuestionBoard, asker: Asker, body: str) -> None:
    """Refuse whoever is muted, writes too much, or has too much waiting. The board's row is locked."""
    if await tx.find(AskerMute, AskerMute.board_id == board.id, AskerMute.handle == asker.handle):
        raise Forbidden("asker_is_muted")
    check_length(board, body)
    asked = {"board_id": board.id, "since": tx.now - MINUTE}
    waiting, lately = (await tx.execute(_numbers(), asked)).one()
    if waiting >= board.open_per_asker:
        raise Limited(
            f"{board.open_per_asker} of your questions are waiting here: withdraw one, or wait for an answer."
        )
    if lately >= board.asks_per_minute:
        raise Limited(f"Here one asks {board.asks_per_minute} questions a minute.", int(MINUTE.total_seconds()))


@cache
def _numbers() -> Select[int, int]:
    """How many questions the viewer has waiting on a board, and how many they have asked there `since` then."""
    is_waiting = col(Question.state).in_(OPEN)
    is_late = col(Question.created_at) > bindparam("since", type_=UTCDateTime())
    on_board = col(Question.board_id) == bindparam("board_id", type_=Uuid())
    mine = policy.own_question.selection.where(on_board, or_(is_waiting, is_late))
    numbers = func.count().filter(is_waiting), func.count().filter(is_late)
    return mine.with_only_columns(*numbers, maintain_column_froms=True)


def check_length(board: QuestionBoard, body: str) -> None:
    if len(body) > board.max_length:
        raise Invalid(Flaw(f"body has more than {board.max_length} characters", ("input", "body")))


async def seal(tx: Transaction, question: Question) -> None:
    await tx.add(AuthorSeal(question_id=question.id, principal_id=tx.viewer))


async def mute(ctx: Context, board_id: UUID, *, handle: str, muted: bool) -> QuestionBoard:
    """Refuse this asker's further questions, or take them again. What was asked stays."""
    async with ctx.transaction() as tx:
        board = await tx.get(policy.manage_board, board_id)
        this = (Question.board_id == board_id, Question.asker_handle == handle)
        if not is_storable(handle) or not await tx.find(Question.id, *this):
            raise Invalid(Flaw("Nobody here has asked under this handle.", ("handle",)))
        if muted:
            await tx.add_once(AskerMute(board_id=board_id, handle=handle))
        else:
            await tx.raw(delete(AskerMute).where(col(AskerMute.board_id) == board_id, col(AskerMute.handle) == handle))
        tx.announce([topics.panel(board_id)], Kind.ROW, board)
        return tx.answer(board)


async def muted(db: Reader, board_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The handles that are muted on each of the boards."""
    found: dict[UUID, list[str]] = {id: [] for id in board_ids}
    these = col(AskerMute.board_id).in_(board_ids)
    for mute_ in await db.find_all(AskerMute, these, order=AskerMute.handle):
        found[mute_.board_id].append(mute_.handle)
    return found
