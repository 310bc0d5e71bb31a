"""Comments: what answers a topic, and what is accepted."""

import asyncio

import pytest

from models import AnswerState, Comment, Content, ContentKind, Lifecycle
from resolvers import policy
from tests import documents as do
from tests.tables import table
from tests.traces import changes, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

COMMENTS = """query ($id: ID!, $first: Int) { content(id: $id) { content { ... on Article {
  commentCount comments(first: $first) { nodes { id body lifecycle author { name } } }
} ... on Topic { answerState acceptedAnswer { id } } } } }"""


@pytest.fixture
async def topic(world: World, ann: Person, bob: Person) -> Content:
    """Ann's topic in a community of Ann, its owner, and Bob."""
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    return await world.content(community, ann)


async def comment(person: Person, content: Content, body: str = "Well") -> str:
    payload = await person.client.do(do.ADD_COMMENT, contentId=gid(content), input={"body": body})
    return str(payload["comment"]["id"])


async def state(person: Person, content: Content) -> str:
    return str((await person.client.ask(COMMENTS, id=gid(content), first=1))["content"]["content"]["answerState"])


async def test_comments_stand_in_the_order_in_which_they_came(world: World, topic: Content, ann, bob, clock):
    for person, body in ((bob, "one"), (ann, "two"), (bob, "three")):
        clock.advance(seconds=1)
        await comment(person, topic, body)
    found = (await ann.client.ask(COMMENTS, id=gid(topic), first=10))["content"]["content"]
    assert [(c["body"], c["author"]["name"]) for c in found["comments"]["nodes"]] == [
        ("one", "Bob"),
        ("two", "Ann"),
        ("three", "Bob"),
    ]
    assert found["commentCount"] == 3


@pytest.mark.parametrize("body", ["", "  ", "b" * 10_001, "a\x00b"], ids=["empty", "blank", "long", "nul"])
async def test_what_has_the_wrong_form_is_no_comment(world: World, topic: Content, bob: Person, body: str):
    async with nothing_happens(world.service):
        problem = await bob.client.problem(do.ADD_COMMENT, contentId=gid(topic), input={"body": body})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "body"])


async def test_ones_own_comment_does_not_answer_ones_topic_and_anybody_elses_does(topic: Content, ann, bob):
    await comment(ann, topic)
    assert await state(ann, topic) == "UNANSWERED"
    await comment(bob, topic)
    assert await state(ann, topic) == "ANSWERED"


async def test_a_post_waits_for_no_answer(world: World, topic: Content, ann, bob):
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    post = await world.content(community, ann, kind=ContentKind.POST)
    await comment(bob, post)
    assert (await world.fresh(post)).answer_state is AnswerState.UNANSWERED


async def test_a_topic_waits_again_when_the_last_answer_is_taken_back(world: World, topic: Content, ann, bob):
    first, second = await comment(bob, topic), await comment(bob, topic)
    await comment(ann, topic)
    await bob.client.do(do.WITHDRAW_COMMENT, commentId=first)
    assert await state(ann, topic) == "ANSWERED"
    await bob.client.do(do.WITHDRAW_COMMENT, commentId=second)
    assert await state(ann, topic) == "UNANSWERED"
    assert (await world.fresh(topic)).comment_count == 1


async def test_a_withdrawn_comment_is_left_to_its_author(world: World, topic: Content, ann, bob):
    taken_back = await comment(bob, topic)
    await bob.client.do(do.WITHDRAW_COMMENT, commentId=taken_back)
    seen = {person.name: await look(person.client, do.NODE, id=taken_back) for person in (ann, bob)}
    assert seen == {"Ann": "-", "Bob": "Y"}
    for person, expected in ((ann, []), (bob, ["WITHDRAWN"])):
        found = (await person.client.ask(COMMENTS, id=gid(topic), first=10))["content"]["content"]
        assert [c["lifecycle"] for c in found["comments"]["nodes"]] == expected
        assert found["commentCount"] == 0


async def test_a_comment_is_withdrawn_once(world: World, topic: Content, bob: Person):
    taken_back = await comment(bob, topic)
    await bob.client.do(do.WITHDRAW_COMMENT, commentId=taken_back)
    async with nothing_happens(world.service):
        assert (await bob.client.problem(do.WITHDRAW_COMMENT, commentId=taken_back))["code"] == "FORBIDDEN"
        again = {"body": "again"}
        assert (await bob.client.problem(do.EDIT_COMMENT, commentId=taken_back, input=again))["code"] == "FORBIDDEN"


