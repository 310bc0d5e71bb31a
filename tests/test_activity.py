"""Activity: what is new, contents and questions in one list."""

from typing import Any

import pytest

from models import Community, CommunityRole, ContentKind, Lifecycle, MemberKind, QuestionState, ShowCounts, Visibility
from resolvers import policy
from tests import documents as do
from tests.client import event_of
from tests.tables import table
from tests.traces import look
from tests.world import Person, World, gid

ACTIVITY = """query (
  $id: ID!, $kinds: [ContentKind!], $tags: [String!], $first: Int, $after: String, $last: Int, $before: String
) {
  communityActivity(communityId: $id, kinds: $kinds, tags: $tags) {
    contents(first: $first, after: $after, last: $last, before: $before) {
      nodes { __typename id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}"""
FEED = """query ($id: ID!, $filter: FeedFilter) {
  myFeed(networkId: $id, filter: $filter) { contents(first: 50) { nodes { __typename id } } }
}"""
LIVE = f"""subscription ($id: ID!, $kinds: [ContentKind!], $tags: [String!]) {{
  communityActivity(communityId: $id, kinds: $kinds, tags: $tags) {event_of("... on Article { tags }")}
}}"""


@pytest.fixture
async def community(world: World, ann: Person) -> Community:
    return await world.community(owner=ann)


async def listed(person: Person, community: Community, **filters: Any) -> list[str]:
    found = await person.client.ask(ACTIVITY, id=gid(community), first=50, **filters)
    return [node["id"] for node in found["communityActivity"]["contents"]["nodes"]]


async def mine(person: Person, world: World, **filters: Any) -> list[str]:
    found = await person.client.ask(FEED, id=gid(world.network), filter=filters or None)
    return [node["id"] for node in found["myFeed"]["contents"]["nodes"]]


async def test_contents_and_published_questions_stand_in_one_list_newest_first(world, ann, community, clock):
    board = await world.board(community)
    rows = []
    for n in range(6):
        clock.advance(seconds=1)
        rows.append(
            await world.question(board, ann)
            if n % 3 == 0
            else await world.content(community, ann, kind=ContentKind.POST if n % 3 == 1 else ContentKind.TOPIC)
        )
    await world.question(board, ann, state=QuestionState.PENDING)
    await world.question(board, ann, state=QuestionState.REJECTED)
    await world.content(community, ann, lifecycle=Lifecycle.WITHDRAWN)
    assert await listed(ann, community) == [gid(row) for row in reversed(rows)]
    assert await mine(ann, world) == [gid(row) for row in reversed(rows)]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_it_is_read_page_by_page_in_both_directions(world, ann, community, clock, size):
    """Also where a question and a content were published in the same moment."""
    board = await world.board(community)
    for n in range(4):
        clock.advance(seconds=n % 2)
        await world.question(board, ann)
        await world.content(community, ann)
    everything = await listed(ann, community)
    assert len(everything) == 8
    for way, cursor, more, more_key in (
        ("first", "after", "hasNextPage", "endCursor"),
        ("last", "before", "hasPreviousPage", "startCursor"),
    ):
        read: list[str] = []
        at = None
        for _ in range(9):
            found = await ann.client.ask(ACTIVITY, id=gid(community), **{way: size, cursor: at})
            page = found["communityActivity"]["contents"]
            ids = [node["id"] for node in page["nodes"]]
            read = [*read, *ids] if way == "first" else [*ids, *read]
            at = page["pageInfo"][more_key]
            if not page["pageInfo"][more]:
                break
        assert read == everything


async def test_filters_keep_kinds_and_all_of_the_tags(world, ann, community):
    board = await world.board(community)
    rows = {
        "acme": await world.content(community, ann, tags=("acme",)),
        "both": await world.content(community, ann, tags=("acme", "water")),
        "post": await world.content(community, ann, kind=ContentKind.POST, tags=("water",)),
        "question": await world.question(board, ann),
        "acmes": await world.content(community, ann, tags=("acmes", "a%e")),
    }
    names = {gid(row): name for name, row in rows.items()}
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({}, set(rows)),
        ({"kinds": ["TOPIC"]}, {"acme", "both", "acmes"}),
        ({"kinds": ["POST", "QUESTION"]}, {"post", "question"}),
        ({"kinds": []}, set()),
        ({"tags": ["ACME "]}, {"acme", "both"}),
        ({"tags": ["acme", "water"]}, {"both"}),
        ({"tags": ["a%e"]}, {"acmes"}),
        ({"kinds": ["QUESTION"], "tags": ["acme"]}, set()),
        ({"tags": []}, set(rows)),
    ]
    for filters, expected in cases:
        assert (filters, {names[id] for id in await listed(ann, community, **filters)}) == (filters, expected)
        assert (filters, {names[id] for id in await mine(ann, world, **filters)}) == (filters, expected)


