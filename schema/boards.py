"""Question boards, when they are answered, and the keys of their displays."""

from dataclasses import fields
from datetime import datetime
from typing import Any

import strawberry

import models
from models import Anonymity, BoardOrder, BoardState, Moderation, ShowCounts, Unanswered, VisitorRights
from resolvers import askers, boards, codes, exports, policy, visitors, windows
from resolvers.exports import ExportFormat
from schema.base import ID, Node, edge, guarded, node, plain, row_id, seen, viewer_can
from schema.communities import Community
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import Payload, mutation

strawberry.enum(BoardState, description="Whether a board takes questions.")
strawberry.enum(Moderation, description="Whether questions wait for a moderator before the hall sees them.")
strawberry.enum(Anonymity, description="Whether one may ask without one's name.")
strawberry.enum(VisitorRights, description="What those who come by the join code may do.")
strawberry.enum(ShowCounts, description="Who sees how many want a question answered.")
strawberry.enum(BoardOrder, description="The order of a board's questions.")
strawberry.enum(ExportFormat, description="As what a board is exported.")
strawberry.enum(Unanswered, description="What becomes of the questions that nobody answered.")


@node("A time when somebody answers on a board. Between them there are answers, too.")
class AnswerWindow(Node):
    starts_at: datetime = plain("When it begins.")
    ends_at: datetime = plain("When it ends.")
    time_zone: str = plain("Whose working day it is made for: a name such as Europe/Brussels.")

    @strawberry.field(description="Who answers, as far as the viewer may know them.")
    async def answerers(self, info: Info) -> list[Member]:
        return await seen(info, policy.see_member, await info.context.of_row(windows.answerers, self.row.id))


@node("A key with which a display shows one board.")
class KioskKey(Node):
    label: str = plain("Which display it is.")
    created_at: datetime = plain("When it was made.")
    revoked_at: datetime | None = plain("When it was revoked.")


@strawberry.type(description="Strikingly many visitors who came from one address within a minute.")
class VisitorBurst:
    at: datetime = plain("When it was noticed last.")
    size: int = plain("How many had come in the minute before.")


@node("Where an audience asks and a panel answers.")
class QuestionBoard(Node):
    title: str = plain("What it is about.")
    state: BoardState = plain("Whether it takes questions.")
    moderation: Moderation = plain("Whether questions wait for a moderator.")
    anonymity: Anonymity = plain("Whether one may ask without one's name.")
    show_counts: ShowCounts = plain("Who sees how many want a question answered.")
    order: BoardOrder = plain("In which order its questions are read, if nobody asks for another.")
    max_length: int = plain("How many characters a question may have.")
    open_per_asker: int = plain("How many questions of one asker may wait at a time.")
    asks_per_minute: int = plain("How many questions one may ask in a minute.")
    votes_per_person: int | None = plain("How many votes one has at a time; null for as many as one likes.")
    opens_at: datetime | None = plain("When it opens by itself.")
    opened_at: datetime | None = plain("When it first opened.")
    closed_at: datetime | None = plain("When it closed.")
    community: Community | None = edge("community_id", policy.see_community, "Whose board it is.")
    windows: Connection[AnswerWindow] = connection(windows.ON_BOARD, "When somebody answers, earliest first.")
    kiosk_keys: Connection[KioskKey] = connection(boards.KEYS, "The keys of its displays; seen by those who run it.")
    visitors: VisitorRights = plain("What those who come by the join code may do.")
    join_code: str | None = guarded("join_code", policy.run_board, "What visitors type; for those who run it.")
    viewer_can = viewer_can(
        "QuestionBoard",
        ask=policy.ask_on_board,
        run=policy.run_board,
        manage=policy.manage_board,
        display=policy.display_board,
    )

    @strawberry.field(description="Where a QR code is to lead, if the service knows; for those who run it.")
    async def join_url(self, info: Info) -> str | None:
        base, code = info.context.means.join_url, self.row.join_code
        is_told = base and code and await info.context.allows(policy.run_board, self.row.id)
        return codes.url(base, code) if is_told else None

    @strawberry.field(description="How many have come by the join code; for those who run it.")
    async def visitor_count(self, info: Info) -> int | None:
        count: int | None = await info.context.of_row(visitors.counts, self.row.id)
        return count

    @strawberry.field(description="Whether strikingly many came at once; for those who run it.")
    async def visitor_burst(self, info: Info) -> VisitorBurst | None:
        is_told = self.row.burst_at and await info.context.allows(policy.run_board, self.row.id)
        return VisitorBurst(at=self.row.burst_at, size=self.row.burst_size) if is_told else None

    @strawberry.field(description="The handles of the askers whose questions are refused; null but for its panel.")
    async def muted_askers(self, info: Info) -> list[str] | None:
        if not await info.context.allows(policy.run_board, self.row.id):
            return None
        return await info.context.of_row(askers.muted, self.row.id) or []

    @strawberry.field(
        description="All that was asked on it, as a file for those who run it; null for others. Anonymous askers have "
        "neither name nor handle there. CSV has the questions (RFC 4180; what would begin a formula has an apostrophe "
        "before it), JSON also the polls with their results."
    )
    async def export(self, info: Info, format: ExportFormat = ExportFormat.CSV) -> str | None:
        if not await info.context.allows(policy.run_board, self.row.id):
            return None
        async with info.context.reading() as db:
            return await exports.of_board(db, self.row, format)


