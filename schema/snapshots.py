"""What a feed's query answers: the cursor from which its subscription goes on, and its rows page by page."""

from typing import Annotated, Any

import strawberry

from models import BoardOrder
from resolvers import (
    activity,
    calendars,
    escalations,
    orders,
    polls,
    questions,
    schedules,
    tasks,
)
from resolvers.live import Subject
from resolvers.paging import Listing
from schema.base import plain, project
from schema.boards import QuestionBoard
from schema.communities import Community
from schema.contents import Content
from schema.context import Info
from schema.escalations import Escalation
from schema.live import FeedCursor
from schema.paging import After, Before, Connection, First, Last
from schema.polls import Poll
from schema.questions import Question
from schema.schedules import Session, SessionOverlap
from schema.tasks import Task

Order = Annotated[
    BoardOrder | None,
    strawberry.argument(
        description="The board's own if left out. Where the viewer may not see the counts, an order by them is NEW."
    ),
]
Frozen = Annotated[str | None, strawberry.argument(description="An order as `frozenOrder` gave it.")]


def listed(listing: Listing[Any], noun: str, description: str) -> Any:
    """The rows of a feed's subject, page by page."""

    async def resolve(
        self: Any, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Any:
        page = listing.page(info.context.means.cipher, first=first, last=last, after=after, before=before)
        return await _page(info, self.subject, listing, noun, page)

    return strawberry.field(resolver=resolve, description=description)


async def _page(info: Info, subject: Subject, listing: Listing[Any], noun: str, page: Any) -> Any:
    source = subject.source(noun)
    async with info.context.reading() as db:
        part = await listing.read(db, page, *(source.where(listing.rule.row) if source else ()))
    return Connection(listing=listing, part=part)


@strawberry.interface(description="A feed as it is now.")
class Snapshot:
    subject: strawberry.Private[Subject]
    cursor: FeedCursor = plain("Subscribe `after` this: then nothing is missed between the query and the feed.")


@strawberry.interface(description="What is new, in one list.")
class Activity(Snapshot):
    @strawberry.field(description="Topics, posts, ideas and published questions, newest first.")
    async def contents(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Content]:
        cipher = info.context.means.cipher
        page = activity.LIST.page(cipher, first=first, last=last, after=after, before=before)
        async with info.context.reading() as db:
            part = await activity.read(db, self.subject, page)
        return Connection(listing=activity.LIST, part=part)


@strawberry.type(description="What is new in a community.")
class CommunityActivity(Activity):
    community: Community = plain("The community.")


@strawberry.type(description="What is new in all communities to which the viewer belongs.")
class MyFeed(Activity):
    pass


@strawberry.type(description="A topic, post or idea; its comments are with it.")
class ContentThread(Snapshot):
    content: Content = plain("The topic, post or idea.")


@strawberry.type(description="A board as the hall sees it.")
class QuestionBoardView(Snapshot):
    board: QuestionBoard = plain("The board.")
    polls: Connection[Poll] = listed(polls.PUBLISHED, "Poll", "Those that have been opened, newest first.")

    @strawberry.field(description="What the hall sees, in an order of the moment or in a frozen one.")
    async def questions(
        self,
        info: Info,
        order: Order = None,
        frozen: Frozen = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Question]:
        cipher, subject = info.context.means.cipher, self.subject
        async with info.context.reading() as db:
            if frozen is not None:
                listing, numbers = orders.FROZEN, orders.thaw(cipher, subject, frozen)
                page = listing.page(cipher, first=first, last=last, after=after, before=before)
                return Connection(listing=listing, part=await orders.read_frozen(db, subject, numbers, page))
            wanted = await orders.of_board(db, self.board.row, order)
            listing = wanted.listing
            page = listing.page(cipher, first=first, last=last, after=after, before=before)
            part = await listing.read(db, page, *orders.kept(subject, wanted))
        return Connection(listing=listing, part=part)

    @strawberry.field(
        description="The order as it is now. Give it to `questions` as `frozen`, and nothing jumps while one reads. "
        "It holds the first 1,000 questions."
    )
    async def frozen_order(self, info: Info, order: Order = None) -> str:
        async with info.context.reading() as db:
            wanted = await orders.of_board(db, self.board.row, order)
            return await orders.freeze(db, info.context.means.cipher, self.subject, wanted)

    @strawberry.field(description="How many questions the hall has that the frozen order does not hold.")
    async def new_count(self, info: Info, frozen: str) -> int:
        numbers = orders.thaw(info.context.means.cipher, self.subject, frozen)
        async with info.context.reading() as db:
            return await orders.count_new(db, self.subject, numbers)


@strawberry.type(description="A board as its moderators see it.")
class QuestionBoardModeration(Snapshot):
    board: QuestionBoard = plain("The board.")
    questions: Connection[Question] = listed(questions.ALL, "Question", "All of them, newest first.")
    polls: Connection[Poll] = listed(polls.ALL, "Poll", "All of them, drafts included, newest first.")


@strawberry.type(description="A board as the hall's screen shows it.")
class QuestionBoardDisplay(Snapshot):
    board: QuestionBoard = plain("The board.")
    questions: Connection[Question] = listed(questions.SHOWN, "Question", "What is on screen: one, or none.")
    polls: Connection[Poll] = listed(polls.SHOWN, "Poll", "Those that are open, newest first.")


@strawberry.type(description="The viewer's own questions on a board, in every state.")
class MyQuestions(Snapshot):
    board: QuestionBoard = plain("The board.")
    questions: Connection[Question] = listed(questions.MINE, "Question", "The questions, newest first.")


@strawberry.type(description="The tasks in which the viewer takes part.")
class MyTasks(Snapshot):
    tasks: Connection[Task] = listed(tasks.MINE, "Task", "The tasks, newest first.")


@strawberry.type(description="A task; its talk is with it.")
class TaskThread(Snapshot):
    task: Task = plain("The task.")


@strawberry.type(description="Escalations across communities, as far as the viewer may see them.")
class Escalations(Snapshot):
    escalations: Connection[Escalation] = listed(escalations.IN_NETWORK, "Escalation", "The escalations, newest first.")

    @strawberry.field(
        description="The share of the answered ones that were answered before anybody was pushed; null while none is."
    )
    async def pull_ratio(self, info: Info) -> float | None:
        async with info.context.reading() as db:
            return await escalations.pull_ratio(db, self.subject)


@strawberry.type(description="The sessions of a network, by time.")
class Schedule(Snapshot):
    @strawberry.field(description="The sessions, by time.")
    async def sessions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Session]:
        listing = schedules.listing(self.subject)
        page = listing.page(info.context.means.cipher, first=first, last=last, after=after, before=before)
        return await _page(info, self.subject, listing, "Session", page)

    @strawberry.field(description="These sessions as an iCalendar file, in the time zone of the network.")
    async def ics(self, info: Info) -> str:
        async with info.context.reading() as db:
            return await calendars.of(db, self.subject, schedules.listing(self.subject).rule)

    @strawberry.field(
        description="Which of the sessions that the viewer plans to attend collide, the earliest first; at most 100."
    )
    async def overlaps(self, info: Info) -> list[SessionOverlap]:
        async with info.context.reading() as db:
            found = await calendars.overlaps(db, self.subject.row.id)
        return [SessionOverlap(one=project(pair.one), other=project(pair.other)) for pair in found]
