"""Questions: asked, edited and taken back by those who ask them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_
from sqlmodel import col

from models import (
    Kind,
    Membership,
    MembershipState,
    Moderation,
    Question,
    QuestionAddressee,
    QuestionBoard,
    QuestionSource,
    QuestionState,
)
from realtime import topics
from resolvers import askers, policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid, NotFound
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.policy import Condition
from resolvers.session import Reader, Transaction

ALL = Listing("questions_all", policy.moderate_question, order=("-created_at",), parent="board_id")
SHOWN = Listing("questions_shown", policy.show_question, order=("-published_at",), parent="board_id")
MINE = Listing("questions_mine", policy.own_question, order=("-created_at",), parent="board_id")
MERGED = Listing("questions_merged", policy.moderate_question, order=("created_at",), parent="merged_into_id")

LONGEST_MS = 48 * 3_600_000
ADDRESSEES_MOST = 10
KEPT_WITHDRAWN = timedelta(days=30)


async def ask(
    ctx: Context,
    board_id: UUID,
    *,
    body: str,
    anonymous: bool | None = None,
    source: QuestionSource = QuestionSource.SESSION,
    timecode_ms: int | None = None,
    addressed_to: Collection[UUID] = (),
) -> Question:
    """Ask the panel. On a board with moderation the question waits until it is let through."""
    with form() as check:
        body = check.text("body", body, most=500)
        timecode_ms = check.optional(check.number, "timecodeMs", timecode_ms, least=0, most=LONGEST_MS)
        if (source is QuestionSource.RECORDING) != (timecode_ms is not None):
            check.flaw("timecodeMs", "a question on the recording has a time code, and no other has one")
        if len(addressed_to) > ADDRESSEES_MOST:
            check.flaw("addressedTo", f"addressedTo has more than {ADDRESSEES_MOST} entries")
    async with ctx.transaction() as tx:
        board = await tx.get(policy.ask_on_board, board_id)
        asker = await askers.of_viewer(ctx, tx, board, anonymous=anonymous)
        await askers.admit(tx, board, asker, body)
        question = Question(
            network_id=board.network_id,
            community_id=board.community_id,
            board_id=board_id,
            author_id=asker.member_id,
            anonymous=asker.anonymous,
            visitor_name=asker.visitor_name,
            asker_handle=asker.handle,
            source=source,
            timecode_ms=timecode_ms,
            body=body,
        )
        if board.moderation is Moderation.NONE:
            await publish(tx, board, question)
        await tx.add(question)
        if asker.is_sealed:
            await askers.seal(tx, question)
        await _address(tx, question, addressed_to)
        tell(tx, question)
        return tx.answer(question)


async def _address(tx: Transaction, question: Question, member_ids: Collection[UUID]) -> None:
    """Put it to these people, who answer here."""
    for member_id in sorted(set(member_ids)):
        member = await tx.find(
            Membership,
            Membership.community_id == question.community_id,
            Membership.member_id == member_id,
            Membership.state == MembershipState.ACTIVE,
            col(Membership.roles).bitwise_and(int(policy.PANEL | policy.RESPONDERS)) != 0,
        )
        if member is None:
            raise Invalid(Flaw("Only somebody who answers here can be asked by name.", ("input", "addressedTo")))
        await tx.add(QuestionAddressee(question_id=question.id, member_id=member_id))


async def addressees(db: Reader, question_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The members to whom each of the questions is put; whether the viewer may see them is asked elsewhere."""
    put: dict[UUID, list[UUID]] = {id: [] for id in question_ids}
    asked = col(QuestionAddressee.question_id).in_(question_ids)
    for addressee in await db.find_all(QuestionAddressee, asked, order=QuestionAddressee.created_at):
        put[addressee.question_id].append(addressee.member_id)
    return put


async def publish(tx: Transaction, board: QuestionBoard, question: Question) -> None:
    question.state = QuestionState.VISIBLE
    if question.number is None:
        await tx.count(QuestionBoard.published_count, board, 1)
        question.number, question.published_at = board.published_count, public_time(question, tx.now)


def public_time(question: Question, now: datetime) -> datetime:
    """To the second for an anonymous asker: finer times tell who typed just then."""
    return now.replace(microsecond=0) if question.anonymous else now


def tell(tx: Transaction, question: Question, kind: Kind = Kind.ROW) -> None:
    tx.announce(heard_of(question), kind, question)


def heard_of(question: Question) -> list[topics.Topic]:
    return [topics.board(question.board_id), topics.community_activity(question.community_id)]


async def held(tx: Transaction, rule: policy.Rule[Question], question_id: UUID) -> tuple[Question, QuestionBoard]:
    """The question under the rule, and its board. Both locked, the board first."""
    found = await tx.get(rule, question_id, lock=False)
    board = await tx.lock(QuestionBoard, QuestionBoard.id == found.board_id)
    if board is None:
        raise NotFound
    return await tx.get(rule, question_id), board


async def edit(ctx: Context, question_id: UUID, *, body: str, if_version: int | None) -> Question:
    """Say it anew: its asker while it waits, the moderators while it can be answered."""
    with form() as check:
        body = check.text("body", body, most=500)
    async with ctx.transaction() as tx:
        question, board = await held(tx, policy.edit_question, question_id)
        check_version(question, if_version)
        askers.check_length(board, body)
        question.body, question.revision = body, question.revision + 1
        question.edited_at = public_time(question, tx.now)
        tell(tx, question)
        return tx.answer(question)


def check_version(question: Question, if_version: int | None) -> None:
    if if_version is not None and if_version != question.revision:
        raise Conflict("Somebody has edited this meanwhile.", currentVersion=question.revision)


def outlived(db: Reader) -> Condition:
    """Taken back so long ago that what it said is kept no longer, not even for its asker."""
    is_old = col(Question.withdrawn_at) < db.now - KEPT_WITHDRAWN
    return and_(col(Question.state) == QuestionState.WITHDRAWN, is_old, col(Question.body) != "")


async def forget(tx: Transaction) -> None:
    for question in await tx.lock_all(Question, outlived(tx)):
        question.body = ""
        tell(tx, question)


def of_viewer(board: QuestionBoard, viewer: UUID) -> Subject:
    """The viewer's own questions on a board, in every state."""
    return Subject(
        name="myQuestions",
        arguments=(board.id,),
        rule=policy.follow_board,
        row=board,
        sources=(
            Source(policy.own_question, lambda question: (question.board_id == board.id,), policy.count_votes),
            Source(policy.follow_board, lambda row: (row.id == board.id,)),
        ),
        topics=fixed(topics.board(board.id)),
        rights=frozenset({topics.standing(viewer, board.community_id), topics.person(viewer)}),
    )
