"""Polls: drafted, opened, voted in, closed; who sees them, and who sees how they stand."""

import json

import pytest

from models import (
    BoardState,
    CommunityRole,
    CommunityState,
    MemberKind,
    MembershipState,
    PollState,
    Visibility,
)
from resolvers import policy
from tests import documents as do
from tests.polling import NEW, vote
from tests.tables import table
from tests.traces import answer, look
from tests.unchanged import nothing_happens
from tests.world import World, gid

# --- a poll's life --------------------------------------------------------------------------------------------------


async def test_a_poll_is_drafted_opened_voted_in_and_closed(ann, bob, board):
    polled = {**NEW, "title": " Which? ", "options": ["A", " B ", "C"], "choicesMost": 2}
    draft = (await ann.client.do(do.CREATE_POLL, boardId=gid(board), input=polled))["poll"]
    assert (draft["title"], draft["state"], draft["choicesMost"], draft["anonymous"]) == ("Which?", "DRAFT", 2, True)
    assert [option["text"] for option in draft["options"]] == ["A", "B", "C"]
    assert (draft["openedAt"], draft["voters"]) == (None, 0)
    opened = (await ann.client.do(do.OPEN_POLL, pollId=draft["id"]))["poll"]
    assert (opened["state"], opened["closedAt"]) == ("OPEN", None)
    assert opened["openedAt"]
    ids = [option["id"] for option in draft["options"]]
    voted = (await bob.client.do(do.CAST_BALLOT, pollId=draft["id"], optionIds=[ids[2], ids[0]]))["poll"]
    assert (voted["voters"], [option["votes"] for option in voted["options"]]) == (1, [1, 0, 1])
    assert [chosen["text"] for chosen in voted["viewerChoices"]] == ["A", "C"]
    closed = (await ann.client.do(do.CLOSE_POLL, pollId=draft["id"]))["poll"]
    assert (closed["state"], closed["voters"]) == ("CLOSED", 1)
    assert closed["closedAt"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("title", {"title": " "}),
        ("title", {"title": "t" * 301}),
        ("options", {"options": ["A"]}),
        ("options", {"options": [str(n) for n in range(21)]}),
        ("options", {"options": ["A", " "]}),
        ("options", {"options": ["A", "o" * 201]}),
        ("options", {"options": ["A", "A "]}),
        ("options", {"options": ["A", "a\x00"]}),
        ("choicesMost", {"choicesMost": 0}),
        ("choicesMost", {"choicesMost": 3}),
    ],
    ids=lambda value: json.dumps(value)[:30],
)
async def test_what_has_the_wrong_form_is_no_poll(world, ann, board, field, wrong):
    async with nothing_happens(world.service):
        problem = await ann.client.problem(do.CREATE_POLL, boardId=gid(board), input={**NEW, **wrong})
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


async def test_a_poll_may_offer_twenty_options_and_let_one_choose_them_all(ann, board):
    many = {**NEW, "options": [f"{n}" for n in range(20)], "choicesMost": 20}
    made = (await ann.client.do(do.CREATE_POLL, boardId=gid(board), input=many))["poll"]
    assert [option["text"] for option in made["options"]] == many["options"]


DEEDS = {"open": do.OPEN_POLL, "close": do.CLOSE_POLL, "withdraw": do.WITHDRAW_POLL}
STATES = {
    PollState.DRAFT: ("OPEN", "CONFLICT", "WITHDRAWN"),
    PollState.OPEN: ("CONFLICT", "CLOSED", "CONFLICT"),
    PollState.CLOSED: ("CONFLICT", "CONFLICT", "CONFLICT"),
    PollState.WITHDRAWN: ("-", "-", "-"),
}


@pytest.mark.parametrize("state", STATES, ids=str)
async def test_a_poll_moves_from_state_to_state(world, ann, board, state):
    expected = dict(zip(DEEDS, STATES[state], strict=True))
    got = {}
    for name, document in DEEDS.items():
        poll, _ = await world.poll(board, state=state)
        if expected[name] in {"CONFLICT", "-"}:
            async with nothing_happens(world.service):
                got[name] = await answer(ann.client, document, pollId=gid(poll))
        else:
            got[name] = (await ann.client.do(document, pollId=gid(poll)))["poll"]["state"]
    assert got == expected


async def test_a_poll_goes_by_its_own_state_and_not_by_the_boards(world, ann, bob, community):
    for state in BoardState:
        poll, options = await world.poll(await world.board(community, state=state))
        assert (await vote(bob, poll, options[0]))["voters"] == 1


