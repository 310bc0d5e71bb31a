"""The orders of the hall's list, counts that are hidden, and an order that does not jump while one reads."""

import pytest

from models import BoardOrder, BoardState, QuestionSource, QuestionState, ShowCounts, VisitorRights
from resolvers import policy
from tests import documents as do
from tests.replica import KINDS
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import gid

LIST = """query ($id: ID!, $order: BoardOrder, $frozen: String, $first: Int, $after: String) {
  questionBoard(id: $id) { questions(order: $order, frozen: $frozen, first: $first, after: $after) {
    nodes { body votes } pageInfo { hasNextPage endCursor } } } }"""
FROZEN = "query ($id: ID!) { questionBoard(id: $id) { frozenOrder(order: TOP) } }"
NEW = "query ($id: ID!, $frozen: String!) { questionBoard(id: $id) { newCount(frozen: $frozen) } }"


async def listed(person, board, **variables):
    variables = {"first": 50} | variables
    return (await person.client.ask(LIST, id=gid(board), **variables))["questionBoard"]["questions"]


async def bodies(person, board, **variables):
    return "".join(node["body"] for node in (await listed(person, board, **variables))["nodes"])


@pytest.fixture
async def five(world, ann, board, clock):
    """A to E, asked in this order; their votes are 3, 5, 1, 4, 2."""
    made = {}
    for number, (body, votes) in enumerate(zip("ABCDE", (3, 5, 1, 4, 2), strict=True), start=1):
        clock.advance(seconds=1)
        made[body] = await world.question(board, ann, body, number=number, votes=votes)
    return made


async def test_the_hall_reads_in_the_order_that_it_asks_for(world, ann, bob, board, five):
    await world.change(five["B"], state=QuestionState.ANSWERED)
    await world.change(five["C"], source=QuestionSource.RECORDING, timecode_ms=90_000)
    await world.change(five["E"], source=QuestionSource.RECORDING, timecode_ms=60_000)
    await ann.client.do(do.ARRANGE, boardId=gid(board), questionIds=[gid(five["E"]), gid(five["A"])])
    got = {order: await bodies(bob, board, order=order) for order in ("TOP", "NEW", "UNANSWERED", "RECORDING")}
    assert got == {"TOP": "BDAEC", "NEW": "EDCBA", "UNANSWERED": "DAEC", "RECORDING": "EC"}
    assert (await bodies(bob, board, order="MANUAL"))[:2] == "EA"


async def test_without_a_wish_the_hall_reads_in_the_boards_order(world, ann, bob, board, five):
    await ann.client.do(do.UPDATE_BOARD, boardId=gid(board), input={"order": "NEW"})
    assert await bodies(bob, board) == "EDCBA"


async def test_arranging_anew_forgets_what_was_placed_before(world, ann, bob, board, five):
    a, b, c = (gid(five[name]) for name in "ABC")
    await ann.client.do(do.ARRANGE, boardId=gid(board), questionIds=[a, b])
    await ann.client.do(do.ARRANGE, boardId=gid(board), questionIds=[c, b])
    assert (await bodies(bob, board, order="MANUAL"))[:2] == "CB"
    ranks = [(await world.fresh(five[name])).rank for name in "ABC"]
    assert ranks == [1_000_000, 2, 1]


async def test_only_questions_of_the_board_are_arranged_and_only_by_its_panel(world, ann, bob, board, community, five):
    other = await world.question(await world.board(community), ann, number=1)
    a = gid(five["A"])
    for ids in ([gid(other)], [a, a], [gid(board)]):
        async with nothing_happens(world.service):
            assert await answer(ann.client, do.ARRANGE, boardId=gid(board), questionIds=ids) == "INVALID"
    assert await answer(bob.client, do.ARRANGE, boardId=gid(board), questionIds=[a]) == "N"


async def test_a_frozen_order_stays_while_counts_move_and_new_questions_are_only_counted(
    world, ann, bob, board, five, clock
):
    token = (await bob.client.ask(FROZEN, id=gid(board)))["questionBoard"]["frozenOrder"]
    for name, votes in (("C", 9), ("D", 0)):
        await world.change(five[name], votes=votes)
    for number in (6, 7, 8):
        await world.question(board, ann, "new", number=number, votes=20)
    frozen = await listed(bob, board, frozen=token)
    assert [(node["body"], node["votes"]) for node in frozen["nodes"]] == [
        ("B", 5), ("D", 0), ("A", 3), ("E", 2), ("C", 9),
    ]  # fmt: skip
    assert (await bob.client.ask(NEW, id=gid(board), frozen=token))["questionBoard"]["newCount"] == 3
    await ann.client.do(do.HIDE, questionId=gid(five["A"]))
    pages = ""
    after = None
    while True:
        page = await listed(bob, board, frozen=token, first=2, after=after)
        pages += "".join(node["body"] for node in page["nodes"])
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert pages == "BDEC"


