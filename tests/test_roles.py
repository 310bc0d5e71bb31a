"""What the members of a community may do there, and what everybody else gets: table D3, row by row."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from models import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    MemberKind,
    Membership,
    NetworkRole,
    QuestionState,
    Visibility,
)
from models import MembershipState as State
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.tables import table
from tests.traces import answer, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

# Owner, manager, responder, presenter, member; a guest as member and as presenter; then those who do not belong: an
# administrator of the network, an internal colleague, an external member, another guest, nobody, a display.
WHO = ("OW", "MG", "RS", "PR", "ME", "GM", "GP", "NA", "IN", "EX", "GU", "AN", "SV")
ROLES = {
    "OW": CommunityRole.OWNER,
    "MG": CommunityRole.MANAGER,
    "RS": CommunityRole.RESPONDER,
    "PR": CommunityRole.PRESENTER,
    "ME": CommunityRole.MEMBER,
    "GM": CommunityRole.MEMBER,
    "GP": CommunityRole.PRESENTER,
}
KINDS = {"GM": MemberKind.GUEST, "GP": MemberKind.GUEST, "GU": MemberKind.GUEST, "EX": MemberKind.EXTERNAL}


@dataclass
class Cast:
    world: World
    community: Community
    people: dict[str, Person]
    clients: dict[str, Client]
    author: Person
    board: Any


@pytest.fixture
async def cast(world: World) -> Cast:
    """A private community that admits guests, with somebody in each role and everybody else outside."""
    people = {}
    for who in WHO:
        if who not in {"AN", "SV"}:
            role = NetworkRole.ADMIN if who == "NA" else NetworkRole.MEMBER
            people[who] = await world.person(who, KINDS.get(who, MemberKind.INTERNAL), role)
    community = await world.community(admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    for who, roles in ROLES.items():
        await world.belong(people[who], community, roles)
    author = await world.person("Author")
    await world.belong(author, community)
    board = await world.board(community)
    display, _, _ = await world.kiosk(board)
    clients = {who: person.client for who, person in people.items()} | {"AN": world.nobody, "SV": display}
    return Cast(world, community, people, clients, author, board)


Try = Callable[[Cast, Client, str], Awaitable[str]]


async def read_content(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    revisions = (
        "query ($id: ID!) { content(id: $id) { content { ... on Article { revisions(first: 1) { nodes { id } } } } } }"
    )
    return await look(client, revisions, id=gid(content))


async def follow_activity(cast: Cast, client: Client, who: str) -> str:
    activity = "query ($id: ID!) { communityActivity(communityId: $id) { cursor } }"
    return await look(client, activity, id=gid(cast.community))


async def list_members(cast: Cast, client: Client, who: str) -> str:
    listed = "query ($id: ID!) { community(id: $id) { memberships(first: 20) { nodes { member { name } } } } }"
    result = await client.execute(listed, id=gid(cast.community))
    if result.errors:
        return "-"
    names = {node["member"]["name"] for node in result.data["community"]["memberships"]["nodes"]}
    return "Y" if "Author" in names else "N"


async def post(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.CREATE_POST, communityId=gid(cast.community), input={"title": "News"})


async def comment(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    return await answer(client, do.ADD_COMMENT, contentId=gid(content), input={"body": "Well"})


async def ask(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.ASK, boardId=gid(cast.board), input={"body": "Why?"})


async def vote(cast: Cast, client: Client, who: str) -> str:
    question = await cast.world.question(cast.board, cast.author)
    return await answer(client, do.UPVOTE, questionId=gid(question))


async def edit_own(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.people[who])
    return await answer(client, do.EDIT_CONTENT, contentId=gid(content), input={"title": "New", "body": ""})


async def edit_anothers(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    return await answer(client, do.EDIT_CONTENT, contentId=gid(content), input={"title": "New", "body": ""})


async def withdraw_own(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.people[who])
    return await answer(client, do.WITHDRAW_CONTENT, contentId=gid(content))


async def withdraw_anothers(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    return await answer(client, do.WITHDRAW_CONTENT, contentId=gid(content))


async def edit_own_comment(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    written = await cast.world.comment(content, cast.people[who])
    return await answer(client, do.EDIT_COMMENT, commentId=gid(written), input={"body": "New"})


async def withdraw_anothers_comment(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    written = await cast.world.comment(content, cast.author)
    return await answer(client, do.WITHDRAW_COMMENT, commentId=gid(written))


async def accept_answer_to_anothers(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    written = await cast.world.comment(content, cast.author)
    return await answer(client, do.ACCEPT_ANSWER, commentId=gid(written))


async def accept_answer_to_own(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.people[who])
    written = await cast.world.comment(content, cast.author)
    return await answer(client, do.ACCEPT_ANSWER, commentId=gid(written))


async def invite(cast: Cast, client: Client, who: str) -> str:
    colleague = await cast.world.person(f"Colleague-{who}-{uuid4().hex}")
    invited = {"memberId": colleague.id}
    return await answer(client, do.INVITE, communityId=gid(cast.community), input=invited)


async def accept_request(cast: Cast, client: Client, who: str) -> str:
    colleague = await cast.world.person(f"Colleague-{who}-{uuid4().hex}")
    membership = await cast.world.belong(colleague, cast.community, state=State.REQUESTED)
    return await answer(client, do.APPROVE_MEMBERSHIP, membershipId=gid(membership))


async def _colleague(cast: Cast, who: str, roles: CommunityRole = CommunityRole.MEMBER) -> Membership:
    return await cast.world.belong(await cast.world.person(f"Colleague-{who}-{uuid4().hex}"), cast.community, roles)


async def name_speaker(cast: Cast, client: Client, who: str) -> str:
    membership = await _colleague(cast, who)
    return await answer(client, do.CHANGE_ROLES, membershipId=gid(membership), roles=["PRESENTER"])


async def make_manager(cast: Cast, client: Client, who: str) -> str:
    membership = await _colleague(cast, who)
    return await answer(client, do.CHANGE_ROLES, membershipId=gid(membership), roles=["MANAGER"])


async def remove_member(cast: Cast, client: Client, who: str) -> str:
    membership = await _colleague(cast, who)
    return await answer(client, do.REMOVE_MEMBERSHIP, membershipId=gid(membership))


async def remove_manager(cast: Cast, client: Client, who: str) -> str:
    membership = await _colleague(cast, who, CommunityRole.MANAGER)
    return await answer(client, do.REMOVE_MEMBERSHIP, membershipId=gid(membership))


async def rename(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.UPDATE_COMMUNITY, communityId=gid(cast.community), input={"name": "New"})


async def archive(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.ARCHIVE, communityId=gid(cast.community))


async def create_board(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.CREATE_BOARD, communityId=gid(cast.community), input={"title": "Q&A"})


async def run_board(cast: Cast, client: Client, who: str) -> str:
    return await answer(client, do.PAUSE_BOARD, boardId=gid(await cast.world.board(cast.community)))


async def moderate(cast: Cast, client: Client, who: str) -> str:
    question = await cast.world.question(cast.board, cast.author, state=QuestionState.PENDING)
    return await answer(client, do.APPROVE, questionId=gid(question))


async def run_own_display(cast: Cast, client: Client, who: str) -> str:
    """The board whose display SV is."""
    return await answer(client, do.CREATE_KIOSK_KEY, boardId=gid(cast.board), label="Hall")


async def show_board(cast: Cast, client: Client, who: str) -> str:
    return await look(client, "query ($id: ID!) { questionBoardDisplay(id: $id) { cursor } }", id=gid(cast.board))


async def create_task_on_topic(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    task = {"assigneeId": cast.author.id, "title": "Look", "contentId": gid(content)}
    return await answer(client, do.CREATE_TASK, networkId=gid(cast.world.network), input=task)


async def create_task_on_comment(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    written = await cast.world.comment(content, cast.author)
    task = {"assigneeId": cast.author.id, "title": "Look", "commentId": gid(written)}
    return await answer(client, do.CREATE_TASK, networkId=gid(cast.world.network), input=task)


async def escalate(cast: Cast, client: Client, who: str) -> str:
    content = await cast.world.content(cast.community, cast.author)
    target = await cast.world.community(f"For {who}", owner=cast.author, purpose=CommunityPurpose.ESCALATION)
    return await answer(client, do.ESCALATE_TOPIC, topicId=gid(content), input={"communityId": gid(target)})


# Y: done. N: FORBIDDEN. -: NOT_FOUND, as for an id that leads nowhere. A dot: the case cannot be.
TABLE: list[tuple[Try, str]] = [
    #                            OW MG RS PR ME GM GP NA IN EX GU AN SV
    (read_content,              "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  -  - "),
    (follow_activity,           "Y  Y  Y  Y  Y  Y  Y  N  N  -  -  -  - "),
    (list_members,              "Y  Y  Y  Y  Y  Y  Y  N  N  -  -  -  - "),
    (post,                      "Y  Y  Y  Y  Y  Y  Y  N  N  -  -  -  - "),
    (comment,                   "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  -  - "),
    (ask,                       "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  -  N "),
    (vote,                      "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  -  - "),
    (edit_own,                  "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  .  . "),
    (edit_anothers,             "N  N  N  N  N  N  N  -  -  -  -  -  - "),
    (withdraw_own,              "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  .  . "),
    (withdraw_anothers,         "N  N  N  N  N  N  N  -  -  -  -  -  - "),
    (edit_own_comment,          "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  .  . "),
    (withdraw_anothers_comment, "N  N  N  N  N  N  N  -  -  -  -  -  - "),
    (accept_answer_to_anothers, "Y  Y  N  N  N  N  N  -  -  -  -  -  - "),
    (accept_answer_to_own,      "Y  Y  Y  Y  Y  Y  Y  -  -  -  -  .  . "),
    (invite,                    "Y  Y  N  N  N  N  N  N  N  -  -  -  - "),
    (accept_request,            "Y  Y  -  -  -  -  -  -  -  -  -  -  - "),
    (name_speaker,              "Y  Y  N  N  N  N  N  -  -  -  -  -  - "),
    (make_manager,              "Y  N  N  N  N  N  N  -  -  -  -  -  - "),
    (remove_member,             "Y  Y  N  N  N  N  N  -  -  -  -  -  - "),
    (remove_manager,            "Y  N  N  N  N  N  N  N  N  -  -  -  - "),
    (rename,                    "Y  Y  N  N  N  N  N  N  N  -  -  -  - "),
    (create_board,              "Y  Y  N  Y  N  N  N  N  N  -  -  -  - "),
    (run_board,                 "Y  Y  N  Y  N  N  N  -  -  -  -  -  - "),
    (moderate,                  "Y  Y  -  Y  -  -  Y  -  -  -  -  -  - "),
    (run_own_display,           "Y  Y  N  Y  N  N  N  -  -  -  -  -  N "),
    (show_board,                "Y  Y  N  Y  N  N  Y  -  -  -  -  -  Y "),
    (create_task_on_topic,      "Y  Y  Y  Y  Y  N  N  -  -  N  N  -  - "),
    (create_task_on_comment,    "Y  Y  Y  Y  Y  N  N  -  -  N  N  -  - "),
    (escalate,                  "Y  Y  Y  Y  Y  N  N  -  -  -  -  -  - "),
    (archive,                   "Y  N  N  N  N  N  N  N  N  -  -  -  - "),
]  # fmt: skip


@table(
    policy.see_content,
    policy.see_revision,
    policy.read_community,
    policy.list_members,
    policy.contribute_to_community,
    policy.comment_on_content,
    policy.ask_on_board,
    policy.upvote_question,
    policy.edit_content,
    policy.withdraw_content,
    policy.edit_comment,
    policy.accept_answer,
    policy.manage_community,
    policy.manage_membership,
    policy.own_community,
    policy.run_boards_in_community,
    policy.see_board,
    policy.run_board,
    policy.manage_board,
    policy.moderate_question,
    policy.display_board,
    policy.create_task_on_content,
    policy.create_task_on_comment,
    policy.escalate_content,
)
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_members_do_what_their_role_allows_and_others_see_nothing_of_it(cast: Cast, part: int):
    rows = {attempt: dict(zip(WHO, row.split(), strict=True)) for attempt, row in TABLE[part::3]}
    for attempt, cells in rows.items():
        expected = {who: cell for who, cell in cells.items() if cell != "."}
        got = {who: await attempt(cast, cast.clients[who], who) for who in reversed(WHO) if who in expected}
        assert (attempt.__name__, got) == (attempt.__name__, expected)


async def test_whoever_is_refused_changes_nothing(cast: Cast):
    written = await cast.world.content(cast.community, cast.author)
    said = await cast.world.comment(written, cast.author)
    question = await cast.world.question(cast.board, cast.author)
    tries: list[tuple[str, dict[str, Any]]] = [
        (do.EDIT_CONTENT, {"contentId": gid(written), "input": {"title": "New", "body": ""}}),
        (do.WITHDRAW_CONTENT, {"contentId": gid(written)}),
        (do.EDIT_COMMENT, {"commentId": gid(said), "input": {"body": "New"}}),
        (do.WITHDRAW_COMMENT, {"commentId": gid(said)}),
        (do.APPROVE, {"questionId": gid(question)}),
        (do.REJECT, {"questionId": gid(question), "reason": "no"}),
        (do.HIDE, {"questionId": gid(question)}),
        (do.SHOW, {"questionId": gid(question), "onScreen": True}),
        (do.MARK_ANSWERED, {"questionId": gid(question), "input": {"how": "LIVE"}}),
        (do.WITHDRAW_QUESTION, {"questionId": gid(question)}),
        (do.CLOSE_BOARD, {"boardId": gid(cast.board)}),
        (do.ARCHIVE, {"communityId": gid(cast.community)}),
    ]
    async with nothing_happens(cast.world.service):
        for document, variables in tries:
            for who in ("RS", "ME", "GM", "NA", "IN", "EX", "GU", "AN", "SV"):
                assert await answer(cast.clients[who], document, **variables) in {"N", "-"}
