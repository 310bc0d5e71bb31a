"""Seats at a board: who gives them, who knows of them, how they end, and when many come at once."""

import asyncio
from collections.abc import Collection

import pytest
from sqlmodel import col

from models import (
    Community,
    CommunityRole,
    MemberKind,
    Principal,
    PrincipalKind,
    QuestionBoard,
    QuestionState,
    Visit,
    VisitorRights,
    Vote,
)
from resolvers import guesses, policy, visitors
from resolvers.limits import WINDOW
from server import Settings
from tests import documents as do
from tests.client import Client
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer, count, look
from tests.unchanged import nothing_happens
from tests.visiting import Phone, hall, visitable, visitor
from tests.world import Person, World, gid

BOARD = KINDS["questionBoard"].subscription
PANEL = KINDS["questionBoardModeration"].subscription
CODE = """query ($id: ID!) { node(id: $id) { ... on QuestionBoard {
  joinCode joinUrl visitorCount visitorBurst { at size } } } }"""


@pytest.fixture
async def board(world: World, ann: Person) -> QuestionBoard:
    return await visitable(world, await hall(world, ann))


async def someone(world: World, board: QuestionBoard, who: str) -> Client:
    """A viewer who stands to the board as the name says."""
    match who:
        case "VISITOR":
            return await visitor(world, board)
        case "KIOSK":
            return (await world.kiosk(board))[0]
        case "STRANGER":
            return (await (await World.make(world.service, "Elsewhere")).person("Stranger")).client
        case "NOBODY":
            return world.nobody
    kind = MemberKind.GUEST if who == "GUEST ON THE PANEL" else MemberKind.INTERNAL
    person = await world.person(who.title(), kind)
    roles = CommunityRole.PRESENTER if kind is MemberKind.GUEST else CommunityRole.__members__.get(who)
    if roles:
        async with world.service.database.read() as session:
            community = await session.get_one(Community, board.community_id)
        await world.belong(person, community, roles)
    return person.client


# --- who gives and who knows ---------------------------------------------------------------------------------------

GIVING = {
    "OWNER": "Y", "MANAGER": "Y", "PRESENTER": "Y", "GUEST ON THE PANEL": "N", "RESPONDER": "N", "MEMBER": "N",
    "OUTSIDER": "N", "VISITOR": "N", "KIOSK": "N", "STRANGER": "-", "NOBODY": "-",
}  # fmt: skip


@pytest.mark.parametrize("who", GIVING)
async def test_those_who_manage_a_board_give_its_code_and_its_seats(world, board, who):
    client = await someone(world, board, who)
    for document, more in (
        (do.CREATE_JOIN_CODE, {}),
        (do.SET_VISITORS, {"visitors": "READ"}),
        (do.ROTATE_JOIN_CODE, {"endVisits": True}),
    ):
        if GIVING[who] == "Y":
            assert await answer(client, document, boardId=gid(board), **more) == "Y"
            continue
        async with nothing_happens(world.service):
            assert await answer(client, document, boardId=gid(board), **more) == GIVING[who]


KNOWING = {"OWNER", "MANAGER", "PRESENTER", "GUEST ON THE PANEL"}


@pytest.mark.parametrize("who", [who for who in GIVING if who not in {"STRANGER", "NOBODY"}])
async def test_the_code_and_the_number_of_visitors_are_for_those_who_run_the_board(world, board, who):
    object.__setattr__(world.service.means, "join_url", "https://ask.example/j/")
    await world.change(board, burst_at=world.now, burst_size=99)
    client = await someone(world, board, who)
    seen = (await client.ask(CODE, id=gid(board)))["node"]
    if who in KNOWING:
        assert seen == {
            "joinCode": board.join_code,
            "joinUrl": f"https://ask.example/j/{board.join_code}",
            "visitorCount": 0,
            "visitorBurst": {"at": world.now.isoformat(), "size": 99},
        }
    else:
        assert set(seen.values()) == {None}


SEEING = {"self": "Y", "another visitor": "-", "owner": "-", "network owner": "-", "kiosk": "-", "nobody": "-"}


@table(policy.see_visit)
@pytest.mark.parametrize("who", SEEING)
async def test_a_seat_is_seen_by_whose_it_is(world, owner, ann, board, who):
    phone = await visitor(world, board)
    visit = (await phone.join(board))["id"]
    viewers = {
        "self": phone,
        "another visitor": await visitor(world, board),
        "owner": ann.client,
        "network owner": owner.client,
        "kiosk": (await world.kiosk(board))[0],
        "nobody": world.nobody,
    }
    assert await look(viewers[who], do.NODE, id=visit) == SEEING[who]


