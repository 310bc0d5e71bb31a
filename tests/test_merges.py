"""Merging questions: one stands for several, with the voters of all, each counted once."""

import asyncio

import pytest

from models import CommunityRole, QuestionState, Vote
from tests import documents as do
from tests.asking import ask
from tests.replica import KINDS
from tests.traces import answer, count
from tests.unchanged import nothing_happens
from tests.world import Person, gid

SEEN = """query ($id: ID!) { node(id: $id) { ... on Question {
  state votes viewerHasVoted mergedInto { id } merged(first: 9) { nodes { id } } viewerCan { upvote { allowed } }
} } }"""


@pytest.fixture
async def voters(world, community) -> list[Person]:
    people = [await world.person(f"Voter{n}") for n in range(5)]
    for person in people:
        await world.belong(person, community)
    return people


@pytest.fixture
async def pair(world, bob, board, voters):
    """A has voters 0, 1, 2 and B has voters 2, 3, 4."""
    first, second = await world.question(board, bob, "A", number=1), await world.question(board, bob, "B", number=2)
    for question, of in ((first, voters[:3]), (second, voters[2:])):
        for voter in of:
            await voter.client.do(do.UPVOTE, questionId=gid(question))
    return first, second


async def test_merging_counts_each_voter_once_and_unmerging_gives_each_question_its_own_back(world, ann, pair):
    first, second = pair
    merged = (await ann.client.do(do.MERGE, questionId=gid(first), intoId=gid(second)))["question"]
    assert merged["state"] == "MERGED"
    assert (await world.fresh(second)).votes == 5
    parted = (await ann.client.do(do.UNMERGE, questionId=gid(first)))["question"]
    assert parted["state"] == "VISIBLE"
    assert [(await world.fresh(question)).votes for question in pair] == [3, 3]


async def test_whoever_voted_for_a_merged_question_has_voted_for_the_one_that_stands_for_it(
    world, ann, bob, pair, voters
):
    first, second = map(gid, pair)
    await ann.client.do(do.MERGE, questionId=first, intoId=second)
    assert (await voters[0].client.ask(SEEN, id=second))["node"]["viewerHasVoted"]
    await voters[0].client.do(do.UPVOTE, questionId=second)
    assert (await world.fresh(pair[1])).votes == 5
    await voters[0].client.do(do.RETRACT_UPVOTE, questionId=second)
    assert (await world.fresh(pair[1])).votes == 4
    await ann.client.do(do.UNMERGE, questionId=first)
    assert [(await world.fresh(question)).votes for question in pair] == [2, 3]


async def test_votes_at_the_same_time_as_a_merge_are_counted_once(world, ann, pair, voters):
    first, second = map(gid, pair)
    late = (voter.client.payload(do.UPVOTE, questionId=id) for voter in voters for id in (first, second))
    await asyncio.gather(ann.client.do(do.MERGE, questionId=first, intoId=second), *late)
    assert (await world.fresh(pair[1])).votes == 5
    assert await count(world.service, Vote) >= 5


async def test_the_hall_is_led_on_to_the_question_that_stands_for_both(world, ann, bob, pair, voters):
    first, second = map(gid, pair)
    hall = await voters[0].client.follow(KINDS["questionBoard"].subscription, id=gid(await world.board_of(pair[0])))
    await ann.client.do(do.MERGE, questionId=first, intoId=second)
    told = await hall.take()
    assert {"Removed": first, "Changed": second} == {
        event["__typename"]: event.get("id") or event["node"]["id"]
        for event in told
        if event["__typename"] in {"Removed", "Changed"}
    }
    seen = (await voters[0].client.ask(SEEN, id=first))["node"]
    assert (seen["state"], seen["mergedInto"], seen["merged"]["nodes"]) == ("MERGED", {"id": second}, [])
    assert (await ann.client.ask(SEEN, id=second))["node"]["merged"]["nodes"] == [{"id": first}]
    await hall.stop()


async def test_every_asker_is_told_when_theirs_is_merged_and_when_it_is_answered(world, ann, bob, board, community):
    carl = await world.person("Carl")
    await world.belong(carl, community)
    kept = await world.question(board, ann, "Kept", number=1)
    mine = (await ask(carl, board, "Mine", anonymous=True))["id"]
    feed = await carl.client.follow(KINDS["myQuestions"].subscription, id=gid(board))
    await ann.client.do(do.MERGE, questionId=mine, intoId=gid(kept))
    await ann.client.do(do.MARK_ANSWERED, questionId=gid(kept), input={"how": "LIVE"})
    told = [event for event in await feed.take() if event["__typename"] == "Changed"]
    assert [event["node"]["questionState"] for event in told] == ["MERGED", "MERGED"]
    assert {event["node"]["id"] for event in told} == {mine}
    await feed.stop()


