"""Visitors: coming by a code, being the same on every board, and leaving when the board says so."""

import hashlib
import logging
from typing import Any

import pytest
from sqlmodel import col, select

from models import (
    Admits,
    BoardState,
    CommunityState,
    Principal,
    PrincipalKind,
    QuestionState,
    Visibility,
    Visit,
    Visitor,
    VisitorRights,
)
from resolvers import codes
from tests import documents as do
from tests.traces import answer, changes, count, look
from tests.unchanged import nothing_happens
from tests.visiting import Phone, hall, visitable, visitor
from tests.world import Person, World, gid

READ = "query ($id: ID!) { questionBoard(id: $id) { board { title } questions(first: 9) { nodes { id } } } }"
CODE = "query ($id: ID!) { node(id: $id) { ... on QuestionBoard { joinCode visitorCount visitorBurst { size } } } }"

JOIN = """mutation ($code: String!) {
  joinBoard(code: $code, name: "V") { token visit { id } problems { code message field rule } }
}"""


@pytest.fixture
async def board(world: World, ann: Person):
    return await visitable(world, await hall(world, ann))


# --- coming --------------------------------------------------------------------------------------------------------


async def test_a_new_device_comes_by_the_code_and_reads_the_board_with_its_token(world, ann, board):
    question = await world.question(board, ann)
    await world.question(board, ann, state=QuestionState.PENDING)
    phone = Phone(world.service)
    assert await look(phone, READ, id=gid(board)) == "-"
    visit = await phone.join(board, " Vic ")
    assert (visit["name"], visit["boardId"], visit["endedAt"]) == ("Vic", gid(board), None)
    assert phone.token.startswith("plenary_visitor_")
    seen = (await phone.ask(READ, id=gid(board)))["questionBoard"]
    assert seen == {"board": {"title": "Q&A"}, "questions": {"nodes": [{"id": gid(question)}]}}
    async with world.service.database.read() as session:
        principal = await session.get(Principal, phone.viewer)
    assert principal.kind is PrincipalKind.VISITOR


async def test_the_same_device_is_the_same_visitor_on_every_board(world, ann, board):
    other = await visitable(world, await hall(world, ann))
    phone = await visitor(world, board)
    first = phone.viewer
    second = await phone.do(do.JOIN_BOARD, code=other.join_code, name="Victor")
    assert (second["token"], second["visit"]["board"]["id"]) == (None, gid(other))
    stale = Phone(world.service)
    again = await stale.do(do.JOIN_BOARD, code=other.join_code, name="V", deviceToken=phone.token)
    assert (again["token"], again["visit"]["id"]) == (None, second["visit"]["id"])
    async with world.service.database.read() as session:
        visits = (await session.scalars(select(Visit).order_by(col(Visit.name)))).all()
    assert [(visit.principal_id, visit.name) for visit in visits] == [(first, "V"), (first, "Vic")]
    assert await count(world.service, Visitor) == 1
    mine = (await phone.ask("{ viewer { account { id } visits { name board { id } } } }"))["viewer"]
    assert mine["account"] is None
    assert {visit["board"]["id"] for visit in mine["visits"]} == {gid(board), gid(other)}


async def test_coming_again_is_one_seat_and_counts_once(world, ann, board):
    phone = await visitor(world, board)
    first = (await phone.join(board))["id"]
    assert (await phone.join(board, "Other"))["id"] == first
    told = (await ann.client.ask(CODE, id=gid(board)))["node"]
    assert told["visitorCount"] == 1
    assert await changes(world.service, board) == []


async def test_a_member_who_comes_by_the_code_stays_who_they_are(world, board):
    bob = await (await World.make(world.service, "Elsewhere")).person("Bob")
    joined = await bob.client.do(do.JOIN_BOARD, code=board.join_code, name="Bobby")
    assert joined["token"] is None
    assert await count(world.service, Visitor) == 0
    assert await look(bob.client, READ, id=gid(board)) == "Y"


@pytest.mark.parametrize("dress", [str.lower, lambda code: f" {code[:4]} - {code[4:]} ", codes.readable])
async def test_a_code_is_the_same_however_it_is_written(world, board, dress):
    joined = await world.nobody.do(do.JOIN_BOARD, code=dress(board.join_code), name="Vic")
    assert joined["visit"]["boardId"] == gid(board)


def test_codes_are_long_enough_and_hold_nothing_that_looks_like_something_else():
    made = {codes.new() for _ in range(2_000)}
    assert len(made) == 2_000
    assert {len(code) for code in made} == {8}
    assert not set("".join(made)) & set("01OIAEU")
    assert all(codes.plain(codes.readable(code)) == code for code in made)


@pytest.mark.parametrize("name", ["", "   ", "x" * 51, "a\x00b"])
async def test_a_name_of_bad_form_takes_no_seat(world, board, name):
    async with nothing_happens(world.service):
        problem = await world.nobody.problem(do.JOIN_BOARD, code=board.join_code, name=name)
    assert (problem["code"], problem["field"]) == ("INVALID", ["name"])


async def test_a_display_takes_no_seat(world, board):
    display, _, _ = await world.kiosk(board)
    async with nothing_happens(world.service):
        problem = await display.problem(do.JOIN_BOARD, code=board.join_code, name="Hall")
    assert (problem["code"], problem["rule"]) == ("FORBIDDEN", "displays_do_not_join")


