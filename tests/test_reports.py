"""Closing reports: right, for whom they are, over what their reader may read, and silent on who asked anonymously."""

from typing import Any

import pytest

from models import (
    BoardState,
    CommunityRole,
    ContentKind,
    MemberKind,
    NetworkRole,
    PollResults,
    QuestionState,
    Session,
    ShowCounts,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.asking import ask
from tests.client import Client
from tests.tables import table
from tests.traces import look, statements
from tests.world import World, gid

FIELDS = """{ title sessions expected checkedIn askers voters ballots shareAnswered medianTimeToAnswer timeToFirstAnswer
  questions { state count } discussions { title commentCount } ideas { title } }"""
BOARD = f"query ($id: ID!) {{ boardReport(boardId: $id) {FIELDS} }}"
SESSION = f"query ($id: ID!) {{ sessionReport(sessionId: $id) {FIELDS} }}"
CONFERENCE = f"query ($id: ID!) {{ conferenceReport(networkId: $id) {FIELDS} }}"


ANSWERED = do.mutation("markQuestionAnswered", "questionId: ID!", "question { id }")


async def report(client: Client, document: str, row: Any) -> Any:
    (found,) = (await client.ask(document, id=gid(row))).values()
    return found


async def session_of(world: World, community: Any, title: str = "A talk") -> Session:
    session = Session(
        network_id=world.network.id,
        community_id=community.id,
        title=title,
        starts_at=world.now,
        ends_at=world.now,
    )
    await world.add(session)
    return session


@pytest.fixture
async def admin(world: World) -> Client:
    """Administers the network, and belongs to no community."""
    return (await world.person("Adm", role=NetworkRole.ADMIN)).client


# --- what it counts -------------------------------------------------------------------------------------------------


async def test_a_report_says_what_a_session_came_to(world, ann, bob, community, board, clock):
    session = await session_of(world, community)
    cleo = await world.person("Cleo")
    membership = await world.belong(cleo, community)
    await world.change(membership, checked_in_at=clock.now())
    await world.change(board, asks_per_minute=3)
    asked = [(await ask(bob, board, f"{n}?"))["id"] for n in range(3)]
    asked.append((await ask(cleo, board, "And?"))["id"])
    for id in asked[:3]:
        await ann.client.do(do.APPROVE, questionId=id)
    await ann.client.do(do.REJECT, questionId=asked[3], reason="no")
    for id, seconds in ((asked[0], 30), (asked[1], 60)):
        clock.advance(seconds=seconds)
        await ann.client.do(ANSWERED, questionId=id)
    for voter, id in ((cleo, asked[2]), (ann, asked[2])):
        await voter.client.do(do.UPVOTE, questionId=id)
    poll, options = await world.poll(board)
    await bob.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(options[0])])
    talked = await world.content(community, bob, "Talked about", comment_count=2)
    await world.content(community, bob, "Silent")
    await world.content(community, bob, "Better coffee", kind=ContentKind.IDEA)
    expected = {
        "title": "A talk",
        "sessions": 1,
        "expected": 3,
        "checkedIn": 1,
        "askers": 2,
        "voters": 2,
        "ballots": 1,
        "shareAnswered": pytest.approx(2 / 3),
        "medianTimeToAnswer": 60,
        "timeToFirstAnswer": 30,
        "questions": [
            {"state": "VISIBLE", "count": 1},
            {"state": "ANSWERED", "count": 2},
            {"state": "REJECTED", "count": 1},
        ],
        "discussions": [{"title": talked.title, "commentCount": 2}],
        "ideas": [{"title": "Better coffee"}],
    }
    assert await report(ann.client, SESSION, session) == expected
    assert await report(ann.client, BOARD, board) == {**expected, "title": "Q&A"}


