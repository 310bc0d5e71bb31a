"""A scene for every feed: its viewer, what shows there, what must not, and what ends it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from models import CommunityPurpose, NetworkRole, PollOption, PollResults, PollState, QuestionState, Visibility
from schema.base import global_id
from tests import documents as do
from tests.client import Client
from tests.world import Person, World, gid

Deed = Callable[[], Awaitable[Any]]


@dataclass
class Scene:
    """A viewer before a feed. Each of `shown` adds or changes something there, and `gone` takes something away.

    `hidden` are deeds that the viewer must not notice. `lost` ends the right to follow, `kept` changes it.
    """

    client: Client
    id: str
    shown: list[Deed]
    gone: Deed | None
    hidden: list[Deed]
    lost: Deed
    kept: Deed | None = None
    scope: str = ""
    counted: Deed | None = None
    refusal: str = "-"
    made: dict[str, str] = field(default_factory=dict)


class Stage:
    """Who is there in every scene: an owner, a member, a colleague outside, and a private community of theirs."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def set(self) -> None:
        world = self.world
        self.admin = await world.person("Adm", role=NetworkRole.OWNER)
        self.owner, self.member, self.colleague = [await world.person(name) for name in ("Ann", "Mel", "Col")]
        self.community = await world.community(owner=self.owner, visibility=Visibility.PRIVATE)
        self.membership = await world.belong(self.member, self.community)
        self.elsewhere = await world.community(owner=self.colleague, visibility=Visibility.PRIVATE)
        self.board = await world.board(self.community)
        self.other_board = await world.board(self.community)

    def did(self, person: Person, document: str, **variables: Any) -> Deed:
        async def act() -> Any:
            payload = await person.client.do(document, **variables)
            return next((found["id"] for found in payload.values() if isinstance(found, dict) and "id" in found), None)

        return act

    def vote(self, person: Person, *options: PollOption) -> Deed:
        poll = global_id("Poll", options[0].poll_id)
        return self.did(person, do.CAST_BALLOT, pollId=poll, optionIds=[gid(option) for option in options])

    def put_out(self) -> Deed:
        return self.did(self.owner, do.REMOVE_MEMBERSHIP, membershipId=gid(self.membership))

    def promote(self, *roles: str) -> Deed:
        return self.did(self.owner, do.CHANGE_ROLES, membershipId=gid(self.membership), roles=list(roles))

    def disable(self, person: Person) -> Deed:
        return self.did(self.admin, do.DISABLE, memberId=person.id)


async def community_activity(stage: Stage) -> Scene:
    s = stage
    content = await s.world.content(s.community, s.owner)
    pending = await s.world.question(s.board, s.owner, state=QuestionState.PENDING)
    return Scene(
        s.member.client,
        gid(s.community),
        shown=[
            s.did(s.owner, do.CREATE_TOPIC, communityId=gid(s.community), input={"title": "New"}),
            s.did(s.owner, do.EDIT_CONTENT, contentId=gid(content), input={"title": "Newer", "body": ""}),
            s.did(s.owner, do.APPROVE, questionId=gid(pending)),
            s.did(s.owner, do.UPDATE_COMMUNITY, communityId=gid(s.community), input={"name": "Renamed"}),
        ],
        gone=s.did(s.owner, do.WITHDRAW_CONTENT, contentId=gid(content)),
        hidden=[
            s.did(s.owner, do.ASK, boardId=gid(s.board), input={"body": "Why?"}),
            s.did(s.colleague, do.CREATE_TOPIC, communityId=gid(s.elsewhere), input={"title": "Secret"}),
        ],
        counted=s.did(s.owner, do.ADD_COMMENT, contentId=gid(content), input={"body": "Well"}),
        lost=s.put_out(),
        kept=s.promote("PRESENTER"),
        scope=gid(s.community),
        refusal="N",
    )


async def my_feed(stage: Stage) -> Scene:
    scene = await community_activity(stage)
    del scene.shown[-1]
    open_ = await stage.world.community(owner=stage.colleague)
    topic = {"title": "Not mine"}
    scene.hidden.append(stage.did(stage.colleague, do.CREATE_TOPIC, communityId=gid(open_), input=topic))
    scene.id = scene.scope = gid(stage.world.network)
    scene.kept, scene.lost = stage.put_out(), stage.disable(stage.member)
    scene.refusal = "-"
    return scene


