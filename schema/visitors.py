"""Visitors of a board, and the codes by which they come."""

from datetime import datetime
from typing import Any

import strawberry

import models
from models import VisitorRights
from resolvers import policy
from resolvers import visitors as operations
from schema.base import ID, Node, edge, global_id, node, plain, row_id
from schema.boards import QuestionBoard
from schema.context import Info
from schema.problems import Payload, mutation


@node("A visitor's seat at a board. Seen by that visitor alone.")
class Visit(Node):
    name: str = plain("What the visitor is called there.")
    created_at: datetime = plain("When they first came.")
    ended_at: datetime | None = plain("When they were put out; a new code leads in again.")
    board: QuestionBoard | None = edge(
        "board_id",
        policy.see_board,
        "Where it is; null while visitors cannot look. A new device sees it once it is signed in with its token.",
    )

    @strawberry.field(description="The id of the board, to ask for with the new token.")
    def board_id(self) -> ID:
        return global_id("QuestionBoard", self.row.board_id)


@strawberry.type(description="A seat at a board, or why there is none.")
class JoinBoardPayload(Payload):
    visit: Visit | None = strawberry.field(default=None, description="The seat.")
    token: str | None = strawberry.field(
        default=None,
        description="What a new device signs in with from now on, on every board. Told once; null for who is known.",
    )

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "JoinBoardPayload":
        return cls(visit=node, token=secret)


@strawberry.type
class VisitorMutations:
    @mutation("Come to a board by its join code. A device that comes again is the same visitor, on every board.")
    async def join_board(self, info: Info, code: str, name: str, device_token: str | None = None) -> JoinBoardPayload:
        visit, token = await operations.join(info.context, code=code, name=name, device_token=device_token)
        return JoinBoardPayload(visit=Visit.of(visit), token=token)

    @mutation("Give a board a join code, if it has none.")
    async def create_join_code(self, info: Info, board_id: ID) -> QuestionBoard:
        return QuestionBoard.of(await operations.create_code(info.context, row_id(board_id, models.QuestionBoard)))

    @mutation("Give a board another join code. Visitors keep their seats, unless they are to be ended.")
    async def rotate_join_code(self, info: Info, board_id: ID, end_visits: bool = False) -> QuestionBoard:
        id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await operations.rotate_code(info.context, id, end_visits=end_visits))

    @mutation("Say what visitors may do on a board.")
    async def set_visitors(self, info: Info, board_id: ID, visitors: VisitorRights) -> QuestionBoard:
        id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await operations.set_rights(info.context, id, visitors=visitors))