async def test_an_unknown_device_token_is_no_device(world, board):
    async with nothing_happens(world.service):
        for token in ("", "plenary_visitor_x", "\x00", "\ud800"):
            asked = {"code": board.join_code, "name": "Vic", "deviceToken": token}
            problem = await Phone(world.service).problem(do.JOIN_BOARD, **asked)
            assert (problem["code"], problem["field"]) == ("INVALID", ["deviceToken"])


async def test_a_retry_under_a_key_takes_one_seat(world, board):
    phone = await visitor(world, board)
    asked = {"code": board.join_code, "name": "V", "idempotencyKey": "k"}
    first = await phone.do(do.JOIN_BOARD, **asked)
    async with nothing_happens(world.service):
        assert await phone.do(do.JOIN_BOARD, **asked) == first


async def test_the_database_and_the_log_hold_no_device_token_and_no_address(world, board, caplog):
    caplog.set_level(logging.DEBUG)
    phone = await visitor(world, board, address="192.0.2.77")
    async with world.service.database.read() as session:
        device, visit = (await session.scalars(select(Visitor))).one(), (await session.scalars(select(Visit))).one()
    assert device.token_hash == hashlib.sha256(phone.token.encode()).digest()
    assert visit.address_hash != hashlib.sha256(b"192.0.2.77").digest()
    assert phone.token not in caplog.text
    assert "192.0.2.77" not in repr(visit)


async def test_addresses_cannot_be_compared_across_boards(world, ann, board):
    other = await visitable(world, await hall(world, ann))
    phone = await visitor(world, board)
    await phone.join(other)
    async with world.service.database.read() as session:
        hashes = (await session.scalars(select(Visit.address_hash))).all()
    assert len(set(hashes)) == 2


# --- what leads nowhere --------------------------------------------------------------------------------------------

NOWHERE: dict[str, dict[str, Any]] = {
    "scheduled": {"state": BoardState.SCHEDULED},
    "closed": {"state": BoardState.CLOSED},
    "not for visitors": {"visitors": VisitorRights.NONE},
    "rotated": {"join_code": "ZZZZZZZZ"},
}
NARROW: dict[str, dict[str, Any]] = {
    "private": {"visibility": Visibility.PRIVATE},
    "hidden": {"visibility": Visibility.HIDDEN},
    "for internals": {"admits": Admits.INTERNALS},
    "for guests": {"admits": Admits.GUESTS},
    "archived": {"state": CommunityState.ARCHIVED},
}


@pytest.mark.parametrize("how", [*NOWHERE, *NARROW, "unknown", "empty", "garbage", "odd", "half", "long"])
async def test_a_code_that_leads_nowhere_is_answered_alike_whatever_the_reason(world, ann, how):
    community = await hall(world, ann)
    board = await visitable(world, community)
    typed = {"unknown": "QQQQQQQQ", "empty": "", "garbage": "%_' OR 1", "odd": "\ud800\x00", "half": "\u00bd"}
    code = "9" * 10_000 if how == "long" else typed.get(how, board.join_code)
    await world.change(board, **NOWHERE.get(how, {}))
    await world.change(community, **NARROW.get(how, {}))
    async with nothing_happens(world.service):
        payload = await world.nobody.payload(JOIN, code=code)
    problem = {"code": "INVALID", "message": "This code leads nowhere.", "field": ["code"], "rule": None}
    assert payload == {"token": None, "visit": None, "problems": [problem]}


@pytest.mark.parametrize("how", ["banned", "disabled"])
async def test_who_was_put_out_does_not_come_back_by_the_code(world, owner, ann, how):
    community = await hall(world, ann)
    board = await visitable(world, community)
    bob = await world.person("Bob")
    membership = await world.belong(bob, community)
    await bob.client.do(do.JOIN_BOARD, code=board.join_code, name="Bob")
    if how == "banned":
        await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership), ban=True)
    else:
        await owner.client.do(do.DISABLE, memberId=bob.id)
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.JOIN_BOARD, code=board.join_code, name="Bob") == "INVALID"
    assert await look(bob.client, READ, id=gid(board)) == "-"


# --- the code and what visitors may --------------------------------------------------------------------------------


async def test_a_board_keeps_its_code_until_it_is_rotated(world, ann):
    board = await world.board(await hall(world, ann))
    first = (await ann.client.do(do.CREATE_JOIN_CODE, boardId=gid(board)))["questionBoard"]
    assert first["joinCode"]
    assert (first["visitors"], first["visitorCount"], first["joinUrl"]) == ("NONE", 0, None)
    async with nothing_happens(world.service):
        assert (await ann.client.do(do.CREATE_JOIN_CODE, boardId=gid(board)))["questionBoard"] == first
    second = (await ann.client.do(do.ROTATE_JOIN_CODE, boardId=gid(board)))["questionBoard"]["joinCode"]
    assert second != first["joinCode"]


@pytest.mark.parametrize("narrow", [name for name in NARROW if name != "archived"])
async def test_visitors_come_to_open_communities_that_admit_externals_only(world, ann, narrow):
    community = await hall(world, ann)
    await world.change(community, **NARROW[narrow])
    board = await world.board(community)
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.SET_VISITORS, boardId=gid(board), visitors="READ")
    assert (problem["code"], problem["field"]) == ("INVALID", ["visitors"])
    await world.change(board, visitors=VisitorRights.ASK)
    done = await ann.client.do(do.SET_VISITORS, boardId=gid(board), visitors="NONE")
    assert done["questionBoard"]["visitors"] == "NONE"
