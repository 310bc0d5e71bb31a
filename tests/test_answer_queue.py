"""The answer queue: what waits for an answer in a community, from its stream, its forum and its boards."""

import pytest

from models import AnswerState, CommunityRole, ContentKind, MemberKind, QuestionSource, QuestionState, Visibility
from resolvers import policy
from tests.tables import table
from tests.traces import look
from tests.world import gid

QUEUE = """query ($id: ID!, $sources: [QueueSource!], $first: Int, $after: String) {
  answerQueue(communityId: $id, sources: $sources, first: $first, after: $after) {
    nodes { ... on Topic { title } ... on Question { body } } pageInfo { hasNextPage endCursor }
  }
}"""
STATES = (QuestionState.PENDING, QuestionState.ANSWERED, QuestionState.REJECTED, QuestionState.DISMISSED)


@pytest.fixture
async def waiting(world, ann, bob, community, board, clock):
    """Asked in this order: topic, session, stream, recording; and much that does not wait."""
    await world.content(community, bob, title="topic")
    for source in (QuestionSource.SESSION, QuestionSource.STREAM, QuestionSource.RECORDING):
        clock.advance(seconds=1)
        await world.question(board, bob, source.lower(), source=source, anonymous=True)
    for state in STATES:
        await world.question(board, bob, f"{state}", state=state)
    await world.content(community, bob, title="answered", answer_state=AnswerState.ANSWERED)
    await world.content(community, bob, title="post", kind=ContentKind.POST)
    other = await world.community(owner=ann)
    await world.content(other, ann, title="elsewhere")


async def texts(person, community, **variables):
    found = await person.client.ask(QUEUE, id=gid(community), **{"first": 9, **variables})
    return [said(node) for node in found["answerQueue"]["nodes"]]


def said(node):
    return node.get("title") or node["body"]


async def test_a_speaker_sweeps_stream_forum_and_board_in_one_queue(ann, community, waiting):
    assert await texts(ann, community) == ["topic", "session", "stream", "recording"]
    assert await texts(ann, community, sources=["FORUM"]) == ["topic"]
    assert await texts(ann, community, sources=["STREAM", "RECORDING"]) == ["stream", "recording"]
    assert await texts(ann, community, sources=[]) == []


async def test_the_queue_is_read_page_by_page(ann, community, waiting):
    first = (await ann.client.ask(QUEUE, id=gid(community), first=3))["answerQueue"]
    assert [said(node) for node in first["nodes"]] == ["topic", "session", "stream"]
    assert await texts(ann, community, after=first["pageInfo"]["endCursor"]) == ["recording"]


@table(policy.answer_in_community)
async def test_who_sweeps_the_queue(world, ann, bob, community):
    people = {"owner": ann, "member": bob, "stranger": await world.person("Sid")}
    for name, kind, roles in (
        ("presenter", MemberKind.INTERNAL, CommunityRole.PRESENTER),
        ("guest presenter", MemberKind.GUEST, CommunityRole.PRESENTER),
        ("responder", MemberKind.INTERNAL, CommunityRole.RESPONDER),
    ):
        people[name] = await world.person(name.replace(" ", "-"), kind)
        await world.belong(people[name], community, roles)
    hidden = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    got = {
        name: tuple([await look(person.client, QUEUE, id=gid(place), first=1) for place in (community, hidden)])
        for name, person in people.items()
    }
    assert got == {
        "owner": ("Y", "Y"), "presenter": ("Y", "-"), "guest presenter": ("Y", "-"), "responder": ("Y", "-"),
        "member": ("N", "-"), "stranger": ("N", "-"),
    }  # fmt: skip
