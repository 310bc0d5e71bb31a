"""Topics and posts: published, edited, taken back."""

import pytest

from models import CommunityState, Content, ContentKind, Lifecycle, Revision
from resolvers import policy
from schema.base import global_id
from tests import documents as do
from tests.tables import table
from tests.traces import changes, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

THREAD = """query ($id: ID!) { content(id: $id) { cursor content { __typename id ... on Article {
  title body tags revision revisions(first: 10) { nodes { no title body author { name } } }
  viewerCan { edit { allowed rule } withdraw { allowed } comment { allowed } escalate { allowed } }
} } } }"""


async def test_a_topic_is_published_with_its_tags_in_order_and_each_once(world: World, ann: Person):
    community = await world.community(owner=ann)
    said = {"title": "  Pumps  ", "body": "They leak.", "tags": ["Water", "acme", " water "]}
    topic = (await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input=said))["topic"]
    assert (topic["title"], topic["body"], topic["tags"]) == ("Pumps", "They leak.", ["acme", "water"])
    assert (topic["lifecycle"], topic["revision"], topic["answerState"]) == ("PUBLISHED", 1, "UNANSWERED")


async def test_a_post_is_published_without_a_body(world: World, ann: Person):
    community = await world.community(owner=ann)
    post = (await ann.client.do(do.CREATE_POST, communityId=gid(community), input={"title": "News"}))["post"]
    assert (post["title"], post["body"], post["tags"]) == ("News", "", [])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "t" * 201}, "title"),
        ({"title": "t", "body": "b" * 20_001}, "body"),
        ({"title": "t", "body": "a\x00b"}, "body"),
        ({"title": "t", "body": "half a pair: \ud83d"}, "body"),
        ({"title": "t", "tags": ["x"] * 21}, "tags"),
        ({"title": "t", "tags": ["x" * 51]}, "tags"),
        ({"title": "t", "tags": ["İ" * 50]}, "tags"),
        ({"title": "t", "tags": [""]}, "tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_has_the_wrong_form_is_not_published(world: World, ann: Person, said, field):
    community = await world.community(owner=ann)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CREATE_TOPIC, communityId=gid(community), input=said)
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_all_that_is_wrong_is_said_at_once(world: World, ann: Person):
    community = await world.community(owner=ann)
    said = {"title": "", "body": "b" * 20_001}
    payload = await ann.client.payload(do.CREATE_TOPIC, communityId=gid(community), input=said)
    assert [problem["field"] for problem in payload["problems"]] == [["input", "title"], ["input", "body"]]


async def test_a_tag_stays_one_tag_whatever_white_space_is_in_it(world: World, ann: Person):
    community = await world.community(owner=ann)
    said = {"title": "Pumps", "tags": ["water\npump", "cold\u2028water"]}
    topic = (await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input=said))["topic"]
    assert topic["tags"] == ["cold water", "water pump"]


async def test_in_an_archived_community_nothing_is_published_edited_or_commented(world: World, ann: Person):
    community = await world.community(owner=ann, state=CommunityState.ARCHIVED)
    content = await world.content(community, ann)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CREATE_TOPIC, communityId=gid(community), input={"title": "t"})
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "contribute_to_community")
        said = {"title": "t", "body": "b"}
        problem = await ann.client.problem(do.EDIT_CONTENT, contentId=gid(content), input=said)
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "edit_content")
        problem = await ann.client.problem(do.ADD_COMMENT, contentId=gid(content), input={"body": "Well"})
        assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "comment_on_content")


async def test_an_edit_keeps_what_was_said_before_as_a_revision(world: World, ann: Person, bob: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann, "First", tags=("acme",))
    for title in ("Second", "Third"):
        said = {"title": title, "body": f"Body of {title}"}
        edited = (await ann.client.do(do.EDIT_CONTENT, contentId=gid(content), input=said))["content"]
    assert (edited["title"], edited["revision"], edited["tags"]) == ("Third", 3, ["acme"])
    thread = (await bob.client.ask(THREAD, id=gid(content)))["content"]["content"]
    assert [(r["no"], r["title"], r["body"]) for r in thread["revisions"]["nodes"]] == [
        (2, "Second", "Body of Second"),
        (1, "First", "Body of First"),
    ]


