"""Questions: asked, let through, voted up, shown, answered; and who sees which."""

import asyncio
from typing import Any

import pytest

from models import BoardState, Moderation, QuestionState, Vote
from resolvers import policy
from tests import documents as do
from tests.asking import ask, hall_of
from tests.tables import table
from tests.traces import answer, changes, count, look
from tests.unchanged import nothing_happens
from tests.world import gid

QUESTION = """query ($id: ID!) { node(id: $id) { ... on Question {
  body state number anonymous author { name } isMine rejectReason onScreen viewerHasVoted
  viewerCan { upvote { allowed } withdraw { allowed } moderate { allowed } }
} } }"""


# --- asking ---------------------------------------------------------------------------------------------------------


async def test_a_question_waits_where_questions_wait_and_is_numbered_when_it_is_let_through(ann, bob, board):
    asked = await ask(bob, board)
    assert (asked["state"], asked["number"], asked["isMine"]) == ("PENDING", None, True)
    approved = (await ann.client.do(do.APPROVE, questionId=asked["id"]))["question"]
    assert (approved["state"], approved["number"], approved["isMine"]) == ("VISIBLE", 1, False)


async def test_where_nothing_waits_a_question_is_there_at_once(world, bob, community):
    board = await world.board(community, moderation=Moderation.NONE)
    assert [(await ask(bob, board))["number"] for _ in range(2)] == [1, 2]


async def test_numbers_have_no_gaps_where_questions_were_rejected(ann, bob, board):
    asked = [(await ask(bob, board))["id"] for _ in range(3)]
    await ann.client.do(do.REJECT, questionId=asked[1], reason="no")
    approved = [(await ann.client.do(do.APPROVE, questionId=id))["question"]["number"] for id in (asked[0], asked[2])]
    assert approved == [1, 2]


async def test_a_question_hidden_and_let_through_again_keeps_its_number(world, ann, bob, board):
    first, second = await ask(bob, board), await ask(bob, board)
    for asked in (first, second):
        await ann.client.do(do.APPROVE, questionId=asked["id"])
    assert (await ann.client.do(do.HIDE, questionId=first["id"]))["question"]["state"] == "PENDING"
    assert (await ann.client.do(do.APPROVE, questionId=first["id"]))["question"]["number"] == 1
    assert (await world.fresh(board)).published_count == 2


@pytest.mark.parametrize("body", ["", " ", "b" * 501, "a\x00b"], ids=["empty", "blank", "long", "nul"])
async def test_what_has_the_wrong_form_is_no_question(world, bob, board, body):
    async with nothing_happens(world.service):
        problem = await bob.client.problem(do.ASK, boardId=gid(board), input={"body": body})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "body"])


# --- states ---------------------------------------------------------------------------------------------------------

DEEDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "approve": (do.APPROVE, {}, "moderator"),
    "reject": (do.REJECT, {"reason": "no"}, "moderator"),
    "hide": (do.HIDE, {}, "moderator"),
    "show": (do.SHOW, {"onScreen": True}, "moderator"),
    "answer": (do.MARK_ANSWERED, {"input": {"how": "LIVE"}}, "moderator"),
    "unmark": (do.UNMARK_ANSWERED, {}, "moderator"),
    "withdraw": (do.WITHDRAW_QUESTION, {}, "asker"),
    "upvote": (do.UPVOTE, {}, "voter"),
    "unvote": (do.RETRACT_UPVOTE, {}, "voter"),
}
# What each deed makes of a question in each state; a code where it is refused.
STATES = {
    #            approve     reject      hide        show        answer      unmark      withdraw     upvote     unvote
    "PENDING": ("VISIBLE", "REJECTED", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "WITHDRAWN", "-", "-"),
    "VISIBLE": (
        "CONFLICT",
        "REJECTED",
        "PENDING",
        "VISIBLE",
        "ANSWERED",
        "CONFLICT",
        "WITHDRAWN",
        "VISIBLE",
        "VISIBLE",
    ),
    "ANSWERED": ("CONFLICT", "CONFLICT", "CONFLICT", "ANSWERED", "CONFLICT", "VISIBLE", "N", "N", "N"),
    "REJECTED": ("VISIBLE", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "N", "-", "-"),
    "WITHDRAWN": ("CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "N", "-", "-"),
    "MERGED": ("CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "N", "-", "-"),
    "DISMISSED": ("CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "CONFLICT", "N", "N", "N"),
}


@table(policy.withdraw_question, policy.moderate_question, policy.upvote_question)
@pytest.mark.parametrize("state", STATES)
async def test_a_question_moves_from_state_to_state(world, ann, bob, community, board, state):
    voter = await world.person("Vic")
    await world.belong(voter, community)
    who = {"moderator": ann.client, "asker": bob.client, "voter": voter.client}
    expected = dict(zip(DEEDS, STATES[state], strict=True))
    got = {}
    for name, (document, variables, by) in DEEDS.items():
        question = await world.question(board, bob, state=QuestionState(state))
        if expected[name] in {"CONFLICT", "N", "-"}:
            async with nothing_happens(world.service):
                got[name] = await answer(who[by], document, questionId=gid(question), **variables)
        else:
            got[name] = (await who[by].do(document, questionId=gid(question), **variables))["question"]["state"]
    assert got == expected


async def test_what_is_hidden_rejected_or_taken_back_leaves_the_screen(world, ann, bob, board):
    for document, person, more in (
        (do.HIDE, ann, {}),
        (do.REJECT, ann, {"reason": "no"}),
        (do.WITHDRAW_QUESTION, bob, {}),
    ):
        question = await world.question(board, bob, on_screen=True)
        await person.client.do(document, questionId=gid(question), **more)
        assert not (await world.fresh(question)).on_screen


async def test_one_question_at_a_time_is_on_screen(world, ann, bob, board):
    first, second = [await world.question(board, bob) for _ in range(2)]
    elsewhere = await world.question(await world.board(await world.community(owner=ann)), ann, on_screen=True)
    for question in (first, second):
        await ann.client.do(do.SHOW, questionId=gid(question), onScreen=True)
    assert [(await world.fresh(q)).on_screen for q in (first, second, elsewhere)] == [False, True, True]
    await ann.client.do(do.SHOW, questionId=gid(second), onScreen=False)
    assert not (await world.fresh(second)).on_screen


async def test_showing_what_is_shown_says_nothing(world, ann, bob, board):
    question = await world.question(board, bob, on_screen=True)
    async with nothing_happens(world.service):
        await ann.client.do(do.SHOW, questionId=gid(question), onScreen=True)


async def test_an_answer_says_how_and_when_and_is_undone_without_trace(world, ann, bob, board, clock):
    question = gid(await world.question(board, bob))
    answered = (
        await ann.client.do(do.MARK_ANSWERED, questionId=question, input={"how": "TEXT", "answer": "Because."})
    )["question"]
    assert answered["answeredHow"] == "TEXT"
    undone = (await ann.client.do(do.UNMARK_ANSWERED, questionId=question))["question"]
    assert (undone["state"], undone["answeredHow"]) == ("VISIBLE", None)


@pytest.mark.parametrize("reason", ["", "r" * 501], ids=["none", "long"])
async def test_a_rejection_has_a_reason(world, ann, bob, board, reason):
    question = await world.question(board, bob)
    async with nothing_happens(world.service):
        assert (await ann.client.problem(do.REJECT, questionId=gid(question), reason=reason))["code"] == "INVALID"


# --- who sees what: table D6 ----------------------------------------------------------------------------------------


HELD = [
    ("PENDING", False),
    ("VISIBLE", False),
    ("VISIBLE", True),
    ("ANSWERED", False),
    ("ANSWERED", True),
    ("REJECTED", False),
    ("WITHDRAWN", False),
    ("DISMISSED", False),
]


async def test_every_list_shows_the_questions_that_its_viewer_may_see_there(world, ann, bob, board):
    for state, on_screen in HELD:
        await world.question(board, bob, f"{state} {on_screen}", state=QuestionState(state), on_screen=on_screen)
    display = (await world.kiosk(board))[0]
    lists = "query ($id: ID!) {{ {feed} {{ questions(first: 20) {{ nodes {{ state onScreen }} }} }} }}"
    seen = {}
    for client, feed, name in (
        (bob.client, "questionBoard(id: $id)", "audience"),
        (ann.client, "questionBoard(id: $id)", "moderator as audience"),
        (ann.client, "questionBoardModeration(id: $id)", "moderation"),
        (display, "questionBoardDisplay(id: $id)", "display"),
        (bob.client, "myQuestions(boardId: $id)", "asker"),
        (ann.client, "myQuestions(boardId: $id)", "who asked nothing"),
    ):
        (found,) = (await client.ask(lists.format(feed=feed), id=gid(board))).values()
        seen[name] = sorted((node["state"], node["onScreen"]) for node in found["questions"]["nodes"])
    public = [("ANSWERED", False), ("ANSWERED", True), ("DISMISSED", False), ("VISIBLE", False), ("VISIBLE", True)]
    assert seen == {
        "audience": public,
        "moderator as audience": public,
        "moderation": sorted(HELD),
        "display": [("ANSWERED", True), ("VISIBLE", True)],
        "asker": sorted(HELD),
        "who asked nothing": [],
    }


async def test_an_audience_member_learns_nothing_of_what_waits(world, ann, bob, community, board):
    member = await world.person("Mel")
    await world.belong(member, community)
    hall = await member.client.follow(hall_of(), id=gid(board))
    asked = (await ask(bob, board))["id"]
    await ann.client.do(do.REJECT, questionId=asked, reason="no")
    assert await hall.take() == []
    assert await look(member.client, do.NODE, id=asked) == "-"
    await hall.stop()


async def test_a_rejected_question_leaves_the_hall_without_its_body(world, ann, bob, board):
    question = await world.question(board, bob)
    hall = await bob.client.follow(hall_of(), id=gid(board))
    await ann.client.do(do.REJECT, questionId=gid(question), reason="off topic")
    (event,) = await hall.take()
    assert event.pop("cursor")
    assert event == {"__typename": "Removed", "id": gid(question), "typename": "Question"}
    await hall.stop()


# --- votes ----------------------------------------------------------------------------------------------------------


async def test_voting_twice_is_voting_once(world, ann, bob, board):
    question = await world.question(board, ann)
    for _ in range(2):
        voted = (await bob.client.do(do.UPVOTE, questionId=gid(question)))["question"]
        assert (voted["votes"], voted["viewerHasVoted"]) == (1, True)
    assert len(await changes(world.service)) == 1


async def test_a_vote_taken_back_is_gone_and_without_one_nothing_happens(world, ann, bob, board):
    question = await world.question(board, ann)
    await bob.client.do(do.UPVOTE, questionId=gid(question))
    taken_back = (await bob.client.do(do.RETRACT_UPVOTE, questionId=gid(question)))["question"]
    assert (taken_back["votes"], taken_back["viewerHasVoted"]) == (0, False)
    async with nothing_happens(world.service):
        await bob.client.do(do.RETRACT_UPVOTE, questionId=gid(question))


async def test_nobody_votes_for_their_own_question_not_even_an_anonymous_one(world, bob, board):
    for anonymous in (False, True):
        question = await world.question(board, bob, anonymous=anonymous)
        async with nothing_happens(world.service):
            problem = await bob.client.problem(do.UPVOTE, questionId=gid(question))
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "upvote_question")


@pytest.mark.parametrize("state", BoardState, ids=str)
async def test_votes_count_while_a_board_is_open_or_paused(world, ann, bob, community, state):
    question = await world.question(await world.board(community, state=state), ann)
    expected = "Y" if state in {BoardState.OPEN, BoardState.PAUSED} else "N"
    for document in (do.UPVOTE, do.RETRACT_UPVOTE):
        assert await answer(bob.client, document, questionId=gid(question)) == expected


async def test_fifty_people_who_vote_twice_at_once_cast_fifty_votes_and_everybody_hears_of_the_last(
    world, ann, community, board
):
    voters = [await world.person(f"Voter{n}") for n in range(50)]
    for voter in voters:
        await world.belong(voter, community)
    question = await world.question(board, ann)
    feeds = [await ann.client.follow(hall_of(f), id=gid(board)) for f in ("questionBoard", "questionBoardModeration")]
    votes = (voter.client.do(do.UPVOTE, questionId=gid(question)) for voter in voters for _ in range(2))
    await asyncio.gather(*votes)
    assert (await world.fresh(question)).votes == 50 == await count(world.service, Vote)
    for feed in feeds:
        told = await feed.take()
        assert {event["__typename"] for event in told} - {"Heartbeat"} == {"Counters"}
        counted = [event for event in told if event["__typename"] == "Counters"]
        assert counted[-1]["nodes"][0]["votes"] == 50
        await feed.stop()
