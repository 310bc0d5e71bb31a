"""Rendering: shared by recorded decisions, and to the byte what each viewer would get alone."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import (
    Admits,
    CommunityRole,
    MemberKind,
    Moderation,
    PollState,
    QuestionAddressee,
    QuestionState,
    ShowCounts,
    VisitorRights,
    Vote,
)
from realtime.operation import Event, Mark, Operation, Outcome, Ref
from resolvers import boards, policy, questions
from resolvers.live import Subject
from resolvers.policy.rules import UNSEEN, Seen
from schema import rendering
from schema.rendering import Recording, Shape, render
from schema.requests import Request
from server import Service
from tests.client import Client, settled
from tests.conftest import ManualClock, make_service
from tests.replica import FRAGMENT, ROW
from tests.traces import sent_to
from tests.world import World, gid

DEEP = """
  ... on Question {
    isMine viewerHasVoted viewerIsAddressed privateLabels askerHandle rejectReason
    author { name } board { title } community { name } mergedInto { id } addressedTo { name }
    viewerCan { upvote { allowed rule } edit { allowed } moderate { allowed } withdraw { allowed } }
  }
  ... on Poll { viewerChoices { text } options { votes } }
"""
DOCUMENT = """subscription ($id: ID!, $after: FeedCursor, $deep: Boolean = false, $listed: Boolean = false) {
  questionBoard(id: $id, after: $after) {
    __typename
    ... on Added { node { ...All } }
    ... on Changed { node { ...All } }
    ... on Removed { id typename }
    ... on Counters { nodes { ...All } }
  }
}
fragment All on Node { %s ...Deep @include(if: $deep) ...Listed @include(if: $listed) }
fragment Deep on Node { %s }
fragment Listed on Node { ... on Question { merged(first: 5) { nodes { id body } } } }
%s"""
"""Whatever tells one viewer from another."""
FOLLOW = """subscription ($id: ID!) { questionBoard(id: $id) {
  ... on Added { node { id ... on Question { body votes state number } } }
} }"""
ASK = """mutation ($id: ID!, $input: AskQuestionInput!) {
  askQuestion(boardId: $id, input: $input) { question { id } problems { code } }
}"""


class Hall:
    """A board with rows of every kind, and viewers of every kind who follow it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.viewers: list[Client] = []
        self.refs: list[Ref] = []

    async def make(self) -> "Hall":
        world = self.world = await World.make(self.service)
        people = {
            name: await world.person(name) for name in ("owner", "presenter", "asker", "voter", "plain", "plainer")
        }
        guest = await world.person("guest", MemberKind.GUEST)
        hall = await world.community(owner=people["owner"], admits=Admits.EXTERNALS)
        await world.belong(people["presenter"], hall, CommunityRole.PRESENTER)
        for name in ("asker", "voter", "plain", "plainer"):
            await world.belong(people[name], hall)
        await world.belong(guest, hall)
        self.board = board = await world.board(
            hall, moderation=Moderation.NONE, visitors=VisitorRights.ASK_AND_VOTE, show_counts=ShowCounts.AFTER_CLOSE
        )
        visitors = [await world.visitor(board, name) for name in ("Vis", "Via")]
        self.viewers = [*(person.client for person in (*people.values(), guest)), *visitors]
        questions = [
            await world.question(board, people["asker"], state=state, anonymous=anonymous)
            for state in QuestionState
            for anonymous in (False, True)
        ]
        sealed = await world.question(board, people["asker"], "By a visitor?")
        await world.sealed_to(sealed, visitors[0])
        for question in questions[2:4]:
            await world.add(Vote(question_id=question.id, principal_id=people["voter"].principal_id))
            await world.add(QuestionAddressee(question_id=question.id, member_id=people["presenter"].member.id))
        polls = [(await world.poll(board, state=state))[0] for state in PollState]
        rows = [*questions, sealed, *polls, board]
        self.refs = [Ref(row.noun, row.id) for row in rows]
        self.visible = next(Ref(row.noun, row.id) for row in questions if row.state is QuestionState.VISIBLE)
        return self

    async def operation(self, client: Client, subject: Subject, **variables: Any) -> Operation:
        """As it is when its viewer follows the subject."""
        document = DOCUMENT % (ROW, DEEP, FRAGMENT)
        request = Request(document, variables={"id": gid(self.board), **variables})
        prepared = await self.service.execution.prepare(client.context(), request)
        return Operation(subject, client.viewer, Taker(), Mark(0, 0), Shape.of(prepared.executor))