async def test_a_visitor_learns_the_names_of_those_who_asked_what_the_hall_reads_and_no_more(world, ann, board):
    asker, quiet, hidden = [await world.person(name) for name in ("Asker", "Quiet", "Hidden")]
    await world.question(board, asker)
    await world.question(board, quiet, state=QuestionState.PENDING)
    await world.question(board, hidden, anonymous=True)
    other = await visitable(world, await hall(world, ann))
    await world.question(other, ann)
    phone = await visitor(world, board)
    seen = "query ($id: ID!) { node(id: $id) { ... on Member { name headline about } } }"
    told = await phone.ask(seen, id=asker.id)
    assert told == {"node": {"name": "Asker", "headline": None, "about": None}}
    assert [await look(phone, seen, id=person.id) for person in (quiet, hidden, ann)] == ["-", "-", "-"]
    await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
    assert await look(phone, seen, id=asker.id) == "-"


# --- voting --------------------------------------------------------------------------------------------------------


async def test_two_votes_of_one_device_are_impossible_even_at_once(world, ann, board):
    question = await world.question(board, ann)
    phone = await visitor(world, board)
    same = [Phone(world.service) for _ in range(6)]
    for device in same:
        device.token = phone.token
        await device.come_back()

    async def vote(device: Phone) -> None:
        await device.do(do.JOIN_BOARD, code=board.join_code, name="Vic", deviceToken=phone.token)
        await device.do(do.UPVOTE, questionId=gid(question))

    async with asyncio.timeout(60):
        await asyncio.gather(*(vote(device) for device in same for _ in range(3)))
    assert await count(world.service, Visit) == 1
    assert await count(world.service, Vote) == 1
    assert (await world.fresh(question)).votes == 1


@pytest.mark.parametrize(("rights", "votes"), [("READ", "N"), ("ASK", "N"), ("ASK_AND_VOTE", "Y")])
async def test_visitors_vote_where_the_board_lets_them(world, ann, rights, votes):
    board = await visitable(world, await hall(world, ann), VisitorRights[rights])
    question = await world.question(board, ann)
    assert await answer(await visitor(world, board), do.UPVOTE, questionId=gid(question)) == votes


# --- leaving -------------------------------------------------------------------------------------------------------

ENDINGS = ["rotated", "none", "closed", "archived", "narrowed"]


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_visitors_feed_ends_when_the_seat_does(world, ann, board, how):
    async with world.service.database.read() as session:
        community = await session.get_one(Community, board.community_id)
    phone, member = await visitor(world, board), await world.person("Mel")
    await world.belong(member, community)
    seat, seen = await phone.follow(BOARD, id=gid(board)), await member.client.follow(BOARD, id=gid(board))
    match how:
        case "rotated":
            await ann.client.do(do.ROTATE_JOIN_CODE, boardId=gid(board), endVisits=True)
        case "none":
            await ann.client.do(do.SET_VISITORS, boardId=gid(board), visitors="NONE")
        case "closed":
            await ann.client.do(do.CLOSE_BOARD, boardId=gid(board))
        case "archived":
            await ann.client.do(do.ARCHIVE, communityId=gid(community))
        case "narrowed":
            await world.change(community, visibility="PRIVATE")
    if how != "narrowed":
        await seat.done()
        assert seat.events[-1] == {"__typename": "AccessRevoked", "scope": gid(board)}
        assert not seen.is_done
    assert await look(phone, do.NODE, id=gid(board)) == "-"
    assert await answer(phone, do.ASK, boardId=gid(board), input={"body": "Why?"}) == "-"


async def test_a_rotated_code_leaves_seats_unless_they_are_to_end(world, ann, board):
    phone = await visitor(world, board)
    rotated = await ann.client.do(do.ROTATE_JOIN_CODE, boardId=gid(board))
    assert rotated["questionBoard"]["visitorCount"] == 1
    assert await look(phone, do.NODE, id=gid(board)) == "Y"
    assert await answer(phone, do.JOIN_BOARD, code=board.join_code, name="Vic") == "INVALID"
    ended = await ann.client.do(do.ROTATE_JOIN_CODE, boardId=gid(board), endVisits=True)
    assert ended["questionBoard"]["visitorCount"] == 0
    assert await look(phone, do.NODE, id=gid(board)) == "-"
    mine = (await phone.ask("{ viewer { visits { endedAt board { id } } } }"))["viewer"]["visits"]
    assert mine == [{"endedAt": world.now.isoformat(), "board": None}]
    await phone.join(await world.fresh(board))
    assert await look(phone, do.NODE, id=gid(board)) == "Y"


async def test_nobody_keeps_a_seat_by_the_code_that_was_just_ended(world, ann, board):
    """Those who come and the one who changes the code meet at the board's row."""

    async def come() -> str:
        return await answer(Phone(world.service), do.JOIN_BOARD, code=board.join_code, name="Vic")

    async def rotate() -> str:
        await asyncio.sleep(0)
        return await answer(ann.client, do.ROTATE_JOIN_CODE, boardId=gid(board), endVisits=True)

    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(come() for _ in range(10)), rotate(), *(come() for _ in range(10)))
    assert answers[10] == "Y"
    assert set(answers) <= {"Y", "INVALID"}
    assert await count(world.service, Visit, col(Visit.ended_at).is_(None)) == 0
    assert await count(world.service, Visit) == answers.count("Y") - 1


