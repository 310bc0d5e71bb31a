"""Askers: hidden or not, how much they ask, and how they are muted without being known."""

import asyncio
from typing import Any

import pytest

from models import Anonymity, CommunityRole, QuestionState
from resolvers import policy
from resolvers.askers import handle_of
from tests import documents as do
from tests.asking import ask
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import gid

HANDLES = "query ($id: ID!) { nodes(ids: [$id]) { ... on Question { askerHandle author { name } } } }"

MODES = {
    # what the board says       said nothing  hide me                     show me
    Anonymity.FORBIDDEN: (False, "no_anonymous_questions", False),
    Anonymity.ALLOWED: (False, True, False),
    Anonymity.DEFAULT: (True, True, False),
    Anonymity.FORCED: (True, True, "only_anonymous_questions"),
}


@pytest.mark.parametrize("anonymity", Anonymity)
async def test_a_question_is_anonymous_as_its_asker_says_and_its_board_allows(world, bob, community, anonymity):
    board = await world.board(community, anonymity=anonymity)
    got: list[Any] = []
    for wanted in (None, True, False):
        said = {"body": "Why?"} | ({} if wanted is None else {"anonymous": wanted})
        payload = await bob.client.payload(do.ASK, boardId=gid(board), input=said)
        got.append(payload["problems"][0]["rule"] if payload["problems"] else payload["question"]["anonymous"])
    assert tuple(got) == MODES[anonymity]


async def test_only_so_many_questions_of_one_asker_wait_at_a_time(world, ann, bob, community):
    board = await world.board(community, open_per_asker=2)
    asked = [await ask(bob, board), await ask(bob, board, anonymous=True)]
    async with nothing_happens(world.service):
        problem = await bob.client.problem(do.ASK, boardId=gid(board), input={"body": "Why?"})
    assert (problem["code"], problem["retryAfter"]) == ("LIMITED", None)
    await ann.client.do(do.REJECT, questionId=asked[1]["id"], reason="no")
    await ask(bob, board)
    await ask(ann, board)


async def test_only_so_many_questions_are_asked_in_a_minute(world, bob, community, clock):
    board = await world.board(community, asks_per_minute=2)
    for _ in range(2):
        await ask(bob, board, anonymous=True)
    problem = await bob.client.problem(do.ASK, boardId=gid(board), input={"body": "Why?"})
    assert (problem["code"], problem["retryAfter"]) == ("LIMITED", 60)
    clock.advance(seconds=61)
    await ask(bob, board)


async def test_questions_asked_at_once_do_not_slip_past_a_limit(world, bob, community):
    board = await world.board(community, open_per_asker=3)
    said = {"body": "Why?", "anonymous": True}
    codes = await asyncio.gather(*(answer(bob.client, do.ASK, boardId=gid(board), input=said) for _ in range(8)))
    assert sorted(codes) == ["LIMITED"] * 5 + ["Y"] * 3


async def test_a_question_is_as_long_as_its_board_takes(world, bob, community):
    board = await world.board(community, max_length=20)
    await ask(bob, board, "x" * 20)
    async with nothing_happens(world.service):
        problem = await bob.client.problem(do.ASK, boardId=gid(board), input={"body": "x" * 21})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "body"])


async def test_votes_may_be_few_and_come_back_with_an_answer(world, ann, bob, community):
    board = await world.board(community, votes_per_person=2)
    questions = [gid(await world.question(board, ann, number=n)) for n in range(1, 5)]
    codes = await asyncio.gather(*(answer(bob.client, do.UPVOTE, questionId=id) for id in questions))
    assert sorted(codes) == ["LIMITED", "LIMITED", "Y", "Y"]
    voted = questions[codes.index("Y")]
    left = questions[codes.index("LIMITED")]
    await ann.client.do(do.MARK_ANSWERED, questionId=voted, input={"how": "LIVE"})
    assert await answer(bob.client, do.UPVOTE, questionId=left) == "Y"


async def test_a_handle_tells_one_askers_questions_from_anothers_and_not_who_it_is(world, ann, bob, community, board):
    carl = await world.person("Carl")
    await world.belong(carl, community)
    asked = [(await ask(person, board, anonymous=hidden))["id"] for person, hidden in (
        (bob, True), (bob, True), (carl, True), (bob, False)
    )]  # fmt: skip
    seen = [(await ann.client.ask(HANDLES, id=id))["nodes"][0] for id in asked]
    first, again, other, named = [node["askerHandle"] for node in seen]
    assert first == again
    assert len({first, other, named}) == 3, "what is asked by name must not tell what is asked without"
    assert [node["author"] for node in seen] == [None, None, None, {"name": "Bob"}]
    elsewhere = (await ask(bob, await world.board(community), anonymous=True))["id"]
    assert (await ann.client.ask(HANDLES, id=elsewhere))["nodes"][0]["askerHandle"] not in {first, other, named}
    assert (await carl.client.ask(HANDLES, id=asked[2]))["nodes"] == [{"askerHandle": None, "author": None}]


async def test_a_muted_asker_is_refused_on_that_board_and_nowhere_else(world, ann, bob, community, board):
    handle = handle_of(world.service.means.cipher, board.id, bob.principal_id, anonymous=True)
    await ask(bob, board, anonymous=True)
    muted = (await ann.client.do(do.MUTE_ASKER, boardId=gid(board), handle=handle))["questionBoard"]
    assert muted["mutedAskers"] == [handle]
    said = {"body": "Why?", "anonymous": True}
    async with nothing_happens(world.service):
        problem = await bob.client.problem(do.ASK, boardId=gid(board), input=said)
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "asker_is_muted")
    await ask(bob, await world.board(community), anonymous=True)
    await ask(bob, board)  # by name: muting by handle must not tell whose handle it is
    await ann.client.do(do.MUTE_ASKER, boardId=gid(board), handle=handle, muted=False)
    await ask(bob, board, anonymous=True)