async def content(stage: Stage) -> Scene:
    s = stage
    topic, other = [await s.world.content(s.community, s.owner) for _ in range(2)]
    comment = await s.world.comment(topic, s.owner)
    said = {"body": "Well"}
    return Scene(
        s.member.client,
        gid(topic),
        shown=[
            s.did(s.owner, do.ADD_COMMENT, contentId=gid(topic), input=said),
            s.did(s.owner, do.EDIT_COMMENT, commentId=gid(comment), input=said),
            s.did(s.owner, do.EDIT_CONTENT, contentId=gid(topic), input={"title": "Newer", "body": ""}),
        ],
        gone=s.did(s.owner, do.WITHDRAW_COMMENT, commentId=gid(comment)),
        hidden=[s.did(s.owner, do.ADD_COMMENT, contentId=gid(other), input=said)],
        lost=s.did(s.owner, do.WITHDRAW_CONTENT, contentId=gid(topic)),
        kept=s.promote("PRESENTER"),
        scope=gid(topic),
    )


async def question_board(stage: Stage) -> Scene:
    s = stage
    waiting, standing, other = [
        await s.world.question(board, s.owner, state=state)
        for board, state in (
            (s.board, QuestionState.PENDING),
            (s.board, QuestionState.VISIBLE),
            (s.other_board, QuestionState.PENDING),
        )
    ]
    rejected = await s.world.question(s.board, s.owner, state=QuestionState.PENDING)
    voted = await s.world.question(s.board, s.owner)
    drafted, _ = await s.world.poll(s.board, state=PollState.DRAFT)
    polled, _ = await s.world.poll(s.board)
    _, secret_options = await s.world.poll(s.board, results=PollResults.AFTER_CLOSE)
    return Scene(
        s.member.client,
        gid(s.board),
        shown=[
            s.did(s.owner, do.OPEN_POLL, pollId=gid(drafted)),
            s.did(s.owner, do.CLOSE_POLL, pollId=gid(polled)),
            s.did(s.owner, do.APPROVE, questionId=gid(waiting)),
            s.did(s.owner, do.MARK_ANSWERED, questionId=gid(standing), input={"how": "LIVE"}),
            s.did(s.owner, do.PAUSE_BOARD, boardId=gid(s.board)),
        ],
        gone=s.did(s.owner, do.HIDE, questionId=gid(waiting)),
        hidden=[
            s.did(s.owner, do.REJECT, questionId=gid(rejected), reason="no"),
            s.did(s.owner, do.APPROVE, questionId=gid(other)),
            s.did(s.owner, do.ASK, boardId=gid(s.board), input={"body": "Why?", "anonymous": True}),
            s.did(s.owner, do.CREATE_POLL, boardId=gid(s.board), input={"title": "Which?", "options": ["A", "B"]}),
            s.vote(s.owner, secret_options[0]),
        ],
        counted=s.did(s.member, do.UPVOTE, questionId=gid(voted)),
        lost=s.put_out(),
        kept=s.promote("PRESENTER"),
        scope=gid(s.board),
    )


async def question_board_moderation(stage: Stage) -> Scene:
    scene = await question_board(stage)
    await stage.promote("PRESENTER")()
    reject, approve_elsewhere, ask, draft, scene.counted = scene.hidden
    scene.shown, scene.hidden, scene.gone = [reject, ask, draft, *scene.shown], [approve_elsewhere], None
    scene.lost, scene.kept, scene.refusal = stage.promote(), stage.promote("PRESENTER", "RESPONDER"), "N"
    return scene


