"""Questions."""

from datetime import datetime

import strawberry

import models
from models import AnsweredHow, QuestionState
from resolvers import policy, questions
from schema.base import ID, edge, flag, guarded, node, plain, row_id, viewer_can
from schema.boards import QuestionBoard
from schema.contents import Content
from schema.context import Info
from schema.problems import mutation

strawberry.enum(QuestionState, description="How far a question has got.")
strawberry.enum(AnsweredHow, description="How a question was answered.")


@node("A question to the panel. An anonymous one has no author for anybody.")
class Question(Content):
    body: str | None = guarded("body", policy.read_question, "What is asked; null once its asker took it back.")
    state: QuestionState = plain("How far it has got.")
    number: int | None = plain("Counts the board's questions in the order of their publication.")
    votes: int = plain("How many want it answered.")
    anonymous: bool = plain("Whether its asker is hidden.")
    on_screen: bool = plain("Whether it is on the hall's screen.")
    answered_at: datetime | None = plain("When it was answered.")
    answered_how: AnsweredHow | None = plain("How it was answered.")
    reject_reason: str | None = guarded(
        "reject_reason", policy.see_rejection, "Why it was turned down; for its asker and the moderators."
    )
    board: QuestionBoard | None = edge("board_id", policy.see_board, "Where it was asked.")
    is_mine: bool = flag(policy.own_question, "Whether the viewer asked it.")
    viewer_has_voted: bool = flag(policy.upvoted_question, "Whether the viewer wants it answered.")
    viewer_can = viewer_can(
        "Question",
        upvote=policy.upvote_question,
        withdraw=policy.withdraw_question,
        moderate=policy.moderate_question,
    )


@strawberry.input(description="A question.")
class AskQuestionInput:
    body: str = plain("At most 500 characters.")
    anonymous: bool = strawberry.field(default=False, description="Hide who asks, from everybody.")


@strawberry.type
class QuestionMutations:
    @mutation("Ask the panel.")
    async def ask_question(self, info: Info, board_id: ID, input: AskQuestionInput) -> Question:
        id = row_id(board_id, models.QuestionBoard)
        return Question.of(await questions.ask(info.context, id, body=input.body, anonymous=input.anonymous))

    @mutation("Let a question through to the hall.")
    async def approve_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.approve(info.context, row_id(question_id, models.Question)))

    @mutation("Turn a question down; only its asker and the moderators learn why.")
    async def reject_question(self, info: Info, question_id: ID, reason: str) -> Question:
        return Question.of(await questions.reject(info.context, row_id(question_id, models.Question), reason=reason))

    @mutation("Take a question back from the hall into the queue.")
    async def hide_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.hide(info.context, row_id(question_id, models.Question)))

    @mutation("Put a question on the hall's screen, or take it off.")
    async def show_question(self, info: Info, question_id: ID, on_screen: bool = True) -> Question:
        id = row_id(question_id, models.Question)
        return Question.of(await questions.show(info.context, id, on_screen=on_screen))

    @mutation("Mark a question as answered.")
    async def mark_question_answered(
        self, info: Info, question_id: ID, how: AnsweredHow = AnsweredHow.LIVE
    ) -> Question:
        return Question.of(await questions.mark_answered(info.context, row_id(question_id, models.Question), how=how))

    @mutation("Undo the marking.")
    async def unmark_question_answered(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.unmark_answered(info.context, row_id(question_id, models.Question)))

    @mutation("Take one's own question back, also an anonymous one.")
    async def withdraw_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.withdraw(info.context, row_id(question_id, models.Question)))

    @mutation("Vote a question up. Voting twice is voting once.")
    async def upvote_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.upvote(info.context, row_id(question_id, models.Question)))

    @mutation("Take one's vote back.")
    async def retract_upvote(self, info: Info, question_id: ID) -> Question:
        return Question.of(await questions.retract_upvote(info.context, row_id(question_id, models.Question)))
