from typing import Any

import pytest

from models import CommunityPurpose, CommunityState, NetworkRole, QuestionState
from resolvers import policy
from tests import documents as do
from tests.tables import table
from tests.traces import answer, look
from tests.unchanged import nothing_happens
from tests.world import World, gid


@table(policy.edit_community, policy.decide_question)
@pytest.mark.parametrize("state", CommunityState, ids=str)
async def test_nothing_is_written_in_an_archived_community_and_all_stays_readable(world: World, state: CommunityState):
    """The owner and author of everything tries everything."""
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, state=state)
    await world.belong(bob, community)
    help_ = await world.community(purpose=CommunityPurpose.ESCALATION)
    topic, other = await world.content(community, ann), await world.content(community, ann)
    comment = await world.comment(topic, ann)
    board = await world.board(community)
    waiting = await world.question(board, bob, state=QuestionState.PENDING)
    shown, own = await world.question(board, bob), await world.question(board, ann)
    text = {"title": "New", "body": "New"}
    writes: list[tuple[str, dict[str, Any]]] = [
        (do.UPDATE_COMMUNITY, {"communityId": gid(community), "input": {"about": "New"}}),
        (do.CREATE_TOPIC, {"communityId": gid(community), "input": text}),
        (do.EDIT_CONTENT, {"contentId": gid(topic), "input": text}),
        (do.ADD_COMMENT, {"contentId": gid(topic), "input": {"body": "New"}}),
        (do.EDIT_COMMENT, {"commentId": gid(comment), "input": {"body": "New"}}),
        (do.ACCEPT_ANSWER, {"commentId": gid(comment)}),
        (do.ESCALATE_TOPIC, {"topicId": gid(topic), "input": {"communityId": gid(help_)}}),
        (do.WITHDRAW_CONTENT, {"contentId": gid(other)}),
        (do.CREATE_BOARD, {"communityId": gid(community), "input": {"title": "New"}}),
        (do.CREATE_KIOSK_KEY, {"boardId": gid(board), "label": "New"}),
        (do.ASK, {"boardId": gid(board), "input": {"body": "New"}}),
        (do.APPROVE, {"questionId": gid(waiting)}),
        (do.UPVOTE, {"questionId": gid(shown)}),
        (do.WITHDRAW_QUESTION, {"questionId": gid(own)}),
    ]
    if state is CommunityState.ARCHIVED:
        async with nothing_happens(world.service):
            answers = [await answer(ann.client, document, **variables) for document, variables in writes]
        assert set(answers) == {"N"}
    else:
        answers = [await answer(ann.client, document, **variables) for document, variables in writes]
        assert set(answers) == {"Y"}
    _, key, _ = await world.kiosk(board)
    assert await answer(ann.client, do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key)) == "Y"
    for feed, row in (("communityActivity", community), ("questionBoardModeration", board), ("content", topic)):
        argument = "communityId" if feed == "communityActivity" else "id"
        assert await look(bob.client if feed == "content" else ann.client, _query(feed, argument), id=gid(row)) == "Y"


@pytest.mark.parametrize("state", CommunityState, ids=str)
async def test_nothing_leads_into_an_archive_and_what_was_escalated_there_rests(world: World, state: CommunityState):
    ann = await world.person("Ann", role=NetworkRole.OWNER)
    bob, cyd = await world.person("Bob"), await world.person("Cyd")
    support = await world.community(owner=ann)
    help_ = await world.community(owner=ann, purpose=CommunityPurpose.ESCALATION)
    await world.belong(bob, help_)
    to = {"communityId": gid(help_)}
    topics = [gid(await world.content(support, ann)) for _ in range(3)]
    first, second = [
        (await ann.client.do(do.ESCALATE_TOPIC, topicId=topic, input=to))["escalation"]["id"] for topic in topics[:2]
    ]
    if state is CommunityState.ARCHIVED:
        await ann.client.do(do.ARCHIVE, communityId=gid(help_))
    added = {"email": "new@example.com", "communityId": gid(help_)}
    writes: list[tuple[str, dict[str, Any]]] = [
        (do.PUSH_ESCALATION, {"escalationId": first, "input": {"assigneeId": bob.id}}),
        (do.RESOLVE_ESCALATION, {"escalationId": second}),
        (do.ESCALATE_TOPIC, {"topicId": topics[2], "input": to}),
        (do.INVITE, {"communityId": gid(help_), "input": {"memberId": cyd.id}}),
        (do.ADD_MEMBER, {"networkId": gid(world.network), "input": added}),
    ]
    if state is CommunityState.ARCHIVED:
        async with nothing_happens(world.service):
            answers = [await answer(ann.client, document, **variables) for document, variables in writes]
        assert answers == ["N", "N", "N", "CONFLICT", "N"]
    else:
        assert {await answer(ann.client, document, **variables) for document, variables in writes} == {"Y"}


def _query(feed: str, argument: str) -> str:
    return f"query ($id: ID!) {{ {feed}({argument}: $id) {{ cursor }} }}"
