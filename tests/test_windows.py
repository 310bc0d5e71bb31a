"""Answer windows: when somebody answers, and in which of them an answer was given."""

from datetime import timedelta

import pytest

from models import AnswerWindow, CommunityRole
from resolvers import policy
from tests import documents as do
from tests.tables import table
from tests.traces import answer, count
from tests.unchanged import nothing_happens
from tests.world import gid

BOARD = """query ($id: ID!) { node(id: $id) { ... on QuestionBoard {
  windows(first: 9) { nodes { id startsAt timeZone } } } } }"""
ANSWERED = "query ($id: ID!) { node(id: $id) { ... on Question { answerWindow { timeZone } answerTimecodeMs } } }"


def window(clock, hours: float, length: float = 1, **more):
    starts = clock.now() + timedelta(hours=hours)
    return {"startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=length)).isoformat()} | more


async def test_a_pool_of_questions_goes_through_three_windows_and_each_answer_says_in_which(
    world, ann, bob, board, clock
):
    """Windows in Europe, Asia and America; what is answered between them is answered in none."""
    zones = ("Europe/Brussels", "Asia/Tokyo", "America/New_York")
    for hours, zone in zip((1, 9, 17), zones, strict=True):
        await ann.client.do(do.ADD_WINDOW, boardId=gid(board), input=window(clock, hours, timeZone=zone))
    questions = [gid(await world.question(board, bob, number=n)) for n in range(1, 5)]
    got = []
    for question, passing in zip(questions, (1.5, 8, 4, 0.5), strict=True):
        clock.advance(seconds=passing * 3600)
        answered = {"how": "LIVE", "timecodeMs": 760_000}
        await ann.client.do(do.MARK_ANSWERED, questionId=question, input=answered)
        got.append((await bob.client.ask(ANSWERED, id=question))["node"])
    assert [node["answerWindow"] for node in got] == [
        {"timeZone": "Europe/Brussels"},
        {"timeZone": "Asia/Tokyo"},
        None,
        None,
    ]
    assert {node["answerTimecodeMs"] for node in got} == {760_000}


async def test_a_board_lists_its_windows_and_a_window_who_answers_there(world, ann, bob, board, clock):
    await ann.client.do(do.ADD_WINDOW, boardId=gid(board), input=window(clock, 5))
    made = await ann.client.do(
        do.ADD_WINDOW, boardId=gid(board), input=window(clock, 2, timeZone="Asia/Tokyo", answererIds=[bob.id])
    )
    assert made["answerWindow"]["answerers"] == [{"name": "Bob"}]
    nodes = (await bob.client.ask(BOARD, id=gid(board)))["node"]["windows"]["nodes"]
    assert [node["timeZone"] for node in nodes] == ["Asia/Tokyo", "UTC"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"timeZone": "Mars/Olympus"}, "timeZone"), ({"length": 0}, "endsAt"), ({"answererIds": ["x"]}, "answererIds")],
    ids=["zone", "end", "answerer"],
)
async def test_a_window_has_an_end_a_zone_and_people_of_the_community(world, ann, board, clock, wrong, field):
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.ADD_WINDOW, boardId=gid(board), input=window(clock, 1, **wrong))
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_a_window_that_has_begun_stays(world, ann, board, clock):
    made = (await ann.client.do(do.ADD_WINDOW, boardId=gid(board), input=window(clock, 1)))["answerWindow"]["id"]
    later = (await ann.client.do(do.ADD_WINDOW, boardId=gid(board), input=window(clock, 9)))["answerWindow"]["id"]
    clock.advance(seconds=2 * 3600)
    assert await answer(ann.client, do.REMOVE_WINDOW, answerWindowId=made) == "CONFLICT"
    assert await answer(ann.client, do.REMOVE_WINDOW, answerWindowId=later) == "Y"
    assert await count(world.service, AnswerWindow) == 1


@table(policy.see_answer_window, policy.change_answer_window)
async def test_who_sees_and_who_changes_windows(world, ann, bob, community, board, clock):
    presenter, stranger = await world.person("Pia"), await world.person("Sid")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    private = await world.board(await world.community("Private", owner=ann, visibility="PRIVATE"))
    got = {}
    for name, person in {"owner": ann, "presenter": presenter, "member": bob, "stranger": stranger}.items():
        made = [
            (await ann.client.do(do.ADD_WINDOW, boardId=gid(on), input=window(clock, 1)))["answerWindow"]["id"]
            for on in (board, private)
        ]
        got[name] = tuple([await answer(person.client, do.REMOVE_WINDOW, answerWindowId=id) for id in made])
    assert got == {
        "owner": ("Y", "Y"), "presenter": ("Y", "-"), "member": ("N", "-"), "stranger": ("N", "-"),
    }  # fmt: skip