async def test_whoever_asked_a_merged_question_does_not_vote_for_the_one_that_stands_for_it(world, ann, bob, board):
    kept = await world.question(board, ann, "Kept", number=1)
    mine = (await ask(bob, board, "Mine", anonymous=True))["id"]
    await ann.client.do(do.MERGE, questionId=mine, intoId=gid(kept))
    assert await answer(bob.client, do.UPVOTE, questionId=gid(kept)) == "N"


async def test_what_was_merged_before_comes_along(world, ann, bob, board):
    questions = [await world.question(board, bob, name, number=n) for n, name in enumerate("ABC", start=1)]
    a, b, c = map(gid, questions)
    await ann.client.do(do.MERGE, questionId=a, intoId=b)
    await ann.client.do(do.MERGE, questionId=b, intoId=c)
    merged = (await ann.client.ask(SEEN, id=c))["node"]["merged"]["nodes"]
    assert {node["id"] for node in merged} == {a, b}


async def test_taking_a_question_back_sets_free_what_was_merged_into_it(world, ann, bob, board, voters):
    kept, other = await world.question(board, bob, "Kept", number=1), await world.question(board, ann, "B", number=2)
    await voters[0].client.do(do.UPVOTE, questionId=gid(other))
    await ann.client.do(do.MERGE, questionId=gid(other), intoId=gid(kept))
    await bob.client.do(do.WITHDRAW_QUESTION, questionId=gid(kept))
    freed = await world.fresh(other)
    assert (freed.state, freed.merged_into_id, freed.votes) == (QuestionState.VISIBLE, None, 1)


async def test_a_question_that_waits_goes_back_to_waiting(world, ann, bob, board):
    kept = await world.question(board, ann, "Kept", number=1)
    waiting = (await ask(bob, board))["id"]
    await ann.client.do(do.MERGE, questionId=waiting, intoId=gid(kept))
    assert (await ann.client.do(do.UNMERGE, questionId=waiting))["question"]["state"] == "PENDING"


async def test_only_what_stands_can_be_merged_into_and_only_on_one_board(world, ann, bob, community, board):
    question = await world.question(board, bob, number=1)
    elsewhere = await world.question(await world.board(community), bob, number=1)
    pending = await world.question(board, bob, state=QuestionState.PENDING)
    rejected = await world.question(board, bob, state=QuestionState.REJECTED, number=2)
    for source, target, code in (
        (question, question, "INVALID"),
        (question, elsewhere, "INVALID"),
        (question, pending, "CONFLICT"),
        (rejected, question, "CONFLICT"),
    ):
        async with nothing_happens(world.service):
            assert await answer(ann.client, do.MERGE, questionId=gid(source), intoId=gid(target)) == code
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.UNMERGE, questionId=gid(question)) == "CONFLICT"


@pytest.mark.parametrize(("role", "word"), [(CommunityRole.PRESENTER, "Y"), (CommunityRole.MEMBER, "N")])
async def test_the_panel_merges_and_nobody_else(world, ann, bob, community, board, role, word):
    one, other = await world.question(board, ann, "A", number=1), await world.question(board, ann, "B", number=2)
    person = await world.person("Pia")
    await world.belong(person, community, role)
    assert await answer(person.client, do.MERGE, questionId=gid(one), intoId=gid(other)) == word


async def test_whoever_asked_a_merged_question_learns_how_the_one_it_leads_to_goes_on(world, ann, bob, board, pair):
    first, second = map(gid, pair)
    await ann.client.do(do.MERGE, questionId=first, intoId=second)
    said = "... on Changed { node { ... on Question { id mergedInto { state } } } }"
    mine = f"subscription ($id: ID!) {{ myQuestions(boardId: $id) {{ {said} }} }}"
    feed = await bob.client.follow(mine, id=gid(board))
    await feed.take()

    async def told() -> list[str]:
        nodes = [event["node"] for event in await feed.take()]
        return [node["mergedInto"]["state"] for node in nodes if node.get("id") == first]

    for document, more, state in (
        (do.REJECT, {"reason": "no"}, "REJECTED"),
        (do.APPROVE, {}, "VISIBLE"),
        (do.HIDE, {}, "PENDING"),
        (do.APPROVE, {}, "VISIBLE"),
    ):
        await ann.client.do(document, questionId=second, **more)
        assert await told() == [state]
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
    assert await told() == ["DISMISSED"]
    await feed.stop()