class Taker:
    taken = 0

    def take(self, payload: Any) -> bool:
        return True

    async def drained(self) -> None:
        pass


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[tuple[asyncio.Runner, Hall]]:
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("hall") / "plenary.db")
    service = make_service(f"sqlite+aiosqlite:///{path}", ManualClock())
    with asyncio.Runner() as runner:
        yield runner, runner.run(Hall(service).make())
        runner.run(service.database.close())


subjects = st.sampled_from([boards.audience, boards.moderation, questions.of_viewer])
outcomes = st.sampled_from([Outcome.ADDED, Outcome.CHANGED, Outcome.COUNTERS, Outcome.REMOVED])
picks = st.lists(st.integers(0, 100), min_size=2, max_size=12)


@pytest.mark.timeout(600)
@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(subjects, outcomes, picks, picks, st.booleans(), st.booleans(), st.booleans())
def test_what_is_shared_is_what_each_would_get_alone(hall, subject, outcome, who, rows, alike, deep, listed):
    runner, house = hall
    viewers = [house.viewers[n % len(house.viewers)] for n in who]
    refs = tuple(dict.fromkeys(house.refs[n % len(house.refs)] for n in rows))
    event = Event(outcome, Mark(3, 3), refs if outcome is Outcome.COUNTERS else refs[:1])

    async def check() -> None:
        followed = subject(house.board, viewers[0].viewer)
        operations = [await house.operation(client, followed, deep=deep, listed=listed) for client in viewers]
        shared = await told(house, followed, event, operations, alike=alike)
        for operation in operations:
            alone = await told(house, followed, event, [operation], alike=False)
            assert shared[operation] == alone[operation]

    runner.run(check())


async def told(
    house: Hall, subject: Subject, event: Event, operations: list[Operation], *, alike: bool
) -> dict[Operation, bytes | None]:
    """What each client reads. Cursors are drawn anew for each rendering, and the document does not select them."""
    parties = await house.service.live.parties(subject, operations, alike=alike)
    rendered = await render(subject, event, parties)
    return {operation: payload and payload.data for payload, some in rendered for operation in some}


async def executions(monkeypatch: pytest.MonkeyPatch, house: Hall, **variables: Any) -> tuple[int, set[Any]]:
    """How often a question is executed for everybody in the hall, and what they are told."""
    done = []
    original = rendering._execute

    async def counted(*arguments: Any) -> Any:
        done.append(arguments)
        return await original(*arguments)

    monkeypatch.setattr(rendering, "_execute", counted)
    followed = boards.audience(house.board, house.viewers[0].viewer)
    operations = [await house.operation(client, followed, **variables) for client in house.viewers]
    event = Event(Outcome.ADDED, Mark(1, 1), (house.visible,))
    read = await told(house, followed, event, operations, alike=True)
    return len(done), set(read.values())


def test_those_who_may_see_the_same_are_told_by_one_execution(hall, monkeypatch):
    runner, house = hall
    count, told = runner.run(executions(monkeypatch, house))
    assert count == len(told), "each is rendered once"
    assert len(told) < len(house.viewers)


def test_where_it_matters_who_reads_each_is_executed_alone(hall, monkeypatch):
    runner, house = hall
    count, told = runner.run(executions(monkeypatch, house, deep=True, listed=True))
    assert count == len(house.viewers)
    assert len(told) > 2


