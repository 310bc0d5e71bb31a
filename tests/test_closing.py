"""What becomes of questions that nobody answered: topics, or nothing more; tasks and escalations out of questions."""

from typing import Any

import pytest

from models import (
    Change,
    CommunityPurpose,
    CommunityRole,
    Content,
    Kind,
    MemberKind,
    QuestionState,
    ShowCounts,
)
from resolvers import policy, session
from tests import documents as do
from tests.replica import KINDS, Replica, fresh
from tests.tables import table
from tests.traces import answer, changes, count
from tests.unchanged import nothing_happens
from tests.world import gid

TOPICS = """query ($id: ID!) { communityActivity(communityId: $id, kinds: [TOPIC]) { contents(first: 20) { nodes {
  ... on Topic { title body author { name } }
} } } }"""
GOES_ON = "query ($id: ID!) { node(id: $id) { ... on Question { state topic { title } } } }"


async def test_what_stands_unanswered_at_closing_goes_on_as_topics_of_those_who_asked(
    world, ann, bob, community, board
):
    states = (QuestionState.VISIBLE, QuestionState.ANSWERED, QuestionState.PENDING, QuestionState.REJECTED)
    for number, state in enumerate(states, start=1):
        await world.question(board, bob, f"{state}?", state=state, number=number)
    hidden = await world.question(board, bob, "Hidden?", anonymous=True, number=9, on_screen=True)
    long = await world.question(board, bob, "Long " * 60, number=10)
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
    topics = (await bob.client.ask(TOPICS, id=gid(community)))["communityActivity"]["contents"]["nodes"]
    assert {(topic["title"][:8], topic["body"][:4], (topic["author"] or {}).get("name")) for topic in topics} == {
        ("VISIBLE?", "", "Bob"),
        ("Hidden?", "", None),
        ("Long Lon", "Long", "Bob"),
    }
    assert (await bob.client.ask(GOES_ON, id=gid(hidden)))["node"] == {
        "state": "DISMISSED",
        "topic": {"title": "Hidden?"},
    }
    assert [(await world.fresh(question)).on_screen for question in (hidden, long)] == [False, False]
    assert await count(world.service, Content) == 3


async def test_a_board_may_close_without_topics(world, ann, bob, board):
    question = await world.question(board, bob, number=1)
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board), unanswered="DISMISSED")
    assert (await world.fresh(question)).state is QuestionState.DISMISSED
    assert await count(world.service, Content) == 0


async def test_closing_a_full_board_is_one_change_for_the_whole_of_it(world, ann, bob, board, monkeypatch):
    monkeypatch.setattr(session, "BULK_MOST", 2)
    questions = [await world.question(board, bob, number=n) for n in range(1, 4)]
    feed = await bob.client.follow(KINDS["questionBoard"].subscription, id=gid(board))
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board), unanswered="DISMISSED")
    assert [event["__typename"] for event in await feed.take()][-1] == "ResyncRequired"
    assert await changes(world.service, *questions) == []
    kinds = [change.kind for change in await changes(world.service, board)]
    assert kinds == [Kind.ROW, Kind.RIGHTS]


async def test_counts_that_show_after_closing_come_with_it(world, ann, bob, community):
    board = await world.board(community, show_counts=ShowCounts.AFTER_CLOSE)
    answered = await world.question(board, ann, state=QuestionState.ANSWERED, number=1, votes=3)
    votes = "query ($id: ID!) { node(id: $id) { ... on Question { votes } } }"
    assert (await bob.client.ask(votes, id=gid(answered)))["node"]["votes"] is None
    feed = await bob.client.follow(KINDS["questionBoard"].subscription, id=gid(board))
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
    counted = [event for event in await feed.take() if event["__typename"] == "Counters"]
    assert [node["votes"] for event in counted for node in event["nodes"]] == [3]
    await feed.stop()


async def test_many_topics_are_one_change_for_the_whole_of_the_board(world, ann, bob, board, monkeypatch):
    monkeypatch.setattr(session, "BULK_MOST", 2)
    for n in range(1, 4):
        await world.question(board, bob, number=n)
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
    assert await count(world.service, Content) == 3
    assert [(change.noun, change.kind) for change in await changes(world.service)] == [
        ("QuestionBoard", Kind.ROW),
        ("QuestionBoard", Kind.RIGHTS),
        ("QuestionBoard", Kind.RIGHTS),
    ]


async def test_counts_that_show_after_closing_come_on_every_question_that_somebody_follows(world, ann, bob, community):
    """Also on what had become a topic before, and to askers on their own, in whatever state."""
    board = await world.board(community, show_counts=ShowCounts.AFTER_CLOSE)
    for number, state in enumerate(QuestionState):
        await world.question(board, bob, state=state, number=number or None, votes=number)
    copies = [Replica(bob.client, KINDS[name], gid(board)) for name in ("questionBoard", "myQuestions")]
    for copy in copies:
        await copy.open()
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board), unanswered="DISMISSED")
    for copy in copies:
        assert copy.follower is not None
        copy.follower.events = await copy.follower.take()
        copy.apply()
        ((now, _),) = await fresh(bob.client, [copy])
        assert copy.state == now
        await copy.close()


