"""Ballots: cast, changed, taken back, counted; who is told the numbers, and who sees who chose what."""

import asyncio
import json
import random
from typing import Any

import pytest

from models import (
    Admits,
    Ballot,
    BallotChoice,
    BoardState,
    CommunityRole,
    PollResults,
    PollState,
    VisitorRights,
)
from resolvers import policy
from tests import documents as do
from tests.polling import NEW, POLL, hall, standing, vote
from tests.tables import table
from tests.traces import answer, changes, count, look, statements
from tests.unchanged import nothing_happens
from tests.world import Person, gid

# --- ballots --------------------------------------------------------------------------------------------------------


async def test_voting_twice_is_voting_once(world, bob, board):
    poll, (a, b) = await world.poll(board)
    for _ in range(2):
        assert (await vote(bob, poll, a))["voters"] == 1
    assert await standing(world, poll, a, b) == (1, 1, 0)
    assert [change.kind for change in await changes(world.service, poll)] == ["COUNTERS"]


async def test_a_choice_may_be_changed_and_the_counters_follow(world, bob, board):
    poll, (a, b, c) = await world.poll(board, "A", "B", "C", choices_most=2)
    for chosen, expected in (((a, b), (1, 1, 1, 0)), ((b, c), (1, 0, 1, 1)), ((c,), (1, 0, 0, 1))):
        voted = await vote(bob, poll, *chosen)
        assert [option["text"] for option in voted["viewerChoices"]] == [option.text for option in chosen]
        assert await standing(world, poll, a, b, c) == expected
    assert await count(world.service, Ballot) == await count(world.service, BallotChoice) == 1


async def test_a_ballot_taken_back_is_gone_and_without_one_nothing_happens(world, bob, board):
    poll, (a, b) = await world.poll(board, choices_most=2)
    await vote(bob, poll, a, b)
    taken_back = (await bob.client.do(do.RETRACT_BALLOT, pollId=gid(poll)))["poll"]
    assert (taken_back["voters"], taken_back["viewerChoices"]) == (0, [])
    assert await standing(world, poll, a, b) == (0, 0, 0)
    assert await count(world.service, Ballot) == await count(world.service, BallotChoice) == 0
    async with nothing_happens(world.service):
        await bob.client.do(do.RETRACT_BALLOT, pollId=gid(poll))


async def test_a_ballot_names_options_of_its_poll_and_not_too_many(world, bob, board):
    poll, (a, b) = await world.poll(board)
    other, (elsewhere, _) = await world.poll(board)
    for named in ([], [gid(a), gid(b)], [gid(elsewhere)], [gid(poll)], ["garbage"]):
        async with nothing_happens(world.service):
            problem = await bob.client.problem(do.CAST_BALLOT, pollId=gid(poll), optionIds=named)
        assert (problem["code"], problem["field"]) == ("INVALID", ["optionIds"])
    assert await standing(world, other, elsewhere) == (0, 0)
    assert (await bob.client.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(a), gid(a)]))["poll"]["voters"] == 1


async def test_a_retried_ballot_is_one_ballot(world, bob, board):
    poll, (a, _) = await world.poll(board)
    arguments = {"pollId": gid(poll), "optionIds": [gid(a)], "idempotencyKey": "k"}
    first, again = [await bob.client.do(do.CAST_BALLOT, **arguments) for _ in range(2)]
    assert first == again


async def test_fifty_people_who_vote_twice_at_once_cast_fifty_ballots_and_everybody_hears_of_the_last(
    world, ann, community, board
):
    voters = [await world.person(f"Voter{n}") for n in range(50)]
    for voter in voters:
        await world.belong(voter, community)
    poll, options = await world.poll(board, "A", "B", "C")
    feeds = [await ann.client.follow(hall(f), id=gid(board)) for f in ("questionBoard", "questionBoardDisplay")]
    await asyncio.gather(*(vote(voter, poll, random.choice(options)) for voter in voters for _ in range(2)))
    voted, *votes = await standing(world, poll, *options)
    assert voted == 50 == sum(votes) == await count(world.service, Ballot) == await count(world.service, BallotChoice)
    for feed in feeds:
        told = [event for event in await feed.take() if event["__typename"] != "Heartbeat"]
        assert {event["__typename"] for event in told} == {"Counters"}
        last = told[-1]["nodes"][0]
        assert (last["voters"], [option["votes"] for option in last["options"]]) == (50, votes)
        await feed.stop()


