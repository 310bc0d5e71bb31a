"""Questions, and what their askers and the panel do with them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import AnsweredHow, QuestionSource, QuestionState
from resolvers import askers, closing, contents, escalations, merges, panels, policy, questions, votes
from schema.base import ID, edge, flag, guarded, node, plain, project, row_id, seen, viewer_can
from schema.boards import AnswerWindow, QuestionBoard
from schema.contents import Content, Topic
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.escalations import Escalation
else:
    Escalation = Annotated["Escalation", strawberry.lazy("schema.escalations")]

strawberry.enum(QuestionState, description="How far a question has got.")
strawberry.enum(QuestionSource, description="Where a question was asked from.")
strawberry.enum(AnsweredHow, description="How a question was answered.")

Itself = Annotated["Question", strawberry.lazy("schema.questions")]


@node("A question to the panel. An anonymous one has no author for anybody.")
class Question(Content):
    body: str | None = guarded(
        "body", policy.read_question, "What is asked; null once it was taken back or merged, but for whom it concerns."
    )
    state: QuestionState = plain("How far it has got.")
    number: int | None = plain("Counts the board's questions in the order of their publication.")
    votes: int | None = guarded(
        "votes", policy.count_votes, "How many want it answered; null where the board does not show that."
    )
    anonymous: bool = plain("Whether its asker is hidden.")
    visitor_name: str | None = plain("What its asker is called, who came by the join code and has no author.")
    source: QuestionSource = plain("Where it was asked from.")
    timecode_ms: int | None = plain("Which moment of the recording it is about, in milliseconds.")
    revision: int = plain("Counts its versions, from 1; give it back as `ifVersion`.")
    edited_at: datetime | None = plain("When it was last edited; null while it stands as it was asked.")
    on_screen: bool = plain("Whether it is on the hall's screen.")
    rank: int = plain("Its place where moderators set the order; those that are not placed have the last.")
    answered_at: datetime | None = plain("When it was answered.")
    answered_how: AnsweredHow | None = plain("How it was answered.")
    answer: str | None = plain("The answer, if it was given in writing.")
    answer_link: str | None = plain("Where the answer is, if it was given elsewhere.")
    answer_timecode_ms: int | None = plain("When in the recording it is answered, in milliseconds.")
    answer_window: AnswerWindow | None = edge(
        "answer_window_id", policy.see_answer_window, "In which window it was answered; null for between them."
    )
    reject_reason: str | None = guarded(
        "reject_reason", policy.see_rejection, "Why it was turned down; for its asker and the moderators."
    )
    asker_handle: str | None = guarded(
        "asker_handle",
        policy.moderate_question,
        "Tells one asker's questions from another's, and mutes; for the moderators. It tells nobody who it is.",
    )
    board: QuestionBoard | None = edge("board_id", policy.see_board, "Where it was asked.")
    merged_into: Itself | None = edge("merged_into_id", policy.see_question, "The question that stands for it.")
    merged: Connection[Itself] = connection(questions.MERGED, "Those for which it stands; for the moderators.")
    is_mine: bool = flag(policy.own_question, "Whether the viewer asked it.")
    viewer_is_addressed: bool = flag(policy.addressed_question, "Whether it is put to the viewer by name.")
    viewer_has_voted: bool = flag(policy.upvoted_question, "Whether the viewer wants it answered.")
    viewer_can = viewer_can(
        "Question",
        upvote=policy.upvote_question,
        edit=policy.edit_question,
        withdraw=policy.withdraw_question,
        moderate=policy.moderate_question,
        hand_on=policy.hand_on_question,
    )

    @strawberry.field(description="What it is about, in words of the panel.")
    def labels(self) -> list[str]:
        return contents.tags_of(self.row.labels)

    @strawberry.field(description="The panel's own labels; null for everybody else.")
    async def private_labels(self, info: Info) -> list[str] | None:
        if not await info.context.allows(policy.moderate_question, self.row.id):
            return None
        return contents.tags_of(self.row.private_labels)

    @strawberry.field(description="Who turned it down; for the moderators.")
    async def rejected_by(self, info: Info) -> Member | None:
        if self.row.rejected_by_id is None or not await info.context.allows(policy.moderate_question, self.row.id):
            return None
        return project(await info.context.row(policy.see_member, self.row.rejected_by_id))

    @strawberry.field(description="To whom it is put by name, as far as the viewer may know them.")
    async def addressed_to(self, info: Info) -> list[Member]:
        return await seen(info, policy.see_member, await info.context.of_row(questions.addressees, self.row.id))

    @strawberry.field(description="The topic as which it goes on.")
    async def topic(self, info: Info) -> Topic | None:
        found = await info.context.of_row(closing.topics_of, self.row.id)
        return project(await info.context.row(policy.see_content, found)) if found else None

    @strawberry.field(description="Where it was escalated to, as far as the viewer may see.")
    async def escalated_to(self, info: Info) -> list[Escalation]:
        found = await info.context.of_row(escalations.of_questions, self.row.id)
        return await seen(info, policy.see_escalation, found)


@strawberry.input(description="A question.")
class AskQuestionInput:
    body: str = plain("At most as many characters as the board takes: 500 or fewer.")
    anonymous: bool | None = strawberry.field(
        default=None, description="Hide who asks, from everybody. As the board does by default if left out."
    )
    source: QuestionSource = strawberry.field(default=QuestionSource.SESSION, description="Where it is asked from.")
    timecode_ms: int | None = strawberry.field(
        default=None, description="Which moment of the recording it is about, in milliseconds; with RECORDING only."
    )
    addressed_to: list[ID] = strawberry.field(
        default_factory=list, description="The members of the panel to whom it is put."
    )


@strawberry.input(description="How a question was answered.")
class AnswerInput:
    how: AnsweredHow = strawberry.field(default=AnsweredHow.LIVE, description="Aloud, in writing, or elsewhere.")
    answer: str | None = strawberry.field(default=None, description="The answer in writing; at most 5,000 characters.")
    link: str | None = strawberry.field(default=None, description="Where the answer is.")
    timecode_ms: int | None = strawberry.field(
        default=None, description="When in the recording it is answered, in milliseconds."
    )


@strawberry.input(description="Labels of a question; a list that is left out stays.")
class LabelsInput:
    labels: list[str] | None = strawberry.field(default=None, description="For all to see; at most 10.")
    private_labels: list[str] | None = strawberry.field(default=None, description="For the panel; at most 10.")


@strawberry.type
class QuestionMutations:
    @mutation("Ask the panel.")
    async def ask_question(self, info: Info, board_id: ID, input: AskQuestionInput) -> Question:
        asked = await questions.ask(
            info.context,
            row_id(board_id, models.QuestionBoard),
            body=input.body,
            anonymous=input.anonymous,
            source=input.source,
            timecode_ms=input.timecode_ms,
            addressed_to=[row_id(id, models.Member) for id in input.addressed_to],
        )
        return Question.of(asked)

    @mutation("Say a question anew: its asker while it waits, the moderators while it stands.")
    async def edit_question(self, info: Info, question_id: ID, body: str, if_version: int | None = None) -> Question:
        id = row_id(question_id, models.Question)
        return Question.of(await questions.edit(info.context, id, body=body, if_version=if_version))

    @mutation("Take one's own question back, also an anonymous one.")
    async def withdraw_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await merges.withdraw(info.context, row_id(question_id, models.Question)))

    @mutation("Vote a question up. Voting twice is voting once.")
    async def upvote_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await votes.upvote(info.context, row_id(question_id, models.Question)))

    @mutation("Take one's vote back.")
    async def retract_upvote(self, info: Info, question_id: ID) -> Question:
        return Question.of(await votes.retract(info.context, row_id(question_id, models.Question)))


@strawberry.type
class PanelMutations:
    @mutation("Let a question through to the hall; with `ifVersion`, only as the moderator has read it.")
    async def approve_question(self, info: Info, question_id: ID, if_version: int | None = None) -> Question:
        id = row_id(question_id, models.Question)
        return Question.of(await panels.approve(info.context, id, if_version=if_version))

    @mutation("Turn a question down; only its asker and the moderators learn why.")
    async def reject_question(self, info: Info, question_id: ID, reason: str) -> Question:
        return Question.of(await panels.reject(info.context, row_id(question_id, models.Question), reason=reason))

    @mutation("Take a question back from the hall into the queue.")
    async def hide_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await panels.hide(info.context, row_id(question_id, models.Question)))

    @mutation("Put a question on the hall's screen, or take it off.")
    async def show_question(self, info: Info, question_id: ID, on_screen: bool = True) -> Question:
        id = row_id(question_id, models.Question)
        return Question.of(await panels.show(info.context, id, on_screen=on_screen))

    @mutation("Mark a question as answered: aloud, in writing, or elsewhere.")
    async def mark_question_answered(self, info: Info, question_id: ID, input: AnswerInput | None = None) -> Question:
        given = input or AnswerInput()
        answered = await panels.mark_answered(
            info.context,
            row_id(question_id, models.Question),
            how=given.how,
            answer=given.answer,
            link=given.link,
            timecode_ms=given.timecode_ms,
        )
        return Question.of(answered)

    @mutation("Undo the marking.")
    async def unmark_question_answered(self, info: Info, question_id: ID) -> Question:
        return Question.of(await panels.unmark_answered(info.context, row_id(question_id, models.Question)))

    @mutation("Give a question exactly these labels.")
    async def label_question(self, info: Info, question_id: ID, input: LabelsInput) -> Question:
        id = row_id(question_id, models.Question)
        return Question.of(
            await panels.label(info.context, id, labels=input.labels, private_labels=input.private_labels)
        )

    @mutation("Let one question stand for both: with the voters of both, each counted once.")
    async def merge_questions(self, info: Info, question_id: ID, into_id: ID) -> Question:
        merged = await merges.merge(
            info.context, row_id(question_id, models.Question), into_id=row_id(into_id, models.Question)
        )
        return Question.of(merged)

    @mutation("Let a merged question stand for itself again.")
    async def unmerge_question(self, info: Info, question_id: ID) -> Question:
        return Question.of(await merges.unmerge(info.context, row_id(question_id, models.Question)))

    @mutation("Put questions first, in this order; what else was placed is placed no longer.")
    async def arrange_questions(self, info: Info, board_id: ID, question_ids: list[ID]) -> QuestionBoard:
        ids = [row_id(id, models.Question) for id in question_ids]
        board_row_id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await panels.arrange(info.context, board_row_id, question_ids=ids))

    @mutation("Refuse an asker's further questions on this board, or take them again.")
    async def mute_asker(self, info: Info, board_id: ID, handle: str, muted: bool = True) -> QuestionBoard:
        id = row_id(board_id, models.QuestionBoard)
        return QuestionBoard.of(await askers.mute(info.context, id, handle=handle, muted=muted))

    @mutation("Let a question go on as a topic of its community.")
    async def turn_question_into_topic(self, info: Info, question_id: ID) -> Topic:
        return Topic.of(await closing.turn_into_topic(info.context, row_id(question_id, models.Question)))
