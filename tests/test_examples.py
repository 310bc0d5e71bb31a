"""Each document that we show to newcomers is valid, and does what it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, print_ast, separate_operations, validate

from commands.demo import cast
from models import CommunityPurpose, PollState, QuestionState
from schema.root import build
from tests.client import Client
from tests.documents import CREATE_TASK, ESCALATE_TOPIC
from tests.world import PASSWORD, World, gid

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.graphql"))
PROSE = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]


def operations(path: Path) -> dict[str, str]:
    """Each operation by its name, with the fragments that it needs."""
    return {name: print_ast(document) for name, document in separate_operations(parse(path.read_text())).items()}


OPERATIONS = {name: document for path in EXAMPLES for name, document in operations(path).items()}

# Who does it, if not Ann, who is an attendee and a support agent.
BY = {
    "BoardAsModerator": "Olga",
    "BoardAsModeratorLive": "Olga",
    "BoardOnScreen": "screen",
    "BoardOnScreenLive": "screen",
    "Approve": "Olga",
    "Reject": "Olga",
    "Show": "Olga",
    "MarkAnswered": "Olga",
    **dict.fromkeys(("DraftPoll", "OpenPoll", "ClosePoll", "BoardReport"), "Olga"),
    "AcceptTask": "Dev",
    "ReassignTask": "Dev",
    "CompleteTask": "Ida",
    "JoinCommunity": "Dev",
    "Comment": "Olga",
    "PlanSession": "Olga",
    "MoveSession": "Olga",
    "LinkRecording": "Olga",
    "ReleaseReplay": "Olga",
    "CancelSession": "Olga",
}

# What another does, so that a feed has something to tell.
MOVES = {
    "MyFeedLive": "CreateTopic",
    "CommunityActivityLive": "CreateTopic",
    "BoardAsAttendeeLive": "Approve",
    "BoardAsModeratorLive": "AskQuestion",
    "BoardOnScreenLive": "Show",
    "MyQuestionsLive": "Approve",
    "EscalationsLive": "EscalateTopic",
    "TopicWithCommentsLive": "Comment",
    "MyTasksLive": "AcceptTask",
    "ScheduleLive": "MoveSession",
}


@dataclass
class Stage:
    """Everybody and everything that the examples speak of."""

    cast: Mapping[str, Client]
    ids: Mapping[str, Any]

    def of(self, operation: str) -> dict[str, Any]:
        (document,) = separate_operations(parse(OPERATIONS[operation])).values()
        (node,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        names = [definition.variable.name.value for definition in node.variable_definitions or ()]
        ids = {**self.ids, "questionId": self.ids["pendingId" if operation in {"Approve", "Reject"} else "questionId"]}
        return {name: ids[name] for name in names if name in ids}

    def by(self, operation: str) -> Client:
        return self.cast[BY.get(operation, "Ann")]

    async def play(self, operation: str) -> Any:
        return await self.by(operation).ask(OPERATIONS[operation], **self.of(operation))


@pytest.fixture
async def stage(world: World) -> Stage:
    return await furnished(world)


async def furnished(world: World) -> Stage:
    ann, olga, dev, ida = [await world.person(name) for name in ("Ann", "Olga", "Dev", "Ida")]
    keynote = await world.community("Keynote", owner=olga)
    support = await world.community("Support", owner=olga)
    experts = await world.community("Experts", owner=dev, purpose=CommunityPurpose.ESCALATION)
    for community in (keynote, support):
        await world.belong(ann, community)
    board = await world.board(keynote)
    pending = await world.question(board, ann, state=QuestionState.PENDING)
    question = await world.question(board, olga, number=1)
    topic = await world.content(support, ann, "Printer prints blue")
    escalated = await world.content(support, ann, "Printer prints nothing")
    comment = await world.comment(topic, olga)
    poll, options = await world.poll(board)
    draft, _ = await world.poll(board, state=PollState.DRAFT)
    session = await world.session(keynote)
    screen, _, _ = await world.kiosk(board)
    ids = {
        "networkId": gid(world.network),
        "communityId": gid(support),
        "fromCommunityId": gid(support),
        "toCommunityId": gid(experts),
        "boardId": gid(board),
        "sessionId": gid(session),
        "room": "Aula",
        "note": "More people want to come.",
        "url": "https://example.com/recording",
        "startsAt": "2026-03-05T09:00:00Z",
        "endsAt": "2026-03-05T10:00:00Z",
        "questionId": gid(question),
        "pendingId": gid(pending),
        "pollId": gid(poll),
        "draftId": gid(draft),
        "optionIds": [gid(options[0])],
        "topicId": gid(topic),
        "contentId": gid(topic),
        "commentId": gid(comment),
        "assigneeId": ida.id,
        "body": "Why?",
        "title": "A title",
        "text": "printer",
        "reason": "Asked before.",
        "email": ann.account.email,
        "password": PASSWORD,
    }
    task = await ann.client.do(
        CREATE_TASK, networkId=ids["networkId"], input={"title": "Look", "assigneeId": dev.id, "contentId": gid(topic)}
    )
    escalation = await ann.client.do(ESCALATE_TOPIC, topicId=gid(escalated), input={"communityId": gid(experts)})
    made = {"taskId": task["task"]["id"], "escalationId": escalation["escalation"]["id"]}
    cast = {person.name: person.client for person in (ann, olga, dev, ida)}
    return Stage({**cast, "screen": screen}, ids | made)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    assert validate(build()._schema, parse(path.read_text())) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_what_each_of_its_parts_is_for(path: Path) -> None:
    parts = re.split(r"\n(?=\n)", path.read_text())
    assert [part for part in parts if not part.lstrip().startswith("# ")] == []


def test_no_two_operations_have_one_name() -> None:
    names = [name for path in EXAMPLES for name in operations(path)]
    assert len(names) == len(set(names))
    assert "" not in names


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_does_what_it_says_from_top_to_bottom(stage: Stage, path: Path) -> None:
    for operation in (name for name in operations(path) if name not in MOVES):
        for answer in (await stage.play(operation)).values():
            assert answer is not None, operation
            assert answer.get("problems", []) == [], operation


@pytest.mark.parametrize("operation", MOVES)
async def test_a_feed_of_an_example_goes_on_where_its_query_ended(stage: Stage, operation: str) -> None:
    (snapshot,) = (await stage.play(operation.removesuffix("Live"))).values()
    variables = stage.of(operation) | {"after": snapshot["cursor"]}
    await stage.play(MOVES[operation])
    feed = await stage.by(operation).follow(OPERATIONS[operation], **variables)
    await feed.until(lambda feed: feed.is_done or feed.events != [])
    assert feed.error is None
    assert {event["__typename"] for event in feed.events} & {"Added", "Changed", "Counters"}
    await feed.stop()


def test_each_subscription_of_the_examples_is_followed() -> None:
    assert set(MOVES) == {name for name, document in OPERATIONS.items() if document.startswith("subscription")}


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_what_the_prose_shows_is_valid(path: Path) -> None:
    for block in re.findall(r"```graphql\n(.*?)```", path.read_text(), re.DOTALL):
        assert validate(build()._schema, parse(block)) == [], block


def test_the_people_of_the_readme_are_in_the_demo() -> None:
    named = set(re.findall(r"[\w.]+@[\w.-]+\.example", (ROOT / "README.md").read_text()))
    assert named
    assert named <= {person.email for person in cast.NEWCOMERS}
    assert cast.PASSWORD in (ROOT / "README.md").read_text()
