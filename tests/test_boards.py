"""Question boards: made, opened, paused, closed, and shown by kiosks."""

from typing import TYPE_CHECKING

import pytest
from sqlmodel import select

from models import (
    Admits,
    Anonymity,
    BoardState,
    Community,
    CommunityRole,
    KioskKey,
    MemberKind,
    Principal,
    QuestionBoard,
    QuestionState,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer, count, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

if TYPE_CHECKING:
    from tests.client import Client


@pytest.fixture
async def hall(world: World, ann: Person) -> Community:
    return await world.community("Hall", owner=ann)


async def test_a_new_board_waits_for_its_hour_and_holds_questions_back(ann: Person, hall: Community):
    made = await ann.client.do(do.CREATE_BOARD, communityId=gid(hall), input={"title": " Ask us "})
    board = made["questionBoard"]
    assert (board["title"], board["state"], board["moderation"]) == ("Ask us", "SCHEDULED", "PRE")
    assert (board["anonymity"], board["openedAt"], board["closedAt"]) == ("ALLOWED", None, None)


@pytest.mark.parametrize("title", ["", "t" * 201], ids=["empty", "long"])
async def test_a_board_has_a_title(world: World, ann: Person, hall: Community, title: str):
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CREATE_BOARD, communityId=gid(hall), input={"title": title})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", "title"])


MOVES = {do.OPEN_BOARD: "open", do.PAUSE_BOARD: "pause", do.CLOSE_BOARD: "close"}


@pytest.mark.parametrize("state", BoardState, ids=str)
async def test_a_board_moves_from_state_to_state(world: World, ann: Person, hall: Community, state: BoardState):
    expected = {
        BoardState.SCHEDULED: {"open": "OPEN", "pause": "CONFLICT", "close": "CLOSED"},
        BoardState.OPEN: {"open": "CONFLICT", "pause": "PAUSED", "close": "CLOSED"},
        BoardState.PAUSED: {"open": "OPEN", "pause": "CONFLICT", "close": "CLOSED"},
        BoardState.CLOSED: {"open": "CONFLICT", "pause": "CONFLICT", "close": "CONFLICT"},
    }
    got = {}
    for document, name in MOVES.items():
        board = await world.board(hall, state=state)
        if expected[state][name] == "CONFLICT":
            async with nothing_happens(world.service):
                got[name] = await answer(ann.client, document, boardId=gid(board))
        else:
            got[name] = (await ann.client.do(document, boardId=gid(board)))["questionBoard"]["state"]
    assert got == expected[state]


async def test_a_board_remembers_when_it_first_opened_and_when_it_closed(world, ann, hall, clock):
    board = gid(await world.board(hall, state=BoardState.SCHEDULED))
    first = (await ann.client.do(do.OPEN_BOARD, boardId=board))["questionBoard"]["openedAt"]
    clock.advance(minutes=30)
    await ann.client.do(do.PAUSE_BOARD, boardId=board)
    assert (await ann.client.do(do.OPEN_BOARD, boardId=board))["questionBoard"]["openedAt"] == first
    closed = (await ann.client.do(do.CLOSE_BOARD, boardId=board))["questionBoard"]["closedAt"]
    assert closed == clock.now().isoformat() != first


@table(policy.ask_on_board)
@pytest.mark.parametrize("state", BoardState, ids=str)
async def test_only_an_open_board_takes_questions(world: World, ann: Person, hall: Community, state: BoardState):
    board = gid(await world.board(hall, state=state))
    expected = "Y" if state is BoardState.OPEN else "N"
    assert await answer(ann.client, do.ASK, boardId=board, input={"body": "Why?"}) == expected


@table(policy.see_board, policy.follow_board, policy.run_board, policy.display_board)
@pytest.mark.parametrize("visibility", [Visibility.OPEN, Visibility.PRIVATE], ids=str)
async def test_who_sees_follows_runs_and_shows_a_board(world: World, visibility: Visibility):
    community = await world.community(visibility=visibility)
    board, other = await world.board(community), await world.board(community)
    who: dict[str, Client] = {"nobody": world.nobody}
    for name, roles in (
        ("owner", CommunityRole.OWNER),
        ("manager", CommunityRole.MANAGER),
        ("presenter", CommunityRole.PRESENTER),
        ("responder", CommunityRole.RESPONDER),
        ("member", CommunityRole.MEMBER),
    ):
        person = await world.person(name)
        await world.belong(person, community, roles)
        who[name] = person.client
    who["colleague"] = (await world.person("Col")).client
    who["guest"] = (await world.person("Gus", MemberKind.GUEST)).client
    who["display"], who["other display"] = (await world.kiosk(board))[0], (await world.kiosk(other))[0]
    revoked, key, _ = await world.kiosk(board)
    await who["owner"].do(do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key))
    who["revoked display"] = revoked
    got = {}
    for name, client in who.items():
        feeds = ("questionBoard", "questionBoardModeration", "questionBoardDisplay")
        queries = [do.NODE, *(f"query ($id: ID!) {{ {feed}(id: $id) {{ cursor }} }}" for feed in feeds)]
        got[name] = " ".join([await look(client, query, id=gid(board)) for query in queries])
    stranger = "Y Y N N" if visibility is Visibility.OPEN else "- - - -"
    assert got == {
        "owner": "Y Y Y Y",
        "manager": "Y Y Y Y",
        "presenter": "Y Y Y Y",
        "responder": "Y Y N N",
        "member": "Y Y N N",
        "colleague": stranger,
        "guest": "- - - -",
        "display": "Y N N Y",
        "other display": "- - - -",
        "revoked display": "- - - -",
        "nobody": "- - - -",
    }