async def test_ballots_that_are_cast_changed_and_taken_back_at_once_leave_counters_that_are_right(
    world, community, board
):
    voters = [await world.person(f"Voter{n}") for n in range(10)]
    for voter in voters:
        await world.belong(voter, community)
    poll, options = await world.poll(board, "A", "B", "C", choices_most=3)

    async def act(voter: Person) -> None:
        chosen = random.sample(options, random.randint(0, 3))
        if chosen:
            await vote(voter, poll, *chosen)
        else:
            await voter.client.do(do.RETRACT_BALLOT, pollId=gid(poll))

    await asyncio.gather(*(act(voter) for voter in voters for _ in range(6)))
    voted, *votes = await standing(world, poll, *options)
    assert voted == await count(world.service, Ballot)
    stored = [await count(world.service, BallotChoice, BallotChoice.option_id == option.id) for option in options]
    assert votes == stored


# --- results --------------------------------------------------------------------------------------------------------

# Who is told the numbers of a poll that is open, and of one that has closed.
TOLD = {
    ("ALWAYS", "OPEN"): {"panel", "member", "display"},
    ("ALWAYS", "CLOSED"): {"panel", "member"},
    ("AFTER_CLOSE", "OPEN"): {"panel"},
    ("AFTER_CLOSE", "CLOSED"): {"panel", "member"},
}


@table(policy.read_results, policy.count_option)
@pytest.mark.parametrize(("results", "state"), TOLD, ids="-".join)
async def test_who_is_told_how_a_poll_stands(world, ann, bob, board, results, state):
    poll, (_, b) = await world.poll(board, results=PollResults(results))
    await vote(bob, poll, b)
    await world.change(poll, state=PollState(state))
    told = set()
    clients = {"panel": ann.client, "member": bob.client, "display": (await world.kiosk(board))[0]}
    for name, client in clients.items():
        result = await client.execute(POLL, id=gid(poll))
        if result.errors:
            assert (name, state) == ("display", "CLOSED")
            continue
        seen = result.data["node"]
        numbers = [seen["voters"], *(option["votes"] for option in seen["options"])]
        assert numbers in ([1, 0, 1], [None] * 3)
        told |= {name} if numbers == [1, 0, 1] else set()
        assert seen["viewerChoices"] == ([{"text": "B"}] if name == "member" else [])
    assert told == TOLD[results, state]


async def test_hidden_numbers_move_for_the_panel_alone_until_the_poll_closes(world, ann, bob, community, board):
    member = await world.person("Mel")
    await world.belong(member, community)
    poll, (a, _) = await world.poll(board, results=PollResults.AFTER_CLOSE)
    feeds = {
        name: await client.follow(hall(feed), id=gid(board))
        for name, client, feed in (
            ("panel", ann.client, "questionBoard"),
            ("moderation", ann.client, "questionBoardModeration"),
            ("member", member.client, "questionBoard"),
            ("voter", bob.client, "questionBoard"),
            ("display", (await world.kiosk(board))[0], "questionBoardDisplay"),
        )
    }
    await vote(bob, poll, a)
    told = {name: await feed.take() for name, feed in feeds.items()}
    assert {name: [event["__typename"] for event in events] for name, events in told.items()} == {
        "panel": ["Counters"],
        "moderation": ["Counters"],
        "member": [],
        "voter": [],
        "display": [],
    }
    await ann.client.do(do.CLOSE_POLL, pollId=gid(poll))
    (closed,) = await feeds["member"].take()
    assert (closed["__typename"], closed["node"]["voters"]) == ("Changed", 1)
    (gone,) = await feeds["display"].take()
    assert (gone["__typename"], gone["id"]) == ("Removed", gid(poll))
    for feed in feeds.values():
        await feed.stop()


async def test_the_hall_learns_nothing_of_a_draft_not_even_when_it_is_thrown_away(world, ann, bob, board):
    audience = await bob.client.follow(hall(), id=gid(board))
    panel = await ann.client.follow(hall("questionBoardModeration"), id=gid(board))
    made = (await ann.client.do(do.CREATE_POLL, boardId=gid(board), input=NEW))["poll"]["id"]
    await ann.client.do(do.WITHDRAW_POLL, pollId=made)
    assert [event["__typename"] for event in await panel.take()] in (["Added", "Removed"], ["Removed"])
    assert await audience.take() == []
    for feed in (audience, panel):
        await feed.stop()


# --- who chose what -------------------------------------------------------------------------------------------------

BALLOTS = """query ($id: ID!) { node(id: $id) { ... on Poll {
  ballots(first: 10) { nodes { id voter { name } visitorName choices { text } } }
} } }"""