async def test_what_moves_into_the_filter_is_added_and_what_moves_out_is_removed(world, ann, community):
    content = await world.content(community, ann)
    feed = await ann.client.follow(LIVE, id=gid(community), tags=["acme"])
    posts = await ann.client.follow(LIVE, id=gid(community), kinds=["POST", "QUESTION"])
    told = []
    for tags in (["acme"], ["acme", "water"], ["water"], []):
        said = {"title": "t", "body": "b", "tags": tags}
        await ann.client.do(do.EDIT_CONTENT, contentId=gid(content), input=said)
        told.append([event["__typename"] for event in await feed.take()])
    assert told == [["Added"], ["Changed"], ["Removed"], []]
    assert await posts.take() == []
    await feed.stop()
    await posts.stop()


async def test_a_tag_to_filter_by_has_the_form_of_one(ann, community):
    code = await ann.client.refused(ACTIVITY, id=gid(community), first=1, tags=[" "])
    assert code == "INVALID"


@table(policy.follow_content, policy.follow_question, policy.read_community, policy.see_network)
async def test_who_reads_the_activity_of_which_community_and_whose_feed_it_is_in(world, ann):
    """Reading is for whom the community is open to; the own feed holds only what one belongs to."""
    people = {
        "member": await world.person("Mel"),
        "colleague": await world.person("Col"),
        "external": await world.person("Eve", MemberKind.EXTERNAL),
        "guest": await world.person("Gus", MemberKind.GUEST),
    }
    got = {}
    for visibility in (Visibility.OPEN, Visibility.PRIVATE, Visibility.HIDDEN):
        community = await world.community(owner=ann, visibility=visibility)
        await world.belong(people["member"], community, CommunityRole.MEMBER)
        content = await world.content(community, ann)
        for name, person in people.items():
            seen = await look(person.client, ACTIVITY, id=gid(community), first=1)
            got[visibility.value, name] = seen + (" mine" if gid(content) in await mine(person, world) else "")
    assert got == {
        ("OPEN", "member"): "Y mine",
        ("OPEN", "colleague"): "Y",
        ("OPEN", "external"): "-",
        ("OPEN", "guest"): "-",
        ("PRIVATE", "member"): "Y mine",
        ("PRIVATE", "colleague"): "N",
        ("PRIVATE", "external"): "-",
        ("PRIVATE", "guest"): "-",
        ("HIDDEN", "member"): "Y mine",
        ("HIDDEN", "colleague"): "-",
        ("HIDDEN", "external"): "-",
        ("HIDDEN", "guest"): "-",
    }
    assert await look(world.nobody, FEED, id=gid(world.network)) == "-"


async def test_a_new_topic_appears_in_the_feeds_of_members_and_of_nobody_else(world, ann, community):
    member, colleague = await world.person("Mel"), await world.person("Col")
    await world.belong(member, community)
    document = f"subscription ($id: ID!) {{ myFeed(networkId: $id) {event_of('... on Article { title }')} }}"
    feeds = [await person.client.follow(document, id=gid(world.network)) for person in (member, colleague)]
    made = (await ann.client.do(do.CREATE_TOPIC, communityId=gid(community), input={"title": "Pumps"}))["topic"]
    (event,) = await feeds[0].take()
    assert (event["__typename"], event["node"]) == (
        "Added",
        {"__typename": "Topic", "id": made["id"], "title": "Pumps"},
    )
    assert await feeds[1].take() == []
    for feed in feeds:
        await feed.stop()


@pytest.mark.parametrize("counts", [ShowCounts.MODERATORS, ShowCounts.AFTER_CLOSE])
async def test_hidden_votes_do_not_even_move_in_the_activity(world, ann, bob, community, counts):
    """Whoever hears that somebody voted can count the votes."""
    await world.belong(bob, community)
    question = await world.question(await world.board(community, show_counts=counts), ann, number=1)
    mine = f"subscription ($id: ID!) {{ myFeed(networkId: $id) {event_of('... on Question { votes }')} }}"
    feeds = [await person.client.follow(LIVE, id=gid(community)) for person in (ann, bob)]
    feeds += [await person.client.follow(mine, id=gid(world.network)) for person in (ann, bob)]
    voter = await world.person("Vic")
    await world.belong(voter, community)
    await voter.client.do(do.UPVOTE, questionId=gid(question))
    told = [[event["__typename"] for event in await feed.take()] for feed in feeds]
    assert told == [["Counters"], [], ["Counters"], []]
    for feed in feeds:
        await feed.stop()


async def test_a_question_is_one_line_in_the_activity_when_it_is_let_through(world, ann, community):
    board = await world.board(community)
    feed = await ann.client.follow(LIVE, id=gid(community))
    asked = (await ann.client.do(do.ASK, boardId=gid(board), input={"body": "Why?"}))["question"]["id"]
    assert await feed.take() == []
    await ann.client.do(do.APPROVE, questionId=asked)
    assert [(event["__typename"], event["node"]["id"]) for event in await feed.take()] == [("Added", asked)]
    await ann.client.do(do.HIDE, questionId=asked)
    assert [(event["__typename"], event["id"]) for event in await feed.take()] == [("Removed", asked)]
    await feed.stop()
