"""A mutation sent twice under one key is done once, and answered twice."""

import asyncio

import pytest
from sqlmodel import col, select

from models import Answer, Community, Content, KioskKey, Membership, Question, Vote
from tests import documents as do
from tests.traces import count
from tests.unchanged import nothing_happens
from tests.world import Person, gid


async def post(person: Person, community: Community, title: str = "News", key: str | None = "k"):
    said = {"title": title}
    return await person.client.payload(do.CREATE_POST, communityId=gid(community), input=said, idempotencyKey=key)


async def test_a_retry_returns_the_first_answer_and_does_nothing(world, ann, community):
    first = await post(ann, community)
    async with nothing_happens(world.service):
        assert await post(ann, community) == first
    assert await count(world.service, Content) == 1


async def test_without_a_key_it_is_done_each_time(world, ann, community):
    await post(ann, community, key=None)
    await post(ann, community, key=None)
    assert (await count(world.service, Content), await count(world.service, Answer)) == (2, 0)


async def test_a_retry_tells_a_token_again_that_is_told_once(world, ann, community):
    board = gid(await world.board(community))
    made = [await ann.client.do(do.CREATE_KIOSK_KEY, boardId=board, label="Hall", idempotencyKey="k") for _ in range(2)]
    assert made[0] == made[1]
    assert made[0]["token"]
    assert await count(world.service, KioskKey) == 1
    async with world.service.database.read() as session:
        (kept,) = (await session.scalars(select(Answer))).all()
    assert made[0]["token"].encode() not in (kept.sealed or b"")


async def test_a_retry_tells_no_token_to_who_has_lost_sight_of_what_it_opens(world, ann, bob, community):
    board = gid(await world.board(community))
    async with world.service.database.read() as session:
        mine = select(Membership).where(col(Membership.member_id) == bob.member.id)
        membership = (await session.scalars(mine)).one()
    await ann.client.do(do.CHANGE_ROLES, membershipId=gid(membership), roles=["PRESENTER"])
    made = {"boardId": board, "label": "Hall", "idempotencyKey": "k"}
    assert (await bob.client.do(do.CREATE_KIOSK_KEY, **made))["token"]
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    async with nothing_happens(world.service):
        again = await bob.client.do(do.CREATE_KIOSK_KEY, **made)
    assert (again["kioskKey"], again["token"]) == (None, None)


async def test_a_retry_shows_the_thing_as_it_is_now(ann, community):
    made = (await post(ann, community))["post"]["id"]
    await ann.client.do(do.EDIT_CONTENT, contentId=made, input={"title": "Newer", "body": ""})
    assert (await post(ann, community))["post"]["title"] == "Newer"


async def test_other_arguments_under_the_same_key_are_a_conflict(world, ann, community):
    await post(ann, community)
    async with nothing_happens(world.service):
        assert [problem["code"] for problem in (await post(ann, community, "Other"))["problems"]] == ["CONFLICT"]


async def test_a_key_is_its_actors_and_its_mutations_own(world, ann, bob, community):
    await post(ann, community)
    await post(bob, community)
    said = {"title": "News"}
    await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input=said, idempotencyKey="k")
    assert await count(world.service, Content) == 3


async def test_duplicates_that_come_at_once_are_done_once_and_answered_alike(world, ann, bob, community):
    answers = await asyncio.gather(*(post(person, community) for _ in range(5) for person in (ann, bob)))
    assert len({answer["post"]["id"] for answer in answers}) == 2
    assert await count(world.service, Content) == 2


async def test_a_vote_that_comes_twice_under_a_key_is_not_cast_again_after_it_was_taken_back(
    world, ann, bob, community
):
    question = await world.question(await world.board(community), ann)
    await bob.client.do(do.UPVOTE, questionId=gid(question), idempotencyKey="k")
    await bob.client.do(do.RETRACT_UPVOTE, questionId=gid(question))
    again = (await bob.client.do(do.UPVOTE, questionId=gid(question), idempotencyKey="k"))["question"]
    assert (again["votes"], await count(world.service, Vote)) == (0, 0)


async def test_a_key_is_kept_for_a_day(world, ann, community, clock):
    first = await post(ann, community)
    clock.advance(hours=24)
    assert await post(ann, community) == first
    clock.advance(seconds=1)
    second = await post(ann, community)
    assert second["post"]["id"] != first["post"]["id"]
    assert await count(world.service, Answer) == 1


async def test_what_is_older_than_a_day_is_not_kept(world, ann, community, clock):
    await post(ann, community, key="old")
    clock.advance(hours=25)
    await post(ann, community, key="new")
    async with world.service.database.read() as session:
        assert list(await session.scalars(select(col(Answer.key)))) == ["new"]


async def test_what_was_refused_is_not_remembered(world, ann, community):
    board = await world.board(community)
    outsider = await world.person("Oli")
    for code in (["FORBIDDEN"], []):
        if not code:
            await world.belong(outsider, community)
        asked = {"body": "Why?"}
        payload = await outsider.client.payload(do.ASK, boardId=gid(board), input=asked, idempotencyKey="k")
        assert [problem["code"] for problem in payload["problems"]] == code
    assert await count(world.service, Question) == 1


@pytest.mark.parametrize("key", ["", "k" * 129, "a\x00b", "\ud83d"], ids=["empty", "long", "nul", "half"])
async def test_a_key_has_the_form_of_one(world, ann, community, key):
    async with nothing_happens(world.service):
        (problem,) = (await post(ann, community, key=key))["problems"]
    assert (problem["code"], problem["field"]) == ("INVALID", ["idempotencyKey"])