# --- many ----------------------------------------------------------------------------------------------------------


async def test_two_hundred_who_come_at_once_from_one_address_are_all_let_in_and_flagged_once(world, ann, board):
    mel = await world.person("Mel")
    async with world.service.database.read() as session:
        await world.belong(mel, await session.get_one(Community, board.community_id))
    audience, panel = await mel.client.follow(BOARD, id=gid(board)), await ann.client.follow(PANEL, id=gid(board))
    phones = [Phone(world.service) for _ in range(200)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(phone.join(board) for phone in phones))
    assert len({phone.viewer for phone in phones}) == 200
    assert await count(world.service, Principal, col(Principal.kind) == PrincipalKind.VISITOR) == 200
    seen = (await ann.client.ask(CODE, id=gid(board)))["node"]
    assert seen["visitorCount"] == 200
    assert visitors.BURST < seen["visitorBurst"]["size"] <= 200
    told = [event["__typename"] for event in await panel.take()]
    assert told.count("Changed") == 1
    assert set(told) - {"Heartbeat"} == {"Changed"}
    assert {event["__typename"] for event in await audience.take()} <= {"Heartbeat"}


async def test_a_burst_is_told_at_most_once_a_minute_and_only_of_one_address(world, ann, clock):
    board = await visitable(world, await hall(world, ann))
    for n in range(visitors.BURST):
        await visitor(world, board, address=f"192.0.2.{n % 2}")
    panel = await ann.client.follow(PANEL, id=gid(board))

    async def told(many: int) -> int:
        for _ in range(many):
            await visitor(world, board, address="192.0.2.1")
        return [event["__typename"] for event in await panel.take()].count("Changed")

    assert await told(visitors.BURST // 2) == 0
    assert await told(1) == 1
    assert await told(5) == 0
    clock.advance(seconds=visitors.BURST_WINDOW.total_seconds())
    assert await told(visitors.BURST) == 0
    assert await told(1) == 1
    assert (await world.fresh(board)).burst_size == visitors.BURST + 1


# --- guesses -------------------------------------------------------------------------------------------------------


MANY = 50  # fields of a document


async def codes(phone: Phone, code: str | None, times: int = 1) -> Collection[str]:
    tried = f'joinBoard(code: "{code}", name: "V") {{ problems {{ code }} }}'
    found: set[str] = set()
    for start in range(0, times, MANY):
        fields = " ".join(f"a{n}: {tried}" for n in range(start, min(times, start + MANY)))
        answers = (await phone.ask(f"mutation {{ {fields} }}")).values()
        found |= {one["problems"][0]["code"] if one["problems"] else "Y" for one in answers}
    return found


async def test_wrong_codes_are_limited_by_address_and_right_ones_cost_nothing(world, board, clock):
    phone, elsewhere = Phone(world.service), Phone(world.service, "192.0.2.2")
    assert await codes(phone, board.join_code, 5) == {"Y"}
    assert await codes(phone, "QQQQQQQQ", guesses.MOST) == {"INVALID"}
    async with nothing_happens(world.service):
        assert await codes(phone, board.join_code) == {"LIMITED"}
    assert await codes(elsewhere, board.join_code) == {"Y"}
    clock.advance(seconds=WINDOW.total_seconds() + 1)
    assert await codes(phone, board.join_code) == {"Y"}


async def test_wrong_codes_are_counted_by_field_and_also_when_they_come_at_once(world, board):
    wrong = 'joinBoard(code: "QQQQQQQQ", name: "V") { problems { code } }'
    phone, most = Phone(world.service), guesses.MOST
    document = "mutation {" + " ".join(f"a{n}: {wrong}" for n in range(MANY)) + "}"
    answers = await asyncio.gather(*(phone.ask(document) for _ in range(most // MANY + 1)))
    got = [one["problems"][0]["code"] for found in answers for one in found.values()]
    assert (got.count("INVALID"), got.count("LIMITED")) == (most, MANY)


@pytest.mark.parametrize(
    ("trusted", "address", "code"),
    [
        ("198.51.100.7 192.0.2.0/24", "192.0.2.9", "Y"),
        ("192.0.2.0/24", "::ffff:192.0.2.9", "Y"),
        ("192.0.2.2", "192.0.2.1", "LIMITED"),
    ],
)
async def test_addresses_that_are_trusted_are_never_limited(world, board, trusted, address, code):
    settings = Settings(trusted_addresses=trusted)
    world.service.means.limiter._trusted = settings.trusted_addresses
    phone = Phone(world.service, address)
    await codes(phone, "QQQQQQQQ", guesses.MOST)
    assert await codes(phone, board.join_code) == {code}