async def test_who_mutes_and_who_sees_that(world, ann, bob, community, board):
    await ask(bob, board, anonymous=True)
    handle = handle_of(world.service.means.cipher, board.id, bob.principal_id, anonymous=True)
    presenter = await world.person("Pia")
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    assert await answer(bob.client, do.MUTE_ASKER, boardId=gid(board), handle=handle) == "N"
    for unknown in ("nobody", "", "\0", "\ud800"):
        assert await answer(ann.client, do.MUTE_ASKER, boardId=gid(board), handle=unknown) == "INVALID"
    assert await answer(presenter.client, do.MUTE_ASKER, boardId=gid(board), handle=handle) == "Y"
    document = "query ($id: ID!) { node(id: $id) { ... on QuestionBoard { mutedAskers } } }"
    seen = [(await person.client.ask(document, id=gid(board)))["node"]["mutedAskers"] for person in (ann, bob)]
    assert seen == [[handle], None]


async def test_the_hall_hears_nothing_of_a_mute(world, ann, bob, board):
    await ask(bob, board, anonymous=True)
    handle = handle_of(world.service.means.cipher, board.id, bob.principal_id, anonymous=True)
    feeds = {
        name: await person.client.follow(
            f"subscription ($id: ID!) {{ {name}(id: $id) {{ __typename ... on Changed {{ node {{ id }} }} }} }}",
            id=gid(board),
        )
        for name, person in (("questionBoard", bob), ("questionBoardModeration", ann))
    }
    await ann.client.do(do.MUTE_ASKER, boardId=gid(board), handle=handle)
    told = {name: [e["__typename"] for e in await feed.take()] for name, feed in feeds.items()}
    assert told == {"questionBoard": [], "questionBoardModeration": ["Changed"]}
    for feed in feeds.values():
        await feed.stop()


async def test_a_question_is_put_to_somebody_who_answers_there(world, ann, bob, community, board):
    pia, res = await world.person("Pia"), await world.person("Res")
    await world.belong(pia, community, CommunityRole.PRESENTER)
    await world.belong(res, community, CommunityRole.RESPONDER)
    document = """query ($id: ID!) { node(id: $id) { ... on Question {
      addressedTo { name } viewerIsAddressed } } }"""
    asked = (await ask(bob, board, addressedTo=[pia.id, res.id, pia.id]))["id"]
    seen = (await pia.client.ask(document, id=asked))["node"]
    assert {member["name"] for member in seen["addressedTo"]} == {"Pia", "Res"}
    assert seen["viewerIsAddressed"]
    assert not (await ann.client.ask(document, id=asked))["node"]["viewerIsAddressed"]
    for wrong in (bob.id, gid(board)):
        async with nothing_happens(world.service):
            said = {"body": "Why?", "addressedTo": [wrong]}
            assert (await bob.client.problem(do.ASK, boardId=gid(board), input=said))["field"] == [
                "input",
                "addressedTo",
            ]


EDITS = {
    # state        asker  moderator  member
    "PENDING": ("Y", "Y", "-"),
    "VISIBLE": ("N", "Y", "N"),
    "ANSWERED": ("N", "N", "N"),
    "REJECTED": ("N", "N", "-"),
    "WITHDRAWN": ("N", "N", "-"),
}


@table(policy.edit_question)
@pytest.mark.parametrize("anonymous", [False, True])
async def test_who_edits_a_question_and_when(world, ann, bob, community, board, anonymous):
    member = await world.person("Mel")
    await world.belong(member, community)
    for state, row in EDITS.items():
        words = []
        for person in (bob, ann, member):
            question = await world.question(board, bob, state=QuestionState(state), anonymous=anonymous)
            words.append(await answer(person.client, do.EDIT_QUESTION, questionId=gid(question), body="Better"))
            fresh = await world.fresh(question)
            is_edited = (fresh.body, fresh.revision, fresh.edited_at is not None) == ("Better", 2, True)
            assert is_edited == (words[-1] == "Y")
        assert (state, *words) == (state, *row)


async def test_what_was_edited_after_the_moderator_read_it_is_not_let_through(world, ann, bob, board):
    """Its asker may edit it until then: something harmless to be read, and something else for the hall."""
    question = await world.question(board, bob, "Harmless", state=QuestionState.PENDING)
    await bob.client.do(do.EDIT_QUESTION, questionId=gid(question), body="Harmful")
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.APPROVE, questionId=gid(question), ifVersion=1)
    assert (problem["code"], problem["currentVersion"]) == ("CONFLICT", 2)
    await ann.client.do(do.APPROVE, questionId=gid(question), ifVersion=2)


async def test_an_edit_of_something_older_is_a_conflict(world, ann, bob, board):
    question = gid(await world.question(board, bob, state=QuestionState.PENDING))
    await bob.client.do(do.EDIT_QUESTION, questionId=question, body="Better", ifVersion=1)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.EDIT_QUESTION, questionId=question, body="Best", ifVersion=1)
    assert (problem["code"], problem["currentVersion"]) == ("CONFLICT", 2)
