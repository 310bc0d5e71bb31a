"""The schedule: who may make and change a session, what that announces, and what is refused."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import col

from models import (
    Admits,
    Community,
    Membership,
    QuestionBoard,
)
from resolvers import policy
from tests import documents as do
from tests.client import Client
from tests.halls import LIVE, ROLES, SCHEDULE, TIMES, URL, WHO, Stage, furnish, rows
from tests.tables import table
from tests.traces import answer, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid


@pytest.fixture
async def stage(world: World) -> Stage:
    return await furnish(world)


Try = Callable[[Stage, Client], Awaitable[str]]


async def create(stage: Stage, client: Client) -> str:
    planned = {"title": "New", **TIMES}
    return await answer(client, do.CREATE_SESSION, networkId=gid(stage.world.network), input=planned)


async def change(stage: Stage, client: Client) -> str:
    return await answer(client, do.CHANGE_SESSION, sessionId=gid(stage.session), input={"note": "Bring a pen"})


async def cancel(stage: Stage, client: Client) -> str:
    session = await stage.world.session(await another(stage))
    return await answer(client, do.CANCEL_SESSION, sessionId=gid(session), note="Ill")


async def another(stage: Stage) -> Community:
    community = await stage.world.community("Other", admits=Admits.EXTERNALS)
    for who, roles in ROLES.items():
        await stage.world.belong(stage.people[who], community, roles)
    return community


async def link_recording(stage: Stage, client: Client) -> str:
    return await answer(client, do.LINK_RECORDING, sessionId=gid(stage.session), url=URL)


async def link_slides(stage: Stage, client: Client) -> str:
    return await answer(client, do.LINK_SLIDES, sessionId=gid(stage.session), url=URL)


async def release(stage: Stage, client: Client) -> str:
    return await answer(client, do.RELEASE_REPLAY, sessionId=gid(stage.session))


async def watch(stage: Stage, client: Client) -> str:
    found = (
        await client.execute(
            "query ($id: ID!) { node(id: $id) { ... on Session { slidesUrl } } }", id=gid(stage.session)
        )
    ).data["node"]
    return "-" if found is None else "Y" if found["slidesUrl"] else "N"


async def check_in(stage: Stage, client: Client) -> str:
    return await answer(client, do.CHECK_IN, sessionId=gid(stage.session))


async def vouch(stage: Stage, client: Client) -> str:
    speaker = await stage.world.speaker("Ruth", stage.session)
    return await answer(client, do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker))


async def see_speaker(stage: Stage, client: Client) -> str:
    return await look(client, do.NODE, id=gid(await stage.world.speaker("Ruth", stage.session)))


async def plan(stage: Stage, client: Client) -> str:
    """The session is in their own schedule."""
    result = await client.execute(SCHEDULE, id=gid(stage.world.network), mine=True)
    if result.errors:
        return "-"
    return "Y" if "Talk" in [node["title"] for node in result.data["schedule"]["sessions"]["nodes"]] else "N"


# Y: done. N: FORBIDDEN, or nothing there. -: NOT_FOUND, as for an id that leads nowhere.
TABLE: list[tuple[Try, str]] = [
    #                 OW MG PR ME GP NA IN EX GU AN
    (create,         "Y  Y  Y  Y  N  Y  Y  N  N  - "),
    (change,         "Y  Y  N  N  N  N  N  N  -  - "),
    (cancel,         "Y  Y  N  N  N  N  N  N  -  - "),
    (link_recording, "Y  Y  N  N  N  N  N  N  -  - "),
    (link_slides,    "Y  Y  Y  N  Y  N  N  N  -  - "),
    (release,        "Y  Y  N  N  N  N  N  N  -  - "),
    (watch,          "Y  Y  Y  Y  Y  Y  Y  Y  -  - "),
    (vouch,          "Y  Y  N  N  N  N  N  N  -  - "),
    (see_speaker,    "Y  Y  Y  Y  Y  Y  Y  Y  -  - "),
    (plan,           "Y  Y  Y  Y  Y  N  N  N  N  - "),
    (check_in,       "Y  Y  Y  Y  Y  Y  Y  Y  -  - "),
]  # fmt: skip


@table(
    policy.change_session,
    policy.link_slides,
    policy.check_in_to_session,
    policy.plan_session,
    policy.see_speaker,
    policy.vouch_for_speaker,
)
async def test_who_may_do_what_with_a_session(stage: Stage):
    await stage.world.change(stage.session, slides_url=URL)
    for attempt, row in TABLE:
        expected = dict(zip(WHO, row.split(), strict=True))
        got = {who: await attempt(stage, stage.clients[who]) for who in reversed(WHO)}
        assert (attempt.__name__, got) == (attempt.__name__, {who: expected[who] for who in reversed(WHO)})


async def test_in_an_archive_nothing_is_changed_and_nobody_checks_in(stage: Stage):
    await stage.clients["OW"].do(do.ARCHIVE, communityId=gid(stage.community))
    async with nothing_happens(stage.world.service):
        for attempt in (change, link_recording, link_slides, release, check_in):
            assert (attempt.__name__, await attempt(stage, stage.clients["OW"])) == (attempt.__name__, "N")


@table(policy.see_track, policy.see_room)
async def test_tracks_and_rooms_are_known_by_what_takes_place_there(world: World, ann: Person, bob: Person):
    """Bob does not learn of the track, the room and the speaker of a session that is hidden from him."""
    named = {"track": "Secret", "room": "Cellar", "speakers": ["Mata"]}
    hidden = {"title": "Plot", **TIMES, **named, "visibility": "HIDDEN"}
    shown = {"title": "Talk", **TIMES, "track": "Open", "room": "Aula", "speakers": ["Ruth"]}
    for planned in (hidden, shown):
        await ann.client.do(do.CREATE_SESSION, networkId=gid(world.network), input=planned)
    document = """query ($id: ID!) { network(id: $id) {
      tracks(first: 9) { nodes { id name sessions(first: 9) { nodes { title speakers { id name } } } } }
      rooms(first: 9) { nodes { id name sessions(first: 9) { nodes { title } } } } } }"""

    async def seen(client: Client) -> Any:
        network = (await client.ask(document, id=gid(world.network)))["network"]
        return {kind: {node["name"]: node for node in network[kind]["nodes"]} for kind in ("tracks", "rooms")}

    whole, part = await seen(ann.client), await seen(bob.client)
    assert {kind: set(names) for kind, names in whole.items()} == {
        "tracks": {"Secret", "Open"},
        "rooms": {"Cellar", "Aula"},
    }
    assert {kind: set(names) for kind, names in part.items()} == {"tracks": {"Open"}, "rooms": {"Aula"}}
    assert part["tracks"]["Open"] == whole["tracks"]["Open"]
    secret = whole["tracks"]["Secret"]
    speaker = secret["sessions"]["nodes"][0]["speakers"][0]["id"]
    for id in (secret["id"], whole["rooms"]["Cellar"]["id"], speaker):
        assert await look(bob.client, do.NODE, id=id) == "-"


async def test_a_session_is_made_with_its_community_and_its_board(world: World, ann: Person):
    planned = {
        "title": "How sure are you? " + "x" * 100, **TIMES, "subtitle": "A talk", "language": "en", "url": URL,
        "track": "Main", "room": "Aula", "speakers": ["Ruth", "Sofia", "Ruth"],
        "abstractHtml": '<p onclick="x()">Good</p><script>bad()</script><img src="//e.vil">'
        '<a href="javascript:x">a</a>',
    }  # fmt: skip
    made = (await ann.client.do(do.CREATE_SESSION, networkId=gid(world.network), input=planned))["session"]
    assert {name: made[name] for name in ("title", "subtitle", "language", "url", "state")} == {
        **{name: planned[name] for name in ("title", "subtitle", "language", "url")},
        "state": "PLANNED",
    }
    assert made["abstractHtml"] == '<p>Good</p><a rel="noopener noreferrer">a</a>'
    assert (made["track"]["name"], made["room"]["name"]) == ("Main", "Aula")
    assert [speaker["name"] for speaker in made["speakers"]] == ["Ruth", "Sofia"]
    community = made["community"]
    assert (community["purpose"], len(community["name"]), community["name"][-1]) == ("SESSION", 100, "…")
    assert (made["expectedCount"], community["viewerMembership"]["roles"]) == (1, ["MEMBER", "OWNER"])
    assert [board["state"] for board in community["boards"]["nodes"]] == ["SCHEDULED"]
    board = (await rows(world, QuestionBoard))[0]
    assert board.opens_at == datetime(2026, 3, 4, 9, tzinfo=UTC), "a day before it begins"
    assert board.join_code is not None
    assert len(board.join_code) == 8


async def test_speakers_are_recognised_across_sessions(world: World, ann: Person):
    ids = set()
    for title, begins in (("Two", "2026-03-05T09:30:00Z"), ("One", TIMES["startsAt"])):
        planned = {"title": title, **TIMES, "startsAt": begins, "speakers": ["Ruth"]}
        made = (await ann.client.do(do.CREATE_SESSION, networkId=gid(world.network), input=planned))["session"]
        ids |= {speaker["id"] for speaker in made["speakers"]}
    (id,) = ids
    document = "query ($id: ID!) { node(id: $id) { ... on Speaker { sessions { title } } } }"
    assert (await ann.client.ask(document, id=id))["node"]["sessions"] == [{"title": "One"}, {"title": "Two"}]


async def test_a_speaker_of_somebody_elses_sessions_is_not_recognised_by_name(world: World, ann: Person, bob: Person):
    """Else whoever makes a session with a famous name, and claims it, sits on the panel of the next who names it."""
    ids = []
    for person in (bob, ann):
        planned = {"title": "Talk", **TIMES, "speakers": ["Ruth"]}
        made = (await person.client.do(do.CREATE_SESSION, networkId=gid(world.network), input=planned))["session"]
        ids += [speaker["id"] for speaker in made["speakers"]]
    assert len(set(ids)) == 2


BAD: dict[str, dict[str, Any]] = {
    "title": {"title": " "},
    "endsAt": {"endsAt": TIMES["startsAt"]},
    "url": {"url": "javascript:alert(1)"},
    "language": {"language": "x" * 17},
    "track": {"track": "x" * 201},
    "abstractHtml": {"abstractHtml": "<p>" + "x" * 50_000},
    "speakers": {"speakers": ["Ruth", ""]},
    "visibility": {"admits": "GUESTS", "visibility": "OPEN"},
    "joinPolicy": {"joinPolicy": "INVITE"},
}


@pytest.mark.parametrize("starts_at", ["0001-01-01T00:00:00Z", "9999-12-31T22:00:00Z", "2200-01-01T00:00:01Z"])
async def test_a_session_at_the_ends_of_time_is_refused(world: World, ann: Person, starts_at: str):
    """No time zone west or east of it has a name for such a moment: one of them, and nobody gets a calendar."""
    times = {"startsAt": starts_at, "endsAt": starts_at.replace(":00Z", ":59Z")}
    async with nothing_happens(world.service):
        said = {"title": "Talk", **times}
        refused = (await ann.client.payload(do.CREATE_SESSION, networkId=gid(world.network), input=said))["problems"]
    assert [(problem["code"], problem["field"][-1]) for problem in refused] == [
        ("INVALID", "startsAt"),
        ("INVALID", "endsAt"),
    ]


@pytest.mark.parametrize("field", BAD)
async def test_a_session_that_cannot_be_is_refused_field_by_field(world: World, ann: Person, field: str):
    async with nothing_happens(world.service):
        problem = await ann.client.problem(
            do.CREATE_SESSION, networkId=gid(world.network), input={"title": "Talk", **TIMES, **BAD[field]}
        )
    assert (problem["code"], problem["field"]) == ("INVALID", ["input", field])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "https://",
        "//example.com",
        "x" * 600,
        "https://exa mple.com",
        "http://[::1",
    ],
)
async def test_a_link_is_an_http_address(stage: Stage, url: str):
    async with nothing_happens(stage.world.service):
        for document in (do.LINK_RECORDING, do.LINK_SLIDES):
            problem = await stage.clients["OW"].problem(document, sessionId=gid(stage.session), url=url)
            assert (problem["code"], problem["field"]) == ("INVALID", ["url"])


async def test_nothing_is_released_before_there_is_something(stage: Stage):
    owner, id = stage.clients["OW"], gid(stage.session)
    assert (await owner.problem(do.RELEASE_REPLAY, sessionId=id))["code"] == "CONFLICT"
    await owner.do(do.LINK_SLIDES, sessionId=id, url=URL)
    released = [(await owner.do(do.RELEASE_REPLAY, sessionId=id))["session"]["replayAt"] for _ in range(2)]
    assert released[0] == released[1] is not None
    assert (await owner.do(do.LINK_SLIDES, sessionId=id, url=None))["session"]["slidesUrl"] is None


async def test_to_join_is_to_plan_and_heads_are_counted_live(stage: Stage):
    """Whoever checks in without a plan joins; whoever comes twice has come once."""
    world, watcher = stage.world, stage.clients["NA"]
    feed = await watcher.follow(LIVE, id=gid(world.network), mine=False)
    newcomer = stage.clients["EX"]
    for _ in range(2):
        membership = (await newcomer.do(do.CHECK_IN, sessionId=gid(stage.session)))["membership"]
        assert (membership["state"], membership["checkedInAt"] is not None) == ("ACTIVE", True)
    (last, *_) = reversed(await feed.take())
    assert [(node["expectedCount"], node["checkedInCount"]) for node in last["nodes"]] == [(6, 1)]
    await newcomer.do(do.LEAVE, communityId=gid(stage.community))
    await stage.clients["ME"].do(do.CHECK_IN, sessionId=gid(stage.session))
    (last, *_) = reversed(await feed.take())
    assert [(node["expectedCount"], node["checkedInCount"]) for node in last["nodes"]] == [(5, 2)]
    await feed.stop()


@table(policy.see_check_in)
async def test_who_came_is_known_to_themselves_and_to_those_who_run_it(stage: Stage):
    await stage.clients["ME"].do(do.CHECK_IN, sessionId=gid(stage.session))
    (membership,) = await rows(stage.world, Membership, col(Membership.checked_in_at).is_not(None))
    document = "query ($id: ID!) { node(id: $id) { ... on Membership { checkedInAt } } }"
    got = {}
    for who, client in stage.clients.items():
        found = (await client.execute(document, id=gid(membership))).data["node"]
        got[who] = "-" if found is None else "Y" if found["checkedInAt"] else "N"
    assert got == {
        "OW": "Y", "MG": "Y", "PR": "N", "ME": "Y", "GP": "N", "NA": "N", "IN": "N", "EX": "-", "GU": "-", "AN": "-"
    }  # fmt: skip


async def test_joining_ends_one_s_own_schedule_with_a_resync(stage: Stage):
    world, colleague = stage.world, stage.clients["IN"]
    feed = await colleague.follow(LIVE, id=gid(world.network), mine=True)
    await colleague.do(do.JOIN, communityId=gid(stage.community))
    await feed.done()
    assert feed.events == [{"__typename": "ResyncRequired"}]
    shown = (await colleague.ask(SCHEDULE, id=gid(world.network), mine=True))["schedule"]["sessions"]["nodes"]
    assert shown == [{"title": "Talk"}]
