"""Question boards and the keys of their displays."""

from datetime import datetime
from typing import Any

import strawberry

import models
from models import Anonymity, BoardState, Moderation, VisitorRights
from resolvers import boards, policy, visitors
from schema.base import ID, Node, edge, guarded, node, plain, row_id, viewer_can
from schema.communities import Community
from schema.context import Info
from schema.paging import Connection, connection
from schema.problems import Payload, mutation

strawberry.enum(BoardState, description="Whether a board takes questions.")
strawberry.enum(Moderation, description="Whether questions wait for a moderator before the hall sees them.")
strawberry.enum(Anonymity, description="Whether one may ask without one's name.")
strawberry.enum(VisitorRights, description="What those who come by the join code may do.")


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
    opened_at: datetime | None = plain("When it first opened.")
    closed_at: datetime | None = plain("When it closed.")
    community: Community | None = edge("community_id", policy.see_community, "Whose board it is.")
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
        return visitors.join_url(base, code) if is_told else None

    @strawberry.field(description="How many have come by the join code; for those who run it.")
    async def visitor_count(self, info: Info) -> int | None:
        count: int | None = await info.context.of_row(visitors.counts, self.row.id)
        return count

    @strawberry.field(description="Whether strikingly many came at once; for those who run it.")
    async def visitor_burst(self, info: Info) -> VisitorBurst | None:
        is_told = self.row.burst_at and await info.context.allows(policy.run_board, self.row.id)
        return VisitorBurst(at=self.row.burst_at, size=self.row.burst_size) if is_told else None


@strawberry.type(description="A kiosk key and its token, or why there is none.")
class CreateKioskKeyPayload(Payload):
    kiosk_key: KioskKey | None = strawberry.field(default=None, description="The key.")
    token: str | None = strawberry.field(default=None, description="What the display signs in with. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "CreateKioskKeyPayload":
        return cls(kiosk_key=node, token=secret)


@strawberry.input(description="A new board.")
class CreateQuestionBoardInput:
    title: str = plain("At most 200 characters.")
    moderation: Moderation = strawberry.field(default=Moderation.PRE, description="Whether questions wait.")
    anonymity: Anonymity = strawberry.field(default=Anonymity.ALLOWED, description="Whether one may hide one's name.")


@strawberry.type
class BoardMutations:
    @mutation("Make a question board in a community.")
    async def create_question_board(
        self, info: Info, community_id: ID, input: CreateQuestionBoardInput
    ) -> QuestionBoard:
        created = await boards.create(
            info.context,
            row_id(community_id, models.Community),
            title=input.title,
            moderation=input.moderation,
            anonymity=input.anonymity,
        )
        return QuestionBoard.of(created)

    @mutation("Take questions, for the first time or again.")
    async def open_question_board(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await boards.open_(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Take no new questions for now.")
    async def pause_question_board(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await boards.pause(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Take no more questions and votes.")
    async def close_question_board(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await boards.close(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Make a key with which a display shows this board.")
    async def create_kiosk_key(self, info: Info, board_id: ID, label: str) -> CreateKioskKeyPayload:
        id = row_id(board_id, models.QuestionBoard)
        key, token = await boards.create_kiosk_key(info.context, id, label=label)
        return CreateKioskKeyPayload(kiosk_key=KioskKey.of(key), token=token)

    @mutation("Revoke a kiosk key; its display goes dark.")
    async def revoke_kiosk_key(self, info: Info, kiosk_key_id: ID) -> KioskKey:
        return KioskKey.of(await boards.revoke_kiosk_key(info.context, row_id(kiosk_key_id, models.KioskKey)))