async def test_an_order_that_was_frozen_elsewhere_or_by_nobody_is_stale(world, ann, bob, board, community, five):
    token = (await bob.client.ask(FROZEN, id=gid(await world.board(community))))["questionBoard"]["frozenOrder"]
    for wrong in (token, "nonsense", ""):
        result = await bob.client.execute(LIST, id=gid(board), frozen=wrong, first=5)
        assert result.errors[0].extensions["code"] == "STALE_CURSOR"


COUNTS = {
    # show counts, board            member  moderator  display  visitor
    ("ALWAYS", "OPEN"): (True, True, True, True),
    ("ALWAYS", "CLOSED"): (True, True, True, None),
    ("AFTER_CLOSE", "OPEN"): (False, True, False, False),
    ("AFTER_CLOSE", "CLOSED"): (True, True, True, None),
    ("MODERATORS", "OPEN"): (False, True, False, False),
    ("MODERATORS", "CLOSED"): (False, True, False, None),
}


@table(policy.count_votes, policy.count_on_board)
@pytest.mark.parametrize(("shown", "state"), COUNTS)
async def test_who_sees_how_many_voted(world, ann, bob, open_hall, shown, state):
    board = await world.board(
        open_hall, show_counts=ShowCounts(shown), state=BoardState(state), visitors=VisitorRights.ASK_AND_VOTE
    )
    question = await world.question(board, ann, number=1, votes=3, on_screen=True)
    clients = (bob.client, ann.client, (await world.kiosk(board))[0], await world.visitor(board, "Vis"))
    got = []
    for client in clients:
        result = await client.execute(
            "query ($id: ID!) { node(id: $id) { ... on Question { votes } } }", id=gid(question)
        )
        got.append(None if result.errors else result.data["node"]["votes"] == 3)
    assert tuple(got) == COUNTS[shown, state]


async def test_where_counts_are_hidden_no_order_and_no_event_tells_them(world, ann, bob, community, clock):
    board = await world.board(community, show_counts=ShowCounts.MODERATORS)
    voter = await world.person("Vic")
    await world.belong(voter, community)
    for number, (body, votes) in enumerate((("A", 9), ("B", 1)), start=1):
        clock.advance(seconds=1)
        question = await world.question(board, ann, body, number=number, votes=votes)
    for order in ("TOP", "UNANSWERED"):
        assert await bodies(bob, board, order=order) == "BA"
    assert await bodies(ann, board, order="TOP") == "AB"
    feeds = [await person.client.follow(KINDS["questionBoard"].subscription, id=gid(board)) for person in (bob, ann)]
    await voter.client.do(do.UPVOTE, questionId=gid(question))
    told = [[event["__typename"] for event in await feed.take()] for feed in feeds]
    assert told == [[], ["Counters"]]
    for feed in feeds:
        await feed.stop()


async def test_showing_the_counts_lets_everybody_look_again(world, ann, bob, community):
    board = await world.board(community, show_counts=ShowCounts.MODERATORS)
    feed = await bob.client.follow(KINDS["questionBoard"].subscription, id=gid(board))
    await ann.client.do(do.UPDATE_BOARD, boardId=gid(board), input={"showCounts": "ALWAYS"})
    assert [event["__typename"] for event in await feed.take()][-1] == "ResyncRequired"


PLANS = [
    ({"maxLength": 19}, "maxLength"), ({"maxLength": 501}, "maxLength"), ({"openPerAsker": 0}, "openPerAsker"),
    ({"asksPerMinute": 1_001}, "asksPerMinute"), ({"votesPerPerson": -1}, "votesPerPerson"),
    ({"title": ""}, "title"), ({"opensAt": "2026-03-02T10:00:00"}, "opensAt"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "field"), PLANS)
async def test_what_is_out_of_bounds_changes_no_board(world, ann, board, wrong, field):
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.UPDATE_BOARD, boardId=gid(board), input=wrong)
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_a_board_is_run_as_its_panel_says_and_what_is_left_out_stays(world, ann, bob, board):
    plan = {"order": "MANUAL", "votesPerPerson": 3, "anonymity": "FORCED", "opensAt": "2027-03-02T10:00:00+01:00"}
    changed = (await ann.client.do(do.UPDATE_BOARD, boardId=gid(board), input=plan))["questionBoard"]
    assert (changed["order"], changed["votesPerPerson"], changed["opensAt"]) == (
        BoardOrder.MANUAL,
        3,
        "2027-03-02T09:00:00+00:00",
    )
    free = (await ann.client.do(do.UPDATE_BOARD, boardId=gid(board), input={"votesPerPerson": 0}))["questionBoard"]
    assert (free["votesPerPerson"], free["order"], free["anonymity"]) == (None, "MANUAL", "FORCED")
    assert await answer(bob.client, do.UPDATE_BOARD, boardId=gid(board), input={"title": "Mine"}) == "N"