async def test_where_nothing_happened_a_report_is_empty_and_not_wrong(world, ann, community, board):
    assert await report(ann.client, BOARD, board) == {
        "title": "Q&A",
        "sessions": 0,
        "expected": 2,
        "checkedIn": 0,
        "askers": 0,
        "voters": 0,
        "ballots": 0,
        "shareAnswered": None,
        "medianTimeToAnswer": None,
        "timeToFirstAnswer": None,
        "questions": [],
        "discussions": [],
        "ideas": [],
    }


async def test_a_conference_adds_up_its_sessions_and_counts_each_person_once(world, ann, bob, admin, clock):
    for n in range(2):
        community = await world.community(f"Talk {n}", owner=ann)
        membership = await world.belong(bob, community)
        await world.change(membership, checked_in_at=clock.now())
        await session_of(world, community)
        board = await world.board(community)
        await world.question(board, bob, state=QuestionState.ANSWERED, answered_at=clock.now())
    await world.belong(await world.person("Far"), await world.community("No session", owner=ann))
    found = await report(admin, CONFERENCE, world.network)
    assert (found["sessions"], found["expected"], found["checkedIn"], found["askers"]) == (2, 2, 1, 1)
    assert (found["questions"], found["shareAnswered"]) == ([{"state": "ANSWERED", "count": 2}], 1.0)


async def test_the_first_answer_of_several_boards_is_the_median_of_theirs(world, ann, bob, admin, clock):
    for seconds in (10, 20, 90):
        board = await world.board(await world.community(owner=ann))
        await world.question(board, bob)
        asked, now = await world.question(board, bob), clock.now()
        clock.advance(seconds=seconds)
        await world.change(asked, state=QuestionState.ANSWERED, answered_at=clock.now(), published_at=now)
    assert (await report(admin, CONFERENCE, world.network))["timeToFirstAnswer"] == 20


async def test_the_discussions_are_the_five_that_were_talked_about_most(world, ann, community, board):
    for n in range(7):
        await world.content(community, ann, f"Topic {n}", comment_count=n)
    found = (await report(ann.client, BOARD, board))["discussions"]
    assert [topic["commentCount"] for topic in found] == [6, 5, 4, 3, 2]


# --- for whom -------------------------------------------------------------------------------------------------------

# board · session · conference. Y, N: in sight and not allowed, -: out of sight.
WHO = {
    "owner": "Y Y N",
    "presenter": "Y Y N",
    "guest on the panel": "Y Y N",
    "responder": "N N N",
    "member": "N N N",
    "administrator": "- - Y",
    "external administrator": "- - N",
    "stranger": "- - N",
    "display": "N - -",
    "nobody": "- - -",
}


@table(policy.report_on_session)
async def test_who_reads_a_report(world: World):
    community = await world.community(visibility=Visibility.HIDDEN)
    board, session = await world.board(community), await session_of(world, community)
    clients = {
        "administrator": (await world.person("Adm", role=NetworkRole.ADMIN)).client,
        "external administrator": (await world.person("Ext", MemberKind.EXTERNAL, NetworkRole.OWNER)).client,
        "stranger": (await world.person("Sid")).client,
        "display": (await world.kiosk(board))[0],
        "nobody": world.nobody,
    }
    for name, roles, kind in (
        ("owner", CommunityRole.OWNER, MemberKind.INTERNAL),
        ("presenter", CommunityRole.PRESENTER, MemberKind.INTERNAL),
        ("guest on the panel", CommunityRole.PRESENTER, MemberKind.GUEST),
        ("responder", CommunityRole.RESPONDER, MemberKind.INTERNAL),
        ("member", CommunityRole.MEMBER, MemberKind.INTERNAL),
    ):
        person = await world.person(name.replace(" ", "-"), kind)
        await world.belong(person, community, roles)
        clients[name] = person.client
    asked = ((BOARD, board), (SESSION, session), (CONFERENCE, world.network))
    got = {
        name: " ".join([await look(client, document, id=gid(row)) for document, row in asked])
        for name, client in clients.items()
    }
    assert got == WHO