async def question_board_display(stage: Stage) -> Scene:
    s = stage
    first, second = [await s.world.question(s.board, s.owner) for _ in range(2)]
    other = await s.world.question(s.other_board, s.owner)
    display, key, _ = await s.world.kiosk(s.board)
    drafted, _ = await s.world.poll(s.board, state=PollState.DRAFT)
    _, secret_options = await s.world.poll(s.board, results=PollResults.AFTER_CLOSE)
    _, options = await s.world.poll(s.board)
    return Scene(
        display,
        gid(s.board),
        shown=[
            s.did(s.owner, do.OPEN_POLL, pollId=gid(drafted)),
            s.did(s.owner, do.SHOW, questionId=gid(first), onScreen=True),
            s.did(s.owner, do.MARK_ANSWERED, questionId=gid(first), input={"how": "LIVE"}),
            s.did(s.owner, do.PAUSE_BOARD, boardId=gid(s.board)),
        ],
        gone=s.did(s.owner, do.SHOW, questionId=gid(first), onScreen=False),
        hidden=[
            s.did(s.owner, do.MARK_ANSWERED, questionId=gid(second), input={"how": "LIVE"}),
            s.did(s.owner, do.SHOW, questionId=gid(other), onScreen=True),
            s.did(s.owner, do.CREATE_TOPIC, communityId=gid(s.community), input={"title": "New"}),
            s.vote(s.owner, secret_options[0]),
        ],
        counted=s.vote(s.member, options[0]),
        lost=s.did(s.owner, do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key)),
        scope=gid(s.board),
    )


async def my_questions(stage: Stage) -> Scene:
    s = stage
    own = await s.world.question(s.board, s.member, state=QuestionState.PENDING)
    sealed = await s.world.question(s.board, s.member, state=QuestionState.PENDING, anonymous=True)
    others = await s.world.question(s.board, s.owner, state=QuestionState.PENDING)
    voted = await s.world.question(s.board, s.member)
    return Scene(
        s.member.client,
        gid(s.board),
        shown=[
            s.did(s.member, do.ASK, boardId=gid(s.board), input={"body": "Why?", "anonymous": True}),
            s.did(s.owner, do.APPROVE, questionId=gid(own)),
            s.did(s.owner, do.REJECT, questionId=gid(sealed), reason="no"),
            s.did(s.member, do.WITHDRAW_QUESTION, questionId=gid(own)),
        ],
        gone=None,
        hidden=[
            s.did(s.owner, do.APPROVE, questionId=gid(others)),
            s.did(s.owner, do.ASK, boardId=gid(s.board), input={"body": "Why?", "anonymous": True}),
        ],
        counted=s.did(s.owner, do.UPVOTE, questionId=gid(voted)),
        lost=s.put_out(),
        kept=s.promote("PRESENTER"),
        scope=gid(s.board),
    )


async def _given(stage: Stage, creator: Person, assignee: Person) -> str:
    task = {"assigneeId": assignee.id, "title": "Look"}
    made = await creator.client.do(do.CREATE_TASK, networkId=gid(stage.world.network), input=task)
    return str(made["task"]["id"])


async def my_tasks(stage: Stage) -> Scene:
    s = stage
    network = gid(s.world.network)
    mine, passed_on, others = [await _given(s, s.owner, person) for person in (s.member, s.colleague, s.colleague)]
    return Scene(
        s.member.client,
        network,
        shown=[
            s.did(s.owner, do.CREATE_TASK, networkId=network, input={"assigneeId": s.member.id, "title": "New"}),
            s.did(s.member, do.ACCEPT_TASK, taskId=mine),
            s.did(s.colleague, do.REASSIGN_TASK, taskId=passed_on, assigneeId=s.member.id),
            s.did(s.member, do.REASSIGN_TASK, taskId=mine, assigneeId=s.colleague.id),
        ],
        gone=None,
        hidden=[
            s.did(s.colleague, do.ACCEPT_TASK, taskId=others),
            s.did(s.owner, do.POST_TASK_MESSAGE, taskId=others, input={"body": "Secret"}),
        ],
        lost=s.disable(s.member),
        scope=network,
    )


async def task(stage: Stage) -> Scene:
    s = stage
    mine, others = await _given(s, s.owner, s.member), await _given(s, s.owner, s.member)
    said = {"body": "Well"}
    return Scene(
        s.member.client,
        mine,
        shown=[
            s.did(s.owner, do.POST_TASK_MESSAGE, taskId=mine, input=said),
            s.did(s.member, do.ACCEPT_TASK, taskId=mine),
            s.did(s.member, do.POST_TASK_MESSAGE, taskId=mine, input=said),
            s.did(s.member, do.REASSIGN_TASK, taskId=mine, assigneeId=s.colleague.id),
        ],
        gone=None,
        hidden=[s.did(s.owner, do.POST_TASK_MESSAGE, taskId=others, input=said)],
        lost=s.disable(s.member),
        scope=mine,
    )