def test_a_cursor_and_what_is_followed_are_no_difference(hall):
    runner, house = hall
    followed = boards.audience(house.board, house.viewers[0].viewer)

    async def keys() -> list[Any]:
        asked: list[dict[str, Any]] = [{"after": "one"}, {"after": "another"}, {"deep": True}, {"deep": False}]
        return [(await house.operation(house.viewers[0], followed, **one)).shape.key for one in asked]

    first, second, deep, shallow = runner.run(keys())
    assert first == second == shallow
    assert deep != first


async def test_of_what_one_is_told_nobody_else_is_asked_who_stands_alike(world: World):
    """However many they are: the place of a new row, the row, and the body and votes that rules may keep back."""
    owner = await world.person("Ann")
    community = await world.community(owner=owner, admits=Admits.EXTERNALS)
    board = await world.board(community, moderation=Moderation.NONE)
    said = []
    for number in (2, 8):
        people = [await world.person(f"{number} {n}") for n in range(number)]
        for person in people:
            await world.belong(person, community)
        followers = [await person.client.follow(FOLLOW, id=gid(board)) for person in people]
        await owner.client.do(ASK, id=gid(board), input={"body": "First?"})
        await settled(world.service)
        with sent_to(
            world.service.database, lambda sent: "FROM head" not in sent and "FROM change" not in sent
        ) as sent:
            await owner.client.do(ASK, id=gid(board), input={"body": "Again?"})
            await settled(world.service)
        assert [len(await follower.take()) for follower in followers] == [2] * number
        said.append(len(sent))
        for follower in followers:
            await follower.stop()
    assert said == [4, 4]


INLINE = """subscription ($id: ID!, $deep: Boolean!) { ... on Subscription { questionBoard(id: $id) {
  ... on Added { node { id ... on Question { body @include(if: $deep) } } }
} } }"""


async def test_a_variable_of_one_client_decides_nothing_for_another_wherever_it_stands(world: World):
    owner = await world.person("Ann")
    board = await world.board(await world.community(owner=owner), moderation=Moderation.NONE)
    deep, flat = [await owner.client.follow(INLINE, id=gid(board), deep=deep) for deep in (True, False)]
    await owner.client.do(ASK, id=gid(board), input={"body": "First?"})
    (one,), (two,) = await deep.take(), await flat.take()
    assert ("body" in one["node"], "body" in two["node"]) == (True, False)
    for follower in (deep, flat):
        await follower.stop()


async def test_a_hidden_row_costs_no_more_when_it_is_followed_by_many_documents(world: World):
    """What nobody may see is asked once, and not rendered for each."""
    owner, plain = await world.person("Ann"), await world.person("Bob")
    board = await world.board(await world.community(owner=owner))
    said = []
    for number in (2, 12):
        documents = [FOLLOW.replace("number", f"n{n}: number") for n in range(number)]
        followers = [await plain.client.follow(document, id=gid(board)) for document in documents]
        await owner.client.do(ASK, id=gid(board), input={"body": "First?"})
        await settled(world.service)
        with sent_to(
            world.service.database, lambda sent: "FROM head" not in sent and "FROM change" not in sent
        ) as sent:
            await owner.client.do(ASK, id=gid(board), input={"body": "Again?"})
            await settled(world.service)
        assert [len(await follower.take()) for follower in followers] == [0] * number
        said.append(len(sent))
        for follower in followers:
            await follower.stop()
    assert said[0] == said[1]


def test_what_is_asked_twice_is_sure_if_it_was_so_both_times(hall):
    """Allowed for who they are at first, and to all by then: what was read at first is theirs alone."""
    _, house = hall
    audience, row_id, board = policy.see_question.now, house.visible.row_id, house.board
    speaker: Any = SimpleNamespace(shape=SimpleNamespace(executor=SimpleNamespace(context_value=None)))
    recording = Recording(speaker)
    recording._note(audience, row_id, Seen(board, is_sure=False))
    recording._note(audience, row_id, Seen(board, is_sure=True))
    assert recording._decisions[audience, row_id] == (True, False)
    assert not recording._is_personal
    recording._note(audience, row_id, UNSEEN)
    assert recording._is_personal