# --- who may do what ------------------------------------------------------------------------------------------------

# create · see draft · see open · see closed · vote · decide. Y, N: in sight and not allowed, -: out of sight.
WHO = {
    "owner": "Y Y Y Y Y Y",
    "manager": "Y Y Y Y Y Y",
    "presenter": "Y Y Y Y Y Y",
    "guest on the panel": "Y Y Y Y Y Y",
    "responder": "N - Y Y Y N",
    "member": "N - Y Y Y N",
    "who left": "- - - - - -",
    "stranger": "- - - - - -",
    "display": "N - Y - N N",
    "other display": "- - - - - -",
    "nobody": "- - - - - -",
}


@table(
    policy.create_poll_on_board,
    policy.see_poll,
    policy.see_published_poll,
    policy.moderate_poll,
    policy.decide_poll,
    policy.show_poll,
    policy.vote_in_poll,
    policy.see_option,
)
async def test_who_sees_runs_and_votes_in_a_poll(world: World):
    community = await world.community(visibility=Visibility.PRIVATE)
    board, other = await world.board(community), await world.board(community)
    clients = {"nobody": world.nobody, "stranger": (await world.person("Sid")).client}
    for name, roles, kind, state in (
        ("owner", CommunityRole.OWNER, MemberKind.INTERNAL, MembershipState.ACTIVE),
        ("manager", CommunityRole.MANAGER, MemberKind.INTERNAL, MembershipState.ACTIVE),
        ("presenter", CommunityRole.PRESENTER, MemberKind.INTERNAL, MembershipState.ACTIVE),
        ("guest on the panel", CommunityRole.PRESENTER, MemberKind.GUEST, MembershipState.ACTIVE),
        ("responder", CommunityRole.RESPONDER, MemberKind.INTERNAL, MembershipState.ACTIVE),
        ("member", CommunityRole.MEMBER, MemberKind.INTERNAL, MembershipState.ACTIVE),
        ("who left", CommunityRole.OWNER, MemberKind.INTERNAL, MembershipState.LEFT),
    ):
        person = await world.person(name.replace(" ", "-"), kind)
        await world.belong(person, community, roles, state)
        clients[name] = person.client
    clients["display"], clients["other display"] = (await world.kiosk(board))[0], (await world.kiosk(other))[0]
    polls = {state: await world.poll(board, state=state) for state in PollState}
    got = {}
    for name, client in clients.items():
        cells = [await answer(client, do.CREATE_POLL, boardId=gid(board), input=NEW)]
        for poll_state in (PollState.DRAFT, PollState.OPEN, PollState.CLOSED):
            poll, options = polls[poll_state]
            cells.append(await look(client, do.NODE, id=gid(poll)))
            assert await look(client, do.NODE, id=gid(options[0])) == cells[-1], "an option is seen with its poll"
        poll, options = polls[PollState.OPEN]
        cells.append(await answer(client, do.CAST_BALLOT, pollId=gid(poll), optionIds=[gid(options[0])]))
        cells.append(await answer(client, do.CLOSE_POLL, pollId=gid((await world.poll(board))[0])))
        got[name] = " ".join(cells)
        assert await look(client, do.NODE, id=gid(polls[PollState.WITHDRAWN][0])) == "-", "it is there for nobody"
    assert got == WHO


async def test_in_an_archive_nobody_polls_or_votes(world, ann, bob, community, board):
    poll, options = await world.poll(board)
    await world.change(community, state=CommunityState.ARCHIVED)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.CREATE_POLL, boardId=gid(board), input=NEW) == "N"
        assert await answer(ann.client, do.CLOSE_POLL, pollId=gid(poll)) == "N"
        for document, more in ((do.CAST_BALLOT, {"optionIds": [gid(options[0])]}), (do.RETRACT_BALLOT, {})):
            assert await answer(bob.client, document, pollId=gid(poll), **more) == "N"


@pytest.mark.parametrize("state", PollState, ids=str)
async def test_ballots_count_while_a_poll_is_open(world, bob, board, state):
    poll, options = await world.poll(board, state=state)
    expected = {PollState.OPEN: "Y", PollState.CLOSED: "N"}.get(state, "-")
    for document, more in ((do.CAST_BALLOT, {"optionIds": [gid(options[0])]}), (do.RETRACT_BALLOT, {})):
        assert await answer(bob.client, document, pollId=gid(poll), **more) == expected