@table(policy.manage_board)
async def test_a_guest_on_the_panel_moderates_but_does_not_manage(world: World, hall: Community):
    community = await world.community(admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    answers = {}
    for name, kind in (("Gus", MemberKind.GUEST), ("Pia", MemberKind.INTERNAL)):
        presenter = await world.person(name, kind)
        await world.belong(presenter, community, CommunityRole.PRESENTER)
        board = await world.board(community)
        question = await world.question(board, presenter, state=QuestionState.PENDING)
        answers[name] = [
            await answer(presenter.client, do.APPROVE, questionId=gid(question)),
            await answer(presenter.client, do.PAUSE_BOARD, boardId=gid(board)),
            await answer(presenter.client, do.CREATE_KIOSK_KEY, boardId=gid(board), label="Hall"),
            await answer(presenter.client, do.CREATE_BOARD, communityId=gid(community), input={"title": "Another"}),
        ]
    assert answers == {"Gus": ["Y", "N", "N", "N"], "Pia": ["Y", "Y", "Y", "Y"]}


@table(policy.see_kiosk_key, policy.revoke_kiosk_key)
async def test_a_key_is_seen_and_revoked_by_those_who_run_the_board(world: World, ann: Person, hall: Community):
    presenter, member = await world.person("Pia"), await world.person("Mel")
    await world.belong(presenter, hall, CommunityRole.PRESENTER)
    await world.belong(member, hall)
    board = await world.board(hall)
    display, key, _ = await world.kiosk(board)
    clients = {"owner": ann.client, "presenter": presenter.client, "member": member.client, "display": display}
    seen = {name: await look(client, do.NODE, id=gid(key)) for name, client in clients.items()}
    assert seen == {"owner": "Y", "presenter": "Y", "member": "-", "display": "-"}
    async with nothing_happens(world.service):
        for name in ("member", "display"):
            assert await answer(clients[name], do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key)) == "-"
    assert await answer(presenter.client, do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key)) == "Y"


async def test_the_token_of_a_key_is_told_once_and_stored_nowhere(world: World, ann: Person, hall: Community):
    board = await world.board(hall)
    made = await ann.client.do(do.CREATE_KIOSK_KEY, boardId=gid(board), label="Screen 1")
    assert (made["kioskKey"]["label"], made["kioskKey"]["revokedAt"]) == ("Screen 1", None)
    async with world.service.database.read() as session:
        key = await session.get(KioskKey, (await _only(world, KioskKey)).id)
    assert key is not None
    assert made["token"].encode() not in key.token_hash
    assert made["token"] not in repr(key.model_dump())
    assert await count(world.service, Principal) == 2


async def _only(world: World, table: type) -> KioskKey:
    async with world.service.database.read() as session:
        return (await session.scalars(select(table))).one()


async def test_a_key_has_a_label(world: World, ann: Person, hall: Community):
    board = await world.board(hall)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CREATE_KIOSK_KEY, boardId=gid(board), label=" ")
    assert problem["code"] == "INVALID"


async def test_a_display_sees_of_its_community_nothing_but_its_board(world: World, ann: Person, hall: Community):
    content = await world.content(hall, ann)
    display, _, _ = await world.kiosk(await world.board(hall))
    ids = (hall, content, world.network, ann.member, await world.board(hall))
    assert [await look(display, do.NODE, id=gid(row)) for row in ids] == ["-"] * 5
    found = "query ($n: ID!) { network(id: $n) { name } }"
    assert await look(display, found, n=gid(world.network)) == "-"


async def test_revoking_a_key_darkens_its_display_and_no_other(world: World, ann: Person, hall: Community):
    board = await world.board(hall)
    feeds, keys = [], []
    for _ in range(2):
        display, key, _ = await world.kiosk(board)
        feeds.append(await display.follow(KINDS["questionBoardDisplay"].subscription, id=gid(board)))
        keys.append(key)
    await ann.client.do(do.REVOKE_KIOSK_KEY, kioskKeyId=gid(keys[0]))
    await feeds[0].done()
    assert await feeds[0].take() == [{"__typename": "AccessRevoked", "scope": gid(board)}]
    assert (await feeds[1].take(), feeds[1].is_done) == ([], False)
    await feeds[1].stop()
    async with nothing_happens(world.service):
        await ann.client.do(do.REVOKE_KIOSK_KEY, kioskKeyId=gid(keys[0]))


async def test_the_keys_of_a_board_are_listed_to_those_who_run_it(world: World, ann: Person, hall: Community):
    member = await world.person("Mel")
    await world.belong(member, hall)
    board = await world.board(hall)
    await world.kiosk(board)
    listed = "query ($id: ID!) { node(id: $id) { ... on QuestionBoard { kioskKeys(first: 5) { nodes { label } } } } }"
    seen = [(await p.client.ask(listed, id=gid(board)))["node"]["kioskKeys"]["nodes"] for p in (ann, member)]
    assert seen == [[{"label": "Hall"}], []]


async def test_a_board_that_forbids_anonymity_says_so_by_rule(world: World, ann: Person, hall: Community):
    board = await world.board(hall, anonymity=Anonymity.FORBIDDEN)
    async with nothing_happens(world.service):
        asked = {"body": "Why?", "anonymous": True}
        problem = await ann.client.problem(do.ASK, boardId=gid(board), input=asked)
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "no_anonymous_questions")
    assert await count(world.service, QuestionBoard) == 1
