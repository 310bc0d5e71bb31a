"""Every feed twice: as a query with a cursor, and as the subscription that continues it."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Annotated, Any, TypeVar
from uuid import UUID

import strawberry

import models
from models import BoardOrder, ContentKind, EscalationState
from resolvers import (
    activity,
    boards,
    calendars,
    contents,
    escalations,
    orders,
    policy,
    polls,
    questions,
    schedules,
    tasks,
)
from resolvers.form import form
from resolvers.live import Subject
from resolvers.paging import Listing
from schema.base import ID, plain, project, row_id
from schema.boards import QuestionBoard
from schema.communities import Community
from schema.contents import Content
from schema.context import Info
from schema.escalations import Escalation
from schema.live import Continue, FeedCursor, FeedEvent, events
from schema.paging import After, Before, Connection, First, Last
from schema.polls import Poll
from schema.questions import Question
from schema.schedules import Session, SessionOverlap
from schema.tasks import Task

Events = AsyncGenerator[FeedEvent, None]
S = TypeVar("S", bound="Snapshot")


@strawberry.input(description="Which contents. What is left out does not narrow.")
class FeedFilter:
    kinds: list[ContentKind] | None = strawberry.field(default=None, description="Only of these kinds.")
    tags: list[str] | None = strawberry.field(default=None, description="Only with all of these tags.")


@strawberry.input(description="Which escalations. What is left out does not narrow.")
class EscalationFilter:
    community_ids: list[ID] | None = strawberry.field(default=None, description="Only of these communities.")
    states: list[EscalationState] | None = strawberry.field(default=None, description="Only in these states.")


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


def _filter(kinds: list[ContentKind] | None, tags: list[str] | None) -> activity.Filter:
    with form() as check:
        checked = check.tags("tags", tags or [])
    return activity.Filter(tuple(sorted(set(kinds))) if kinds is not None else None, tuple(checked))


def _escalation_filter(filter: EscalationFilter | None) -> escalations.Filter:
    filter = filter or EscalationFilter()
    ids = [row_id(id, models.Community) for id in filter.community_ids or []]
    return escalations.Filter(
        community_ids=tuple(sorted(set(ids))) if filter.community_ids is not None else None,
        states=tuple(sorted(set(filter.states))) if filter.states is not None else None,
    )


async def _activity(info: Info, id: ID, kinds: list[ContentKind] | None, tags: list[str] | None) -> Subject:
    community = await info.context.get(policy.read_community, row_id(id, models.Community))
    return activity.of_community(community, info.context.viewer, _filter(kinds, tags))


async def _my_feed(info: Info, network_id: ID, filter: FeedFilter | None) -> Subject:
    network = await info.context.get(policy.see_network, row_id(network_id, models.Network))
    filter = filter or FeedFilter()
    return activity.of_viewer(network, info.context.viewer, _filter(filter.kinds, filter.tags))


async def _thread(info: Info, id: ID) -> Subject:
    content = await info.context.get(policy.see_content, row_id(id, models.Content))
    return contents.thread(content, info.context.viewer)


async def _board(
    info: Info,
    id: ID,
    rule: policy.Rule[models.QuestionBoard],
    subject: Callable[[models.QuestionBoard, UUID], Subject],
) -> Subject:
    return subject(await info.context.get(rule, row_id(id, models.QuestionBoard)), info.context.viewer)


async def _tasks(info: Info, network_id: ID) -> Subject:
    network = await info.context.get(policy.see_network, row_id(network_id, models.Network))
    return tasks.of_viewer(network, info.context.viewer)


async def _task(info: Info, id: ID) -> Subject:
    task = await info.context.get(policy.see_task, row_id(id, models.Task))
    return tasks.one(task, info.context.viewer)


async def _dashboard(info: Info, network_id: ID, filter: EscalationFilter | None) -> Subject:
    network = await info.context.get(policy.see_network, row_id(network_id, models.Network))
    return escalations.dashboard(network, info.context.viewer, _escalation_filter(filter))


async def _schedule(info: Info, network_id: ID, *, mine: bool) -> Subject:
    network = await info.context.get(policy.read_schedule, row_id(network_id, models.Network))
    return schedules.feed(network, info.context.viewer, is_mine=mine)


async def _snapshot(info: Info, shape: type[S], opening: Coroutine[Any, Any, Subject], name: str | None = None) -> S:
    """The feed as it is, with the row that it is about. Its cursor is taken before any row is read."""
    here = info.context.live.here()
    subject = await opening
    about = {name: project(subject.row)} if name else {}
    return shape(subject=subject, cursor=FeedCursor(info.context.live.seal(subject, here)), **about)


@strawberry.type
class FeedQueries:
    @strawberry.field(description="What is new in a community.")
    async def community_activity(
        self,
        info: Info,
        community_id: ID,
        kinds: list[ContentKind] | None = None,
        tags: list[str] | None = None,
    ) -> CommunityActivity | None:
        return await _snapshot(info, CommunityActivity, _activity(info, community_id, kinds, tags), "community")

    @strawberry.field(description="What is new in all communities of a network to which the viewer belongs.")
    async def my_feed(self, info: Info, network_id: ID, filter: FeedFilter | None = None) -> MyFeed | None:
        return await _snapshot(info, MyFeed, _my_feed(info, network_id, filter))

    @strawberry.field(description="A topic, post or idea with its comments.")
    async def content(self, info: Info, id: ID) -> ContentThread | None:
        return await _snapshot(info, ContentThread, _thread(info, id), "content")

    @strawberry.field(description="A board as the hall sees it, whoever looks.")
    async def question_board(self, info: Info, id: ID) -> QuestionBoardView | None:
        return await _snapshot(info, QuestionBoardView, _board(info, id, policy.follow_board, boards.audience), "board")

    @strawberry.field(description="A board with all that waits or was turned down; for those who run it.")
    async def question_board_moderation(self, info: Info, id: ID) -> QuestionBoardModeration | None:
        return await _snapshot(
            info, QuestionBoardModeration, _board(info, id, policy.run_board, boards.moderation), "board"
        )

    @strawberry.field(description="A board as the hall's screen shows it; for kiosks and those who run it.")
    async def question_board_display(self, info: Info, id: ID) -> QuestionBoardDisplay | None:
        return await _snapshot(
            info, QuestionBoardDisplay, _board(info, id, policy.display_board, boards.display), "board"
        )

    @strawberry.field(description="The viewer's own questions on a board, anonymous ones included.")
    async def my_questions(self, info: Info, board_id: ID) -> MyQuestions | None:
        opening = _board(info, board_id, policy.follow_board, questions.of_viewer)
        return await _snapshot(info, MyQuestions, opening, "board")

    @strawberry.field(description="The tasks of a network in which the viewer takes part.")
    async def my_tasks(self, info: Info, network_id: ID) -> MyTasks | None:
        return await _snapshot(info, MyTasks, _tasks(info, network_id))

    @strawberry.field(description="A task with its talk; for those who take part in it.")
    async def task(self, info: Info, id: ID) -> TaskThread | None:
        return await _snapshot(info, TaskThread, _task(info, id), "task")

    @strawberry.field(description="The escalations of a network, as far as the viewer may see them.")
    async def escalations(
        self, info: Info, network_id: ID, filter: EscalationFilter | None = None
    ) -> Escalations | None:
        return await _snapshot(info, Escalations, _dashboard(info, network_id, filter))

    @strawberry.field(
        description="The sessions of a network that the viewer may see; with `mine` those that they plan to attend."
    )
    async def schedule(self, info: Info, network_id: ID, mine: bool = False) -> Schedule | None:
        return await _snapshot(info, Schedule, _schedule(info, network_id, mine=mine))


@strawberry.type(description="What there is to follow. Each continues the query of the same name.")
class Subscription:
    @strawberry.subscription(description="Continues the query of the same name.")
    async def community_activity(
        self,
        info: Info,
        community_id: ID,
        kinds: list[ContentKind] | None = None,
        tags: list[str] | None = None,
        after: Continue = None,
    ) -> Events:
        return events(info, await _activity(info, community_id, kinds, tags), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def my_feed(
        self, info: Info, network_id: ID, filter: FeedFilter | None = None, after: Continue = None
    ) -> Events:
        return events(info, await _my_feed(info, network_id, filter), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def content(self, info: Info, id: ID, after: Continue = None) -> Events:
        return events(info, await _thread(info, id), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def question_board(self, info: Info, id: ID, after: Continue = None) -> Events:
        return events(info, await _board(info, id, policy.follow_board, boards.audience), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def question_board_moderation(self, info: Info, id: ID, after: Continue = None) -> Events:
        return events(info, await _board(info, id, policy.run_board, boards.moderation), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def question_board_display(self, info: Info, id: ID, after: Continue = None) -> Events:
        return events(info, await _board(info, id, policy.display_board, boards.display), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def my_questions(self, info: Info, board_id: ID, after: Continue = None) -> Events:
        return events(info, await _board(info, board_id, policy.follow_board, questions.of_viewer), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def my_tasks(self, info: Info, network_id: ID, after: Continue = None) -> Events:
        return events(info, await _tasks(info, network_id), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def task(self, info: Info, id: ID, after: Continue = None) -> Events:
        return events(info, await _task(info, id), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def escalations(
        self, info: Info, network_id: ID, filter: EscalationFilter | None = None, after: Continue = None
    ) -> Events:
        return events(info, await _dashboard(info, network_id, filter), after)

    @strawberry.subscription(description="Continues the query of the same name.")
    async def schedule(self, info: Info, network_id: ID, mine: bool = False, after: Continue = None) -> Events:
        return events(info, await _schedule(info, network_id, mine=mine), after)