async def test_tags_are_replaced_when_they_are_given(world: World, ann: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann, tags=("acme",))
    said = {"title": "t", "body": "b", "tags": []}
    edited = (await ann.client.do(do.EDIT_CONTENT, contentId=gid(content), input=said))["content"]
    assert edited["tags"] == []


async def test_an_edit_of_an_older_version_is_a_conflict_that_names_the_newer_one(world: World, ann: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann)
    said = {"title": "Second", "body": ""}
    await ann.client.do(do.EDIT_CONTENT, contentId=gid(content), input=said, ifVersion=1)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.EDIT_CONTENT, contentId=gid(content), input=said, ifVersion=1)
    assert (problem["code"], problem["currentVersion"]) == ("CONFLICT", 2)
    assert await count(world.service, Revision) == 1


async def test_a_withdrawn_content_is_left_to_its_author_and_the_managers(world: World, ann: Person, bob: Person):
    manager, outsider = await world.person("Meg"), await world.person("Oli")
    community = await world.community(owner=manager)
    for person in (ann, bob):
        await world.belong(person, community)
    content = await world.content(community, ann)
    withdrawn = (await ann.client.do(do.WITHDRAW_CONTENT, contentId=gid(content)))["content"]
    assert withdrawn["lifecycle"] == "WITHDRAWN"
    seen = {
        person.name: await look(person.client, do.NODE, id=gid(content)) for person in (ann, manager, bob, outsider)
    }
    assert seen == {"Ann": "Y", "Meg": "Y", "Bob": "-", "Oli": "-"}


async def test_what_is_withdrawn_stays_withdrawn(world: World, ann: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann, lifecycle=Lifecycle.WITHDRAWN)
    async with nothing_happens(world.service):
        for document, more in (
            (do.WITHDRAW_CONTENT, {}),
            (do.EDIT_CONTENT, {"input": {"title": "t", "body": "b"}}),
            (do.ADD_COMMENT, {"input": {"body": "b"}}),
        ):
            assert (await ann.client.problem(document, contentId=gid(content), **more))["code"] == "FORBIDDEN"


@table(policy.edit_content, policy.withdraw_content, policy.comment_on_content, policy.escalate_content)
async def test_viewer_can_says_what_the_mutations_would(world: World, ann: Person, bob: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann)
    allowed = {}
    for person in (ann, bob):
        can = (await person.client.ask(THREAD, id=gid(content)))["content"]["content"]["viewerCan"]
        allowed[person.name] = {name for name, permission in can.items() if permission["allowed"]}
    assert allowed == {"Ann": {"edit", "withdraw", "comment", "escalate"}, "Bob": set()}
    assert can["edit"]["rule"] == "edit_content"


async def test_an_author_who_left_still_takes_back_what_stands_in_an_open_community(world: World, ann: Person):
    community = await world.community()
    content = await world.content(community, ann)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.EDIT_CONTENT, contentId=gid(content), input={"title": "t", "body": ""})
    assert problem["rule"] == "edit_content"
    await ann.client.do(do.WITHDRAW_CONTENT, contentId=gid(content))
    assert (await world.fresh(content)).lifecycle is Lifecycle.WITHDRAWN


async def test_an_id_of_something_else_leads_nowhere(world: World, ann: Person):
    community = await world.community(owner=ann)
    content = await world.content(community, ann)
    unknown = gid(Content(title="never", kind=ContentKind.TOPIC))
    async with nothing_happens(world.service):
        answers = [
            await ann.client.payload(do.WITHDRAW_CONTENT, contentId=id)
            for id in (unknown, gid(community), str(global_id("Comment", content.id)), "garbage", "", "Topic:1", "é")
        ]
    assert {str(answer) for answer in answers} == {str(answers[0])}
    assert answers[0]["problems"][0]["code"] == "NOT_FOUND"


async def test_an_announcement_says_that_something_changed_and_never_what(world: World, ann: Person):
    community = await world.community(owner=ann)
    secret = "quite particular words"
    said = {"title": secret, "body": secret}
    topic = (await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input=said))["topic"]
    await ann.client.do(do.EDIT_CONTENT, contentId=topic["id"], input=said)
    announced = await changes(world.service)
    assert len(announced) == 2
    assert secret not in repr([change.model_dump() for change in announced])