async def test_the_panel_turns_one_question_into_a_topic_once(world, ann, bob, board):
    question = gid(await world.question(board, bob, "Why?", number=1))
    topic = (await ann.client.do(do.TO_TOPIC, questionId=question))["topic"]
    assert (topic["title"], topic["author"]) == ("Why?", {"name": "Bob"})
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.TO_TOPIC, questionId=question) == "CONFLICT"
    assert await answer(bob.client, do.TO_TOPIC, questionId=question) == "N"


async def test_the_topic_of_an_anonymous_question_is_answered_by_whoever_comments_even_by_its_asker(
    world, ann, bob, board
):
    """Were the asker's own comment no answer, the topic's state would tell who asked."""
    question = await world.question(board, bob, "Why?", number=1, anonymous=True)
    made = (await ann.client.do(do.TO_TOPIC, questionId=gid(question)))["topic"]["id"]
    await bob.client.do(do.ADD_COMMENT, contentId=made, input={"body": "Anybody?"})
    state = "query ($id: ID!) { node(id: $id) { ... on Topic { answerState author { name } } } }"
    assert (await bob.client.ask(state, id=made))["node"] == {"answerState": "ANSWERED", "author": None}


# --- handing on ---------------------------------------------------------------------------------------------------


async def _people(world: Any, community: Any) -> dict[str, Any]:
    people = {}
    for name, kind, roles in (
        ("presenter", MemberKind.INTERNAL, CommunityRole.PRESENTER),
        ("guest on the panel", MemberKind.GUEST, CommunityRole.PRESENTER),
        ("responder", MemberKind.INTERNAL, CommunityRole.RESPONDER),
        ("member", MemberKind.INTERNAL, CommunityRole.MEMBER),
    ):
        people[name] = await world.person(name.replace(" ", "-"), kind)
        await world.belong(people[name], community, roles)
    return people


@table(policy.hand_on_question)
async def test_who_makes_a_task_or_an_escalation_of_a_question(world, ann, bob, community, board):
    people = {"owner": ann, "asker": bob} | await _people(world, community)
    help_ = await world.community("Help", owner=ann, purpose=CommunityPurpose.ESCALATION)
    got = {}
    for who, person in people.items():
        question = gid(await world.question(board, bob, number=None))
        task = {"assigneeId": ann.id, "title": "Find out", "questionId": question}
        got[who] = (
            await answer(person.client, do.CREATE_TASK, networkId=gid(world.network), input=task),
            await answer(person.client, do.ESCALATE_QUESTION, questionId=question, input={"communityId": gid(help_)}),
        )
    assert got == {
        "owner": ("Y", "Y"),
        "presenter": ("Y", "Y"),
        "guest on the panel": ("N", "N"),
        "responder": ("N", "N"),
        "asker": ("N", "N"),
        "member": ("N", "N"),
    }


async def test_a_question_is_escalated_without_saying_who_asked(world, ann, bob, community, board):
    help_ = await world.community("Help", owner=ann, purpose=CommunityPurpose.ESCALATION)
    question = await world.question(board, bob, "Why does it leak?", number=1, anonymous=True)
    into = {"communityId": gid(help_)}
    made = (await ann.client.do(do.ESCALATE_QUESTION, questionId=gid(question), input=into))["escalation"]
    assert (made["topic"]["title"], made["escalatedBy"]) == ("Why does it leak?", {"name": "Ann"})
    links = "query ($id: ID!) { node(id: $id) { ... on Question { escalatedTo { id } } } }"
    assert (await ann.client.ask(links, id=gid(question)))["node"]["escalatedTo"] == [{"id": made["id"]}]
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.ESCALATE_QUESTION, questionId=gid(question), input=into) == "CONFLICT"


async def test_a_task_is_about_a_question_that_its_assignee_may_see(world, ann, bob, community, board):
    pending = await world.question(board, bob, state=QuestionState.PENDING)
    stranger, presenter = await world.person("Sid"), await world.person("Pia")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    task = {"title": "Find out", "questionId": gid(pending)}
    network = gid(world.network)
    assert (await ann.client.problem(do.CREATE_TASK, networkId=network, input=task | {"assigneeId": stranger.id}))[
        "field"
    ] == ["input", "assigneeId"]
    before = len(await changes(world.service, pending))
    made = await ann.client.do(do.CREATE_TASK, networkId=network, input=task | {"assigneeId": presenter.id})
    about = "query ($id: ID!) { task(id: $id) { task { question { id } } } }"
    found = await presenter.client.ask(about, id=made["task"]["id"])
    assert found["task"]["task"]["question"] == {"id": gid(pending)}
    assert len(await changes(world.service, pending)) == before, "the question shows no trace of the task"


@pytest.mark.parametrize("state", [QuestionState.PENDING, QuestionState.REJECTED, QuestionState.WITHDRAWN])
async def test_what_does_not_stand_before_the_hall_becomes_no_topic(world, ann, bob, board, state):
    question = await world.question(board, bob, state=state)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.TO_TOPIC, questionId=gid(question)) == "CONFLICT"
    assert await count(world.service, Change) == 0
