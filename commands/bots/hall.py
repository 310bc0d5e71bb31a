"""The conference hall: attendees ask and vote, a moderator lets through, shows and ticks off."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from commands.bots import words
from commands.bots.deeds import Deed, draw
from commands.bots.person import Person

MOST_OPEN = 40
ANONYMOUS, TURNED_DOWN = 0.3, 0.15  # shares

BOARD = """query ($board: ID!) { questionBoardModeration(id: $board) {
  questions(first: 100) { nodes { id state onScreen votes body } } } }"""
VIEW = """query ($board: ID!) { questionBoard(id: $board) {
  questions(first: 50) { nodes { id state viewerHasVoted viewerCan { upvote { allowed } } } } } }"""
ASK = """mutation ($board: ID!, $input: AskQuestionInput!) {
  askQuestion(boardId: $board, input: $input) { problems { message } } }"""
UPVOTE = "mutation ($id: ID!) { upvoteQuestion(questionId: $id) { problems { message } } }"
APPROVE = "mutation ($id: ID!) { approveQuestion(questionId: $id) { problems { message } } }"
REJECT = """mutation ($id: ID!, $reason: String!) {
  rejectQuestion(questionId: $id, reason: $reason) { problems { message } } }"""
SHOW = "mutation ($id: ID!) { showQuestion(questionId: $id) { problems { message } } }"
ANSWERED = "mutation ($id: ID!) { markQuestionAnswered(questionId: $id) { problems { message } } }"


class Hall:
    def __init__(self, board: str, moderator: Person, audience: Sequence[Person], dice: Random) -> None:
        self._board = board
        self._moderator = moderator
        self._audience = audience
        self._dice = dice

    async def step(self) -> None:
        board = await self._moderator.ask(BOARD, board=self._board)
        await draw(self._fitting(board["questionBoardModeration"]["questions"]["nodes"]), self._dice)

    def _fitting(self, questions: list[Any]) -> list[Deed]:
        """The fuller the board, the more often a question is answered: it neither fills up nor runs dry."""
        pending = [question for question in questions if question["state"] == "PENDING"]
        visible = [question for question in questions if question["state"] == "VISIBLE"]
        shown = [question for question in visible if question["onScreen"]]
        count = len(pending) + len(visible)
        return [
            Deed(3 if count < MOST_OPEN else 0, partial(self._ask, {question["body"] for question in visible})),
            Deed(len(pending), partial(self._moderate, pending)),
            Deed(5 if visible else 0, self._vote),
            Deed(0 if shown or not visible else 3, partial(self._show, visible)),
            Deed(count / 8 if shown else 0, partial(self._tick_off, shown)),
        ]

    async def _ask(self, asked: set[str]) -> None:
        body = self._dice.choice([question for question in words.QUESTIONS if question not in asked])
        wanted = {"body": body, "anonymous": self._dice.random() < ANONYMOUS}
        await self._dice.choice(self._audience).do(ASK, board=self._board, input=wanted)

    async def _moderate(self, pending: list[Any]) -> None:
        """The oldest first: the list begins with the newest."""
        if self._dice.random() < TURNED_DOWN:
            await self._moderator.do(REJECT, id=pending[-1]["id"], reason=self._dice.choice(words.REASONS))
        else:
            await self._moderator.do(APPROVE, id=pending[-1]["id"])

    async def _vote(self) -> None:
        """One question that this attendee may still vote for, rather one that others want, too."""
        voter = self._dice.choice(self._audience)
        board = await voter.ask(VIEW, board=self._board)
        nodes = board["questionBoard"]["questions"]["nodes"]
        left = [node for node in nodes if node["viewerCan"]["upvote"]["allowed"] and not node["viewerHasVoted"]]
        if left:
            await voter.do(UPVOTE, id=min(self._dice.choices(left, k=2), key=left.index)["id"])

    async def _show(self, visible: list[Any]) -> None:
        await self._moderator.do(SHOW, id=max(visible, key=lambda question: question["votes"])["id"])

    async def _tick_off(self, shown: list[Any]) -> None:
        await self._moderator.do(ANSWERED, id=shown[0]["id"])
