"""Asking on a board, and the document that follows one."""

from typing import Any

from models import QuestionBoard
from tests import documents as do
from tests.client import event_of
from tests.world import Person, gid

BOARD = "subscription ($id: ID!, $after: FeedCursor) {{ {feed}(id: $id, after: $after) {events} }}"
SEEN = "... on Question { body votes state }"


def hall_of(feed: str = "questionBoard") -> str:
    return BOARD.format(feed=feed, events=event_of(SEEN))


async def ask(person: Person, board: QuestionBoard, body: str = "Why?", **more: Any) -> dict[str, Any]:
    return dict((await person.client.do(do.ASK, boardId=gid(board), input={"body": body, **more}))["question"])