async def test_an_edited_comment_says_when_it_was_edited(world: World, topic: Content, bob: Person, clock):
    written = await comment(bob, topic)
    clock.advance(minutes=5)
    edited = (await bob.client.do(do.EDIT_COMMENT, commentId=written, input={"body": "Better"}))["comment"]
    assert (edited["body"], edited["editedAt"][:16]) == ("Better", clock.now().isoformat()[:16])


async def test_an_accepted_answer_resolves_the_topic(world: World, topic: Content, ann, bob):
    answer = await comment(bob, topic)
    accepted = (await ann.client.do(do.ACCEPT_ANSWER, commentId=answer))["topic"]
    assert (accepted["answerState"], accepted["acceptedAnswer"]) == ("RESOLVED", {"id": answer})
    await comment(bob, topic)
    assert await state(ann, topic) == "RESOLVED"


async def test_accepting_an_answer_twice_changes_nothing_and_another_one_takes_its_place(world, topic, ann, bob):
    first, second = await comment(bob, topic), await comment(bob, topic)
    await ann.client.do(do.ACCEPT_ANSWER, commentId=first)
    async with nothing_happens(world.service):
        await ann.client.do(do.ACCEPT_ANSWER, commentId=first)
    accepted = (await ann.client.do(do.ACCEPT_ANSWER, commentId=second))["topic"]
    assert accepted["acceptedAnswer"] == {"id": second}


async def test_an_accepted_answer_cannot_be_taken_back(world: World, topic: Content, ann, bob):
    answer = await comment(bob, topic)
    await ann.client.do(do.ACCEPT_ANSWER, commentId=answer)
    async with nothing_happens(world.service):
        assert (await bob.client.problem(do.WITHDRAW_COMMENT, commentId=answer))["code"] == "CONFLICT"


async def test_a_withdrawn_comment_is_not_accepted_not_even_by_its_author(world: World, topic: Content, ann, bob):
    for person in (ann, bob):
        written = await world.comment(topic, person, lifecycle=Lifecycle.WITHDRAWN)
        async with nothing_happens(world.service):
            assert (await ann.client.problem(do.ACCEPT_ANSWER, commentId=gid(written)))["code"] == "NOT_FOUND"


async def test_a_comment_on_a_post_is_not_accepted(world: World, topic: Content, ann, bob):
    post = await world.content(await world.community(owner=ann), ann, kind=ContentKind.POST)
    written = await world.comment(post, ann)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.ACCEPT_ANSWER, commentId=gid(written))
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "accept_answer")


@table(policy.see_comment)
async def test_comments_go_out_of_sight_with_their_content(world: World, topic: Content, ann, bob):
    outsider = await world.person("Oli")
    standing, taken_back = (
        await world.comment(topic, bob),
        await world.comment(topic, bob, lifecycle=Lifecycle.WITHDRAWN),
    )
    seen = {}
    for withdrawn in (False, True):
        if withdrawn:
            await ann.client.do(do.WITHDRAW_CONTENT, contentId=gid(topic))
        for person in (ann, bob, outsider):
            found = [await look(person.client, do.NODE, id=gid(one)) for one in (standing, taken_back)]
            seen[withdrawn, person.name] = " ".join(found)
    assert seen == {
        (False, "Ann"): "Y -",
        (False, "Bob"): "Y Y",
        (False, "Oli"): "Y -",
        (True, "Ann"): "Y -",
        (True, "Bob"): "- -",
        (True, "Oli"): "- -",
    }


async def test_a_comment_is_announced_to_the_thread_and_to_the_rest_only_as_a_number(world: World, topic, bob):
    before = len(await changes(world.service))
    post = await world.content(await world.community(owner=bob), bob, kind=ContentKind.POST)
    await comment(bob, post)
    announced = (await changes(world.service))[before:]
    assert [(change.noun, change.kind.value, len(change.topics)) for change in announced] == [
        ("Comment", "ROW", 1),
        ("Post", "COUNTERS", 2),
    ]


async def test_the_comment_count_loses_nothing_when_many_comment_at_once(world: World, topic: Content, ann, bob):
    await asyncio.gather(*(comment(person, topic, str(n)) for n in range(10) for person in (ann, bob)))
    assert (await world.fresh(topic)).comment_count == 20 == await count(world.service, Comment)