@table(policy.see_ballot)
@pytest.mark.parametrize("anonymous", [False, True], ids=["named", "anonymous"])
async def test_who_sees_who_chose_what(world, ann, bob, community, board, anonymous):
    member, presenter = await world.person("Mel"), await world.person("Pia")
    await world.belong(member, community)
    await world.belong(presenter, community, CommunityRole.PRESENTER)
    poll, (a, b) = await world.poll(board, anonymous=anonymous)
    await vote(bob, poll, a)
    await vote(presenter, poll, b)
    bobs = {"voter": {"name": "Bob"}, "visitorName": None, "choices": [{"text": "A"}]}
    pias = {"voter": {"name": "Pia"}, "visitorName": None, "choices": [{"text": "B"}]}
    everything, nothing = [bobs, pias], list[Any]()
    expected = {
        "owner": nothing if anonymous else everything,
        "presenter": [pias] if anonymous else everything,
        "voter": [bobs],
        "member": nothing,
        "display": nothing,
    }
    clients = {
        "owner": ann.client,
        "presenter": presenter.client,
        "voter": bob.client,
        "member": member.client,
        "display": (await world.kiosk(board))[0],
    }
    ids = {}
    for name, client in clients.items():
        found = (await client.ask(BALLOTS, id=gid(poll)))["node"]["ballots"]["nodes"]
        ids[name] = {ballot.pop("id") for ballot in found}
        assert sorted(found, key=repr) == sorted(expected[name], key=repr), name
    (of_bob,) = ids["voter"]
    for name, client in clients.items():
        assert await look(client, do.NODE, id=of_bob) == ("Y" if of_bob in ids[name] else "-")


VISITORS = {"NONE": "- -", "READ": "Y N", "ASK": "Y N", "ASK_AND_VOTE": "Y Y"}


@pytest.mark.parametrize("rights", VISITORS)
async def test_a_visitor_sees_and_votes_as_far_as_the_board_lets_visitors(world, community, rights):
    await world.change(community, admits=Admits.EXTERNALS)
    board = await world.board(community)
    await world.change(board, visitors=VisitorRights[rights])
    visitor = await world.visitor(board, "Vera")
    poll, (a, _) = await world.poll(board)
    seen = await look(visitor, do.NODE, id=gid(poll))
    voted = await answer(visitor, do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(a)])
    assert f"{seen} {voted}" == VISITORS[rights]


async def test_the_panel_sees_a_visitor_by_the_name_of_the_seat_until_the_board_closes(world, ann, community):
    await world.change(community, admits=Admits.EXTERNALS)
    board = await world.board(community)
    await world.change(board, visitors=VisitorRights.ASK_AND_VOTE)
    visitor = await world.visitor(board, "Vera")
    poll, (a, _) = await world.poll(board, anonymous=False)
    await visitor.do(do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(a)])
    shown = [{"voter": None, "visitorName": "Vera", "choices": [{"text": "A"}]}]
    for person in (visitor, ann.client):
        found = (await person.ask(BALLOTS, id=gid(poll)))["node"]["ballots"]["nodes"]
        assert [{**ballot, "id": ""} for ballot in found] == [{**ballot, "id": ""} for ballot in shown]
    await world.change(board, state=BoardState.CLOSED)
    assert await look(visitor, do.NODE, id=gid(poll)) == "-"


async def test_an_anonymous_ballot_is_told_nowhere_but_to_its_voter(world, ann, bob, board, caplog):
    caplog.set_level("DEBUG", "plenary")
    poll, (a, _) = await world.poll(board)
    feeds = [
        await ann.client.follow(hall(name), id=gid(board))
        for name in ("questionBoard", "questionBoardModeration", "questionBoardDisplay")
    ]
    await vote(bob, poll, a)
    told: list[Any] = [await ann.client.ask(BALLOTS, id=gid(poll)), await ann.client.ask(POLL, id=gid(poll))]
    for feed in feeds:
        told += await feed.take()
        await feed.stop()
    log = [change.model_dump() for change in await changes(world.service)]
    for needle in (bob.name, bob.id, str(bob.principal_id), bob.principal_id.hex, bob.member.id.hex):
        assert needle not in json.dumps(told)
        assert needle not in repr(log)
        assert needle not in caplog.text


async def test_many_polls_are_read_in_as_many_statements_as_one(world, bob, board):
    document = """query ($id: ID!) { questionBoard(id: $id) { polls(first: 20) { nodes {
      voters options { text votes } viewerChoices { text }
      ballots(first: 5) { nodes { voter { name } choices { text } } }
    } } } }"""

    async def cost() -> int:
        with statements(world.service) as sent:
            await bob.client.ask(document, id=gid(board))
        return len(sent)

    poll, options = await world.poll(board, anonymous=False)
    await vote(bob, poll, options[0])
    one = await cost()
    for _ in range(4):
        poll, options = await world.poll(board, anonymous=False)
        await vote(bob, poll, options[0])
    assert await cost() == one
