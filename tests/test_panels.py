"""What the panel does: answers in several ways, and labels."""

import pytest

from models import QuestionState
from tests import documents as do
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import gid

SEEN = """query ($id: ID!) { node(id: $id) { ... on Question {
  state answeredHow answer answerLink answerTimecodeMs labels privateLabels
} } }"""


@pytest.mark.parametrize(
    "given",
    [
        {"how": "LIVE"},
        {"how": "LIVE", "timecodeMs": 760_000},
        {"how": "TEXT", "answer": "Because."},
        {"how": "ELSEWHERE", "link": "https://example.com/answers?n=1"},
    ],
)
async def test_a_question_is_answered_aloud_in_writing_or_elsewhere_and_undone_whole(world, ann, bob, board, given):
    question = gid(await world.question(board, bob, number=1))
    await ann.client.do(do.MARK_ANSWERED, questionId=question, input=given)
    seen = (await bob.client.ask(SEEN, id=question))["node"]
    names = {"answeredHow": "how", "answer": "answer", "answerLink": "link", "answerTimecodeMs": "timecodeMs"}
    assert {field: seen[field] for field in names} == {field: given.get(name) for field, name in names.items()}
    await ann.client.do(do.UNMARK_ANSWERED, questionId=question)
    undone = (await bob.client.ask(SEEN, id=question))["node"]
    assert (undone["state"], [undone[field] for field in names]) == ("VISIBLE", [None] * 4)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"how": "TEXT"}, "answer"),
        ({"how": "TEXT", "answer": "x" * 5_001}, "answer"),
        ({"how": "ELSEWHERE"}, "link"),
        ({"how": "ELSEWHERE", "link": "javascript:alert(1)"}, "link"),
        ({"how": "ELSEWHERE", "link": "https://"}, "link"),
        ({"how": "ELSEWHERE", "link": "https://[bad"}, "link"),
        ({"how": "LIVE", "timecodeMs": -1}, "timecodeMs"),
        ({"how": "LIVE", "timecodeMs": 172_800_001}, "timecodeMs"),
    ],
)
async def test_an_answer_that_lacks_what_it_says_is_none(world, ann, bob, board, given, field):
    question = gid(await world.question(board, bob, number=1))
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.MARK_ANSWERED, questionId=question, input=given)
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_labels_are_for_all_or_for_the_panel(world, ann, bob, board):
    question = gid(await world.question(board, bob, number=1))
    await ann.client.do(do.LABEL, questionId=question, input={"labels": ["Price", "price "], "privateLabels": ["rude"]})
    assert (await ann.client.ask(SEEN, id=question))["node"]["privateLabels"] == ["rude"]
    seen = (await bob.client.ask(SEEN, id=question))["node"]
    assert (seen["labels"], seen["privateLabels"]) == (["price"], None)
    await ann.client.do(do.LABEL, questionId=question, input={"labels": []})
    seen = (await ann.client.ask(SEEN, id=question))["node"]
    assert (seen["labels"], seen["privateLabels"]) == ([], ["rude"])


async def test_the_panel_labels_and_not_too_much(world, ann, bob, board):
    question = gid(await world.question(board, bob, state=QuestionState.PENDING))
    assert await answer(bob.client, do.LABEL, questionId=question, input={"labels": ["mine"]}) == "N"
    async with nothing_happens(world.service):
        problem = await ann.client.problem(
            do.LABEL, questionId=question, input={"labels": [f"l{n}" for n in range(11)]}
        )
    assert problem["field"] == ["input", "labels"]


async def test_who_turned_a_question_down_is_for_the_panel(world, ann, bob, board):
    question = gid(await world.question(board, bob, state=QuestionState.PENDING))
    await ann.client.do(do.REJECT, questionId=question, reason="no")
    by = "query ($id: ID!) { node(id: $id) { ... on Question { rejectReason rejectedBy { name } } } }"
    assert [(await person.client.ask(by, id=question))["node"] for person in (ann, bob)] == [
        {"rejectReason": "no", "rejectedBy": {"name": "Ann"}},
        {"rejectReason": "no", "rejectedBy": None},
    ]
