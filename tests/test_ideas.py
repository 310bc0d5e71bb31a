"""Ideas: suggestions for next time, read and talked about like any content."""

from tests import documents as do
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import gid

SUGGESTED = {"title": "A longer break", "body": "Half an hour", "tags": ["2027"]}
ACTIVITY = """query ($id: ID!, $kinds: [ContentKind!]) { communityActivity(communityId: $id, kinds: $kinds) {
  contents(first: 5) { nodes { __typename ... on Article { title } } }
} }"""
FEED = """subscription ($id: ID!) { communityActivity(communityId: $id, kinds: [IDEA]) {
  ... on Added { node { __typename } }
} }"""


async def test_an_idea_is_published_talked_about_and_edited_like_any_content(ann, bob, community):
    idea = (await bob.client.do(do.CREATE_IDEA, communityId=gid(community), input=SUGGESTED))["idea"]
    assert (idea["title"], idea["tags"], idea["lifecycle"]) == ("A longer break", ["2027"], "PUBLISHED")
    await ann.client.do(do.ADD_COMMENT, contentId=idea["id"], input={"body": "Yes"})
    said = {"title": "Two breaks", "body": ""}
    edited = (await bob.client.do(do.EDIT_CONTENT, contentId=idea["id"], input=said))["content"]
    assert (edited["__typename"], edited["title"], edited["commentCount"]) == ("Idea", "Two breaks", 1)
    assert (await ann.client.ask(do.NODE, id=idea["id"]))["node"]["__typename"] == "Idea"


async def test_suggestions_for_next_time_are_the_ideas_of_a_community(world, ann, bob, community):
    await world.content(community, ann, "A topic")
    feed = await ann.client.follow(FEED, id=gid(community))
    await bob.client.do(do.CREATE_POST, communityId=gid(community), input={"title": "A post"})
    await bob.client.do(do.CREATE_IDEA, communityId=gid(community), input=SUGGESTED)
    listed = (await ann.client.ask(ACTIVITY, id=gid(community), kinds=["IDEA"]))["communityActivity"]["contents"]
    assert listed["nodes"] == [{"__typename": "Idea", "title": "A longer break"}]
    assert await feed.take() == [{"node": {"__typename": "Idea"}}]
    await feed.stop()


async def test_an_idea_waits_for_no_answer(world, ann, bob, community):
    idea = (await bob.client.do(do.CREATE_IDEA, communityId=gid(community), input=SUGGESTED))["idea"]["id"]
    said = (await ann.client.do(do.ADD_COMMENT, contentId=idea, input={"body": "Yes"}))["comment"]["id"]
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.ACCEPT_ANSWER, commentId=said) == "N"
        assert await answer(bob.client, do.ESCALATE_TOPIC, topicId=idea, input={"communityId": gid(community)}) != "Y"


async def test_only_who_belongs_suggests(world, community):
    stranger = await world.person("Sid")
    async with nothing_happens(world.service):
        assert await answer(stranger.client, do.CREATE_IDEA, communityId=gid(community), input=SUGGESTED) == "N"
