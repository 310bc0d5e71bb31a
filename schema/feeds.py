"""Every feed twice: as a query with a cursor, and as the subscription that continues it."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import strawberry

import models
from models import ContentKind, EscalationState
from resolvers import (
    activity,
    boards,
    contents,
    escalations,
    policy,
    questions,
    schedules,
    tasks,
)
from resolvers.form import form
from resolvers.live import Subject
from schema.base import ID, project, row_id
from schema.context import Info
from schema.live import Continue, FeedCursor, FeedEvent, events
from schema.snapshots import (
    CommunityActivity,
    ContentThread,
    Escalations,
    MyFeed,
    MyQuestions,
    MyTasks,
    QuestionBoardDisplay,
    QuestionBoardModeration,
    QuestionBoardView,
    Schedule,
    Snapshot,
    TaskThread,
)

Events = AsyncGenerator[FeedEvent, None]
S = TypeVar("S", bound=Snapshot)


@strawberry.input(description="Which contents. What is left out does not narrow.")
class FeedFilter:
    kinds: list[ContentKind] | None = strawberry.field(default=None, description="Only of these kinds.")
    tags: list[str] | None = strawberry.field(default=None, description="Only with all of these tags.")


@strawberry.input(description="Which escalations. What is left out does not narrow.")
class EscalationFilter:
    community_ids: list[ID] | None = strawberry.field(default=None, description="Only of these communities.")
    states: list[EscalationState] | None = strawberry.field(default=None, description="Only in these states.")


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