async def escalations(stage: Stage) -> Scene:
    s = stage
    help_ = await s.world.community(owner=s.owner, purpose=CommunityPurpose.ESCALATION, visibility=Visibility.PRIVATE)
    secret = await s.world.community(owner=s.owner, purpose=CommunityPurpose.ESCALATION, visibility=Visibility.PRIVATE)
    membership = await s.world.belong(s.member, help_)
    source = await s.world.content(s.community, s.owner)
    waiting, pushed, unseen = [
        await s.did(
            s.owner,
            do.ESCALATE_TOPIC,
            topicId=gid(await s.world.content(s.community, s.owner)),
            input={"communityId": gid(where)},
        )()
        for where in (help_, help_, secret)
    ]
    return Scene(
        s.member.client,
        gid(s.world.network),
        shown=[
            s.did(s.owner, do.ESCALATE_TOPIC, topicId=gid(source), input={"communityId": gid(help_)}),
            s.did(s.owner, do.PUSH_ESCALATION, escalationId=pushed, input={"assigneeId": s.member.id}),
            s.did(s.owner, do.RESOLVE_ESCALATION, escalationId=waiting),
        ],
        gone=None,
        hidden=[
            s.did(s.owner, do.RESOLVE_ESCALATION, escalationId=unseen),
            s.did(s.owner, do.ESCALATE_TOPIC, topicId=gid(source), input={"communityId": gid(secret)}),
        ],
        lost=s.disable(s.member),
        kept=s.did(s.owner, do.REMOVE_MEMBERSHIP, membershipId=gid(membership)),
        scope=gid(s.world.network),
    )


async def schedule(stage: Stage) -> Scene:
    s = stage
    network = gid(s.world.network)
    moved, called_off, recorded = [
        await s.world.session(await s.world.community(title, owner=s.owner), title)
        for title in ("Moved", "Called off", "Recorded")
    ]
    own = await s.world.session(s.community, "Ours")
    secret = await s.world.session(await s.world.community(owner=s.colleague, visibility=Visibility.HIDDEN), "Secret")
    planned = {"title": "New", "startsAt": "2026-03-05T09:00:00Z", "endsAt": "2026-03-05T10:00:00Z"}
    return Scene(
        s.member.client,
        network,
        shown=[
            s.did(s.owner, do.CREATE_SESSION, networkId=network, input=planned),
            s.did(s.owner, do.CHANGE_SESSION, sessionId=gid(moved), input={"room": "Aula", "note": "More people"}),
            s.did(s.owner, do.CANCEL_SESSION, sessionId=gid(called_off), note="Ill"),
            s.did(s.owner, do.LINK_SLIDES, sessionId=gid(recorded), url="https://example.com/slides"),
            s.did(s.owner, do.CHANGE_SESSION, sessionId=gid(own), input={"title": "Renamed"}),
        ],
        gone=None,
        hidden=[
            s.did(s.colleague, do.CHANGE_SESSION, sessionId=gid(secret), input={"room": "Cellar"}),
            s.did(s.colleague, do.CHECK_IN, sessionId=gid(secret)),
            s.did(s.owner, do.CREATE_TOPIC, communityId=gid(s.community), input={"title": "New"}),
        ],
        counted=s.did(s.colleague, do.CHECK_IN, sessionId=gid(moved)),
        lost=s.disable(s.member),
        kept=s.put_out(),
        scope=network,
    )


SCENES: dict[str, Callable[[Stage], Awaitable[Scene]]] = {
    "communityActivity": community_activity,
    "myFeed": my_feed,
    "content": content,
    "questionBoard": question_board,
    "questionBoardModeration": question_board_moderation,
    "questionBoardDisplay": question_board_display,
    "myQuestions": my_questions,
    "myTasks": my_tasks,
    "task": task,
    "escalations": escalations,
    "schedule": schedule,
}