@pytest.mark.parametrize("visibility", [Visibility.PRIVATE, Visibility.HIDDEN], ids=str)
async def test_of_a_community_that_its_reader_does_not_read_a_report_counts_nothing(world, ann, admin, visibility):
    before = await report(admin, CONFERENCE, world.network)
    secret = await world.community(owner=ann, visibility=visibility)
    await session_of(world, secret)
    board = await world.board(secret)
    membership = await world.belong(await world.person("Mel"), secret)
    await world.change(membership, checked_in_at=world.now)
    question = await world.question(board, ann, state=QuestionState.ANSWERED, answered_at=world.now)
    await world.change(question, votes=1)
    poll, options = await world.poll(board)
    await ann.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(options[0])])
    await world.content(secret, ann, "Secret", comment_count=9)
    await world.content(secret, ann, "Secret too", kind=ContentKind.IDEA)
    assert await report(admin, CONFERENCE, world.network) == before


async def test_what_waits_or_was_turned_down_counts_for_the_panel_alone(world, ann, bob, admin, board):
    for state in (QuestionState.PENDING, QuestionState.REJECTED, QuestionState.WITHDRAWN, QuestionState.VISIBLE):
        await world.question(board, bob, state=state)
    assert (await report(admin, CONFERENCE, world.network))["questions"] == [{"state": "VISIBLE", "count": 1}]
    assert len((await report(ann.client, BOARD, board))["questions"]) == 4


async def test_hidden_numbers_are_in_no_sum(world, ann, bob, admin, community):
    board = await world.board(community)
    await world.change(board, show_counts=ShowCounts.AFTER_CLOSE)
    question = await world.question(board, ann)
    await bob.client.do(do.UPVOTE, questionId=gid(question))
    poll, options = await world.poll(board, results=PollResults.AFTER_CLOSE)
    await bob.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(options[0])])
    for client, document, row, expected in (
        (admin, CONFERENCE, world.network, (0, 0)),
        (ann.client, BOARD, board, (1, 1)),
    ):
        found = await report(client, document, row)
        assert (found["voters"], found["ballots"]) == expected
    await world.change(board, state=BoardState.CLOSED)
    assert (await report(admin, CONFERENCE, world.network))["voters"] == 1


# --- anonymity ------------------------------------------------------------------------------------------------------


async def test_a_report_does_not_tell_whether_an_anonymous_asker_is_one_of_the_named(world, ann, bob, community):
    """Bob asks by name, and then somebody asks without: the numbers are the same, whether that is Bob or Cleo."""
    cleo = await world.person("Cleo")
    await world.belong(cleo, community)
    told = []
    for somebody in (bob, cleo):
        board = await world.board(community)
        await world.change(board, asks_per_minute=3)
        await ask(bob, board)
        for _ in range(2):
            await ask(somebody, board, anonymous=True)
        told.append(await report(ann.client, BOARD, board))
    assert told[0] == told[1]
    assert told[0]["askers"] == 2


async def test_a_report_does_not_tell_whether_who_voted_is_who_cast_a_ballot(world, ann, bob, community):
    cleo = await world.person("Cleo")
    await world.belong(cleo, community)
    told = []
    for somebody in (bob, cleo):
        board = await world.board(community)
        question = await world.question(board, ann)
        poll, options = await world.poll(board, anonymous=False)
        await bob.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(options[0])])
        await somebody.client.do(do.UPVOTE, questionId=gid(question))
        told.append(await report(ann.client, BOARD, board))
    assert told[0] == told[1]


async def test_a_report_costs_as_many_statements_over_much_as_over_little(world, ann, bob, admin, clock):
    async def grow(times: int) -> None:
        for _ in range(times):
            community = await world.community(owner=ann)
            await session_of(world, community)
            board = await world.board(community)
            await world.question(board, bob, state=QuestionState.ANSWERED, answered_at=clock.now())
            await world.poll(board)
            await world.content(community, ann, comment_count=1)

    async def cost() -> int:
        with statements(world.service) as sent:
            await report(admin, CONFERENCE, world.network)
        return len(sent)

    await grow(1)
    one = await cost()
    await grow(5)
    assert await cost() == one
