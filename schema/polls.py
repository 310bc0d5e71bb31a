"""Polls, their options, and the ballots cast in them."""

from datetime import datetime
from typing import Annotated

import strawberry

import models
from models import PollResults, PollState
from resolvers import policy, polls
from schema.base import ID, Node, edge, guarded, node, plain, project, row_id, viewer_can
from schema.boards import QuestionBoard
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import mutation

strawberry.enum(PollState, description="How far a poll has got.")
strawberry.enum(PollResults, description="When those who vote see how the others did.")


@node("One of the answers that a poll offers.")
class PollOption(Node):
    text: str = plain("What it says.")
    votes: int | None = guarded("votes", policy.count_option, "How many chose it; null while that is hidden.")


@node("A question of the panel to the hall, with answers to choose from.")
class Poll(Node):
    title: str = plain("What is asked.")
    state: PollState = plain("How far it has got.")
    choices_most: int = plain("How many options one ballot may name.")
    anonymous: bool = plain("Whether nobody sees who chose what, not even the panel. Settled before the first ballot.")
    results: PollResults = plain("When those who vote see how the others did. The panel always does.")
    opened_at: datetime | None = plain("When it opened.")
    closed_at: datetime | None = plain("When it closed.")
    voters: int | None = guarded("voters", policy.read_results, "How many voted; null while that is hidden.")
    board: QuestionBoard | None = edge("board_id", policy.see_board, "Whose hall is asked.")
    ballots: Connection[Annotated["Ballot", strawberry.lazy("schema.polls")]] = connection(
        polls.BALLOTS, "Who chose what, for the panel of a poll that is not anonymous. Others find their own."
    )
    viewer_can = viewer_can("Poll", vote=policy.vote_in_poll, moderate=policy.moderate_poll)

    @strawberry.field(description="What one may choose from.")
    async def options(self, info: Info) -> list[PollOption]:
        found = await info.context.of_row(polls.options_of, self.row.id) or []
        return [PollOption.of(option) for option in found]

    @strawberry.field(description="What the viewer chose; empty without a ballot.")
    async def viewer_choices(self, info: Info) -> list[PollOption]:
        found = await info.context.of_row(polls.choices_of_viewer, self.row.id) or []
        return [PollOption.of(option) for option in found]


@node("What one person chose.")
class Ballot(Node):
    @strawberry.field(description="The options that it names.")
    async def choices(self, info: Info) -> list[PollOption]:
        found = await info.context.of_row(polls.choices_on, self.row.id) or []
        return [PollOption.of(option) for option in found]

    @strawberry.field(description="Who cast it; null if it was a visitor, or if the viewer may not know.")
    async def voter(self, info: Info) -> Member | None:
        found = await info.context.of_row(polls.voters_on, self.row.id)
        member: Member | None = project(await info.context.row(policy.see_member, found)) if found else None
        return member

    @strawberry.field(description="The name by which a visitor cast it.")
    async def visitor_name(self, info: Info) -> str | None:
        name: str | None = await info.context.of_row(polls.visitors_on, self.row.id)
        return name


@strawberry.input(description="A new poll.")
class CreatePollInput:
    title: str = plain("At most 300 characters.")
    options: list[str] = plain("Between 2 and 20, each of at most 200 characters, in the order in which they show.")
    choices_most: int = strawberry.field(default=1, description="How many of them one ballot may name.")
    anonymous: bool = strawberry.field(default=True, description="Whether nobody sees who chose what.")
    results: PollResults = strawberry.field(
        default=PollResults.ALWAYS, description="When those who vote see how the others did."
    )


@strawberry.type
class PollMutations:
    @mutation("Draft a poll; the hall sees it when it is opened.")
    async def create_poll(self, info: Info, board_id: ID, input: CreatePollInput) -> Poll:
        created = await polls.create(
            info.context,
            row_id(board_id, models.QuestionBoard),
            title=input.title,
            options=input.options,
            choices_most=input.choices_most,
            anonymous=input.anonymous,
            results=input.results,
        )
        return Poll.of(created)

    @mutation("Let people vote.")
    async def open_poll(self, info: Info, poll_id: ID) -> Poll:
        return Poll.of(await polls.open_(info.context, row_id(poll_id, models.Poll)))

    @mutation("Count no more ballots.")
    async def close_poll(self, info: Info, poll_id: ID) -> Poll:
        return Poll.of(await polls.close(info.context, row_id(poll_id, models.Poll)))

    @mutation("Throw a draft away.")
    async def withdraw_poll(self, info: Info, poll_id: ID) -> Poll:
        return Poll.of(await polls.withdraw(info.context, row_id(poll_id, models.Poll)))

    @mutation("Vote, or vote differently: one person has one ballot, whatever is on it.")
    async def cast_ballot(self, info: Info, poll_id: ID, option_ids: list[ID]) -> Poll:
        chosen = [row_id(id, models.PollOption) for id in option_ids]
        return Poll.of(await polls.cast(info.context, row_id(poll_id, models.Poll), option_ids=chosen))

    @mutation("Take one's ballot back.")
    async def retract_ballot(self, info: Info, poll_id: ID) -> Poll:
        return Poll.of(await polls.retract(info.context, row_id(poll_id, models.Poll)))