@strawberry.type(description="A kiosk key and its token, or why there is none.")
class CreateKioskKeyPayload(Payload):
    kiosk_key: KioskKey | None = strawberry.field(default=None, description="The key.")
    token: str | None = strawberry.field(default=None, description="What the display signs in with. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "CreateKioskKeyPayload":
        return cls(kiosk_key=node, token=secret)


def _of_plan(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@strawberry.input
class PlanInput:
    moderation: Moderation | None = _of_plan("Whether questions wait for a moderator: at first, PRE.")
    anonymity: Anonymity | None = _of_plan("Whether one may hide one's name: at first, ALLOWED.")
    show_counts: ShowCounts | None = _of_plan("Who sees how many want a question answered: at first, ALWAYS.")
    order: BoardOrder | None = _of_plan("In which order its questions are read: at first, TOP.")
    max_length: int | None = _of_plan("How many characters a question may have, 20 to 500: at first, 500.")
    open_per_asker: int | None = _of_plan("How many questions of one asker may wait at a time: at first, 3.")
    asks_per_minute: int | None = _of_plan("How many questions one may ask in a minute: at first, 2.")
    votes_per_person: int | None = _of_plan("How many votes one has at a time; 0 for as many as one likes.")
    opens_at: datetime | None = _of_plan("When it opens by itself.")


@strawberry.input(description="A new board; what is left out is as boards are.")
class CreateQuestionBoardInput(PlanInput):
    title: str = plain("At most 200 characters.")


@strawberry.input(description="Changes to a board; what is left out stays.")
class UpdateQuestionBoardInput(PlanInput):
    title: str | None = strawberry.field(default=None, description="At most 200 characters.")


@strawberry.input(description="A time when somebody answers.")
class AnswerWindowInput:
    starts_at: datetime = plain("When it begins.")
    ends_at: datetime = plain("When it ends.")
    time_zone: str = strawberry.field(default="UTC", description="A name such as Europe/Brussels.")
    answerer_ids: list[ID] = strawberry.field(default_factory=list, description="Who answers: of the community.")


def _plan(input: PlanInput) -> boards.Plan:
    return boards.Plan(**{part.name: getattr(input, part.name) for part in fields(boards.Plan)})


@strawberry.type
class BoardMutations:
    @mutation("Make a question board in a community.")
    async def create_question_board(
        self, info: Info, community_id: ID, input: CreateQuestionBoardInput
    ) -> QuestionBoard:
        id = row_id(community_id, models.Community)
        return QuestionBoard.of(await boards.create(info.context, id, title=input.title, plan=_plan(input)))

    @mutation("Run a board in another way.")
    async def update_question_board(self, info: Info, board_id: ID, input: UpdateQuestionBoardInput) -> QuestionBoard:
        id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await boards.update(info.context, id, title=input.title, plan=_plan(input)))

    @mutation("Take questions, for the first time or again.")
    async def open_question_board(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await boards.open_(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Take no new questions for now.")
    async def pause_question_board(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await boards.pause(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Take no more questions and votes. What nobody answered goes on as topics, or not at all.")
    async def close_question_board(
        self, info: Info, board_id: ID, unanswered: Unanswered = Unanswered.TOPICS
    ) -> QuestionBoard:
        id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await boards.close(info.context, id, unanswered=unanswered))

    @mutation("Say when somebody answers on a board.")
    async def add_answer_window(self, info: Info, board_id: ID, input: AnswerWindowInput) -> AnswerWindow:
        added = await windows.add(
            info.context,
            row_id(board_id, models.QuestionBoard),
            starts_at=input.starts_at,
            ends_at=input.ends_at,
            time_zone=input.time_zone,
            answerer_ids=[row_id(id, models.Member) for id in input.answerer_ids],
        )
        return AnswerWindow.of(added)

    @mutation("Take an answer window that has not begun from its board.")
    async def remove_answer_window(self, info: Info, answer_window_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await windows.remove(info.context, row_id(answer_window_id, models.AnswerWindow)))

    @mutation("Make a key with which a display shows this board.")
    async def create_kiosk_key(self, info: Info, board_id: ID, label: str) -> CreateKioskKeyPayload:
        id = row_id(board_id, models.QuestionBoard)
        key, token = await boards.create_kiosk_key(info.context, id, label=label)
        return CreateKioskKeyPayload(kiosk_key=KioskKey.of(key), token=token)

    @mutation("Revoke a kiosk key; its display goes dark.")
    async def revoke_kiosk_key(self, info: Info, kiosk_key_id: ID) -> KioskKey:
        return KioskKey.of(await boards.revoke_kiosk_key(info.context, row_id(kiosk_key_id, models.KioskKey)))
