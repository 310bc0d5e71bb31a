"""A network's schedule follows a file: what has changed in the file is changed and told once, and nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from models import (
    BoardState,
    Change,
    Community,
    CommunityRole,
    Content,
    Kind,
    MemberKind,
    Membership,
    NetworkRole,
    QuestionBoard,
    Session,
    Speaker,
    Track,
)
from realtime import topics
from resolvers import frab, imports, policy
from resolvers.context import Context
from resolvers.imports import Report, Tally
from tests import documents as do
from tests.client import settled
from tests.programmes import REAL, document, event, in_room, persons, plant, small
from tests.tables import table
from tests.traces import answer, changes, count
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

LIVE = """subscription ($id: ID!) { schedule(networkId: $id) {
  __typename ... on Added { node { id } } ... on Changed { node { id } } ... on ResyncRequired { reason } } }"""


@dataclass
class Desk:
    """Where the organiser sits, who administers the network, and a colleague who watches."""

    world: World
    organiser: Person
    watcher: Person

    async def take_in(self, content: bytes, *, hours: float = 24) -> Report:
        async with Context(self.world.service.means, self.organiser.principal_id).transaction() as tx:
            network = await tx.get(policy.administer_network, self.world.network.id)
            before = timedelta(hours=hours)
            return await imports.take_in(tx, network, frab.read(content), opens_before=before)

    async def rows(self, what: Any, *where: Any) -> list[Any]:
        async with self.world.service.database.read() as session:
            return list(await session.scalars(select(what).where(*where)))

    async def session(self, id: str) -> Any:
        (found,) = await self.rows(Session, col(Session.external_id) == id)
        return found

    async def community(self, id: str) -> Any:
        (found,) = await self.rows(Community, col(Community.id) == (await self.session(id)).community_id)
        return found


@pytest.fixture
async def desk(world: World) -> Desk:
    return Desk(world, await world.person("Org", role=NetworkRole.ADMIN), await world.person("Wat"))


ONE = document(in_room("Aula", event("a", persons("Ruth", "Sofia"), subtitle="Sub"), event("b", persons("Ruth"))))


async def test_a_file_becomes_sessions_with_all_that_goes_with_them(desk: Desk):
    report = await desk.take_in(ONE)
    assert report == Report(Tally(added=2), Tally(added=1), Tally(added=1), Tally(added=2))
    community = await desk.community("a")
    assert (community.name, community.purpose, community.admits, community.visibility, community.join_policy) == (
        "Talk a", "SESSION", "EXTERNALS", "OPEN", "OPEN"
    )  # fmt: skip
    (board,) = await desk.rows(QuestionBoard, col(QuestionBoard.community_id) == community.id)
    assert (board.title, board.visitors, len(board.join_code)) == ("Talk a", "ASK_AND_VOTE", 8)
    assert not set(board.join_code) & set("01OIL")
    assert (board.opens_at, board.state) == (datetime(2026, 3, 4, 9, tzinfo=UTC), BoardState.SCHEDULED)
    (seat,) = await desk.rows(Membership, col(Membership.community_id) == community.id)
    assert (seat.member_id, seat.roles, community.member_count) == (
        desk.organiser.member.id, CommunityRole.OWNER | CommunityRole.MEMBER, 1
    )  # fmt: skip
    shown = """query ($id: ID!) { schedule(networkId: $id) { sessions(first: 5) { nodes {
      title abstractHtml startsAt track { name } room { name } speakers { name sessions { title } }
    } } } }"""
    nodes = (await desk.watcher.client.ask(shown, id=gid(desk.world.network)))["schedule"]["sessions"]["nodes"]
    assert {node["title"] for node in nodes} == {"Talk a", "Talk b"}
    (node,) = [node for node in nodes if node["title"] == "Talk a"]
    assert [speaker["name"] for speaker in node["speakers"]] == ["Ruth", "Sofia"]
    assert {found["title"] for found in node["speakers"][0]["sessions"]} == {"Talk a", "Talk b"}
    assert (node["abstractHtml"], node["startsAt"]) == ("<p>About a</p>", "2026-03-05T09:00:00+00:00")


async def test_a_board_whose_time_has_come_is_open(desk: Desk):
    await desk.take_in(ONE, hours=24 * 7)
    assert {board.state for board in await desk.rows(QuestionBoard)} == {BoardState.OPEN}


async def test_the_same_file_again_changes_nothing_and_tells_nothing(desk: Desk):
    await desk.take_in(small())
    async with nothing_happens(desk.world.service):
        report = await desk.take_in(small())
    assert report == Report(Tally(unchanged=30), Tally(unchanged=3), Tally(unchanged=3), Tally(unchanged=10))


@pytest.mark.parametrize("which", ["small", "real"])
async def test_twenty_differences_are_announced_as_exactly_those_twenty(desk: Desk, which: str):
    """And those who plan to come have a post for each that was moved or cancelled."""
    if which == "real" and not REAL.exists():
        pytest.skip("the real schedule is not on this machine")
    content = small() if which == "small" else REAL.read_bytes()
    await desk.take_in(content)
    planted = plant(content)
    assert len(planted.all) == 20
    await settled(desk.world.service)
    feed = await desk.watcher.client.follow(LIVE, id=gid(desk.world.network))
    report = await desk.take_in(planted.content)
    held = {session.external_id: session for session in await desk.rows(Session)}
    told = [(event["__typename"], event["node"]["id"]) for event in await feed.take()]
    await feed.stop()
    expected = {("Added", gid(held[id])) for id in planted.added}
    expected |= {("Changed", gid(held[id])) for id in planted.all - planted.added}
    assert (len(told), set(told)) == (20, expected)
    assert (report.sessions.added, report.sessions.changed, report.sessions.cancelled) == (2, 16, 2)
    states = {id: held[id].state for id in planted.all}
    assert {id for id, state in states.items() if state == "CHANGED"} == planted.moved
    assert {id for id, state in states.items() if state == "CANCELLED"} == planted.cancelled
    posts = {post.community_id: post for post in await desk.rows(Content)}
    assert set(posts) == {held[id].community_id for id in planted.moved | planted.cancelled}
    assert {post.author_id for post in posts.values()} == {desk.organiser.member.id}
    for id in planted.moved | planted.cancelled:
        assert posts[held[id].community_id].body == held[id].change_note
    async with nothing_happens(desk.world.service):
        await desk.take_in(planted.content)


async def test_a_change_says_from_what_to_what_in_the_time_of_the_place(desk: Desk):
    await desk.take_in(ONE)
    assert (await desk.world.fresh(desk.world.network)).time_zone == "Europe/Brussels", "it had none of its own"
    moved = ONE.replace(b"2026-03-05T10:00:00+01:00", b"2026-03-06T11:30:00+01:00", 1)
    await desk.take_in(moved.replace(b"<title>Talk a", b"<room>Attic</room><title>Talk a"))
    session = await desk.session("a")
    assert (session.state, session.change_note) == (
        "CHANGED", "Moved from Thu 5 Mar, 10:00 to 10:45, Aula to Fri 6 Mar, 11:30 to 12:15, Attic."
    )  # fmt: skip
    (board,) = await desk.rows(QuestionBoard, col(QuestionBoard.community_id) == session.community_id)
    assert board.opens_at == session.starts_at - timedelta(hours=24), "the board moves with its session"


async def test_what_people_made_of_a_session_stays(desk: Desk):
    """A name, a time and an abstract that people changed are theirs, until the file itself changes that field."""
    await desk.take_in(ONE)
    client, session = desk.organiser.client, await desk.session("a")
    await client.do(do.UPDATE_COMMUNITY, communityId=gid(await desk.community("a")), input={"name": "Ours"})
    own = {"startsAt": "2026-03-07T09:00:00Z", "endsAt": "2026-03-07T10:00:00Z", "abstractHtml": "Own", "note": "Later"}
    await client.do(do.CHANGE_SESSION, sessionId=gid(session), input=own)
    made = {"title": "By hand", "startsAt": own["startsAt"], "endsAt": own["endsAt"]}
    hand = (await client.do(do.CREATE_SESSION, networkId=gid(desk.world.network), input=made))["session"]
    async with nothing_happens(desk.world.service):
        await desk.take_in(ONE)
    await desk.take_in(ONE.replace(b"<title>Talk a", b"<title>Speech a"))
    session = await desk.session("a")
    assert (session.title, session.abstract_html, session.change_note) == ("Speech a", "Own", "Later")
    assert session.starts_at == datetime(2026, 3, 7, 9, tzinfo=UTC)
    assert (await desk.community("a")).name == "Ours"
    await desk.take_in(ONE.replace(b"About a", b"New about a").replace(b"<title>Talk b", b"<title>Speech b"))
    assert (await desk.session("a")).abstract_html == "<p>New about a</p>"
    assert (await desk.community("b")).name == "Speech b"
    found = (await client.ask("query ($id: ID!) { node(id: $id) { ... on Session { state } } }", id=hand["id"]))["node"]
    assert found["state"] == "PLANNED"


async def test_what_people_have_already_put_right_is_not_told_again(desk: Desk):
    await desk.take_in(ONE)
    right = {"title": "Speech a"}
    await desk.organiser.client.do(do.CHANGE_SESSION, sessionId=gid(await desk.session("a")), input=right)
    before = len(await changes(desk.world.service))
    report = await desk.take_in(ONE.replace(b"<title>Talk a", b"<title>Speech a"))
    assert (report.sessions, len(await changes(desk.world.service))) == (Tally(unchanged=2), before)


async def test_what_has_gone_is_cancelled_and_comes_back(desk: Desk):
    await desk.take_in(ONE)
    without = document(in_room("Aula", event("b", persons("Ruth"))))
    assert (await desk.take_in(without)).sessions == Tally(cancelled=1, unchanged=1)
    session = await desk.session("a")
    assert (session.state, session.change_note) == ("CANCELLED", imports.NO_LONGER)
    async with nothing_happens(desk.world.service):
        await desk.take_in(without)
    assert (await desk.take_in(ONE)).sessions == Tally(changed=1, unchanged=1)
    session = await desk.session("a")
    assert (session.state, session.change_note) == ("PLANNED", imports.AGAIN)
    await desk.take_in(without)
    await desk.take_in(ONE.replace(b"2026-03-05T10:00:00+01:00", b"2026-03-06T10:00:00+01:00", 1))
    assert (await desk.session("a")).state == "CHANGED"


async def test_what_people_cancelled_no_file_brings_back(desk: Desk):
    await desk.take_in(ONE)
    session = await desk.session("a")
    await desk.organiser.client.do(do.CANCEL_SESSION, sessionId=gid(session), note="Ill")
    for content in (ONE, document(in_room("Aula", event("b"))), ONE):
        await desk.take_in(content)
        session = await desk.session("a")
        assert (session.state, session.change_note) == ("CANCELLED", "Ill")


async def test_what_is_over_is_not_cancelled(desk: Desk):
    await desk.take_in(ONE)
    await desk.world.change(await desk.session("a"), state="DONE")
    await desk.take_in(document(in_room("Aula", event("b", persons("Ruth")))))
    assert (await desk.session("a")).state == "DONE"


async def test_two_conferences_in_one_network_leave_each_other_alone(desk: Desk):
    await desk.take_in(ONE)
    other = document(in_room("Aula", event("a", title="Other"))).replace(b"days-2026", b"nights-2026")
    assert (await desk.take_in(other)).sessions == Tally(added=1)
    assert {session.state for session in await desk.rows(Session)} == {"PLANNED"}


async def test_of_very_many_changes_only_that_there_are_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """In the schedule, and in the activity of the communities that have a post; everybody looks again."""
    await desk.take_in(ONE)
    await settled(desk.world.service)
    monkeypatch.setattr(imports, "BULK_MOST", 1)
    before = len(await changes(desk.world.service))
    community = await desk.community("a")
    feeds = [
        await desk.watcher.client.follow(LIVE, id=gid(desk.world.network)),
        await desk.watcher.client.follow(
            "subscription ($id: ID!) { communityActivity(communityId: $id) { __typename } }", id=gid(community)
        ),
    ]
    await desk.take_in(document(in_room("Aula", event("c"))))
    for feed in feeds:
        await feed.done()
    assert [[event["__typename"] for event in feed.events] for feed in feeds] == [["ResyncRequired"]] * 2
    told = (await changes(desk.world.service))[before:]
    assert {change.kind for change in told} == {Kind.RIGHTS}
    heard = [change.topics for change in told if topics.schedule(desk.world.network.id) in change.topics]
    assert len(heard) == 1, "once"


async def test_two_hundred_changes_are_told_one_by_one(desk: Desk):
    many = [event(f"e{n}") for n in range(201)]
    await desk.take_in(document(in_room("Aula", *many)))
    assert await count(desk.world.service, Change, col(Change.noun) == "Session") == 0
    await desk.take_in(document(in_room("Aula", *(event(f"e{n}", language="nl") for n in range(200)), many[200])))
    assert await count(desk.world.service, Change, col(Change.noun) == "Session") == 200


async def test_a_speaker_who_was_claimed_sits_on_the_panel_of_sessions_that_come_later(desk: Desk):
    world = desk.world
    ruth = await world.person("Rut", MemberKind.EXTERNAL)
    await desk.take_in(ONE)
    (speaker,) = await desk.rows(Speaker, col(Speaker.name) == "Ruth")
    made = await desk.organiser.client.do(do.CREATE_SPEAKER_CLAIM, speakerId=gid(speaker))
    claimed = (await ruth.client.do(do.CLAIM_SPEAKER, token=made["token"]))["speaker"]
    assert (claimed["member"]["id"], len(claimed["sessions"])) == (ruth.id, 2)
    more = ONE.replace(b"    </room>", (event("c", persons("Ruth")) + "    </room>").encode())
    await desk.take_in(more)
    seats = await desk.rows(Membership, col(Membership.member_id) == ruth.member.id)
    assert [seat.roles for seat in seats] == [CommunityRole.MEMBER | CommunityRole.PRESENTER] * 3
    assert (await desk.community("c")).member_count == 2


@table(policy.administer_network)
@pytest.mark.parametrize(("role", "may"), [("OWNER", True), ("ADMIN", True), ("MODERATOR", False), ("MEMBER", False)])
async def test_an_import_runs_as_somebody_who_administers_the_network(world: World, role: str, may: bool):
    organiser = await world.person("Org", role=NetworkRole[role])
    got = await answer(organiser.client, do.UPDATE_NETWORK, networkId=gid(world.network), input={})
    assert (got == "Y") is may


@pytest.mark.skipif(not REAL.exists(), reason="the real schedule is not on this machine")
async def test_a_real_conference_comes_in_whole(desk: Desk):
    content = REAL.read_bytes()
    report = await desk.take_in(content)
    assert (report.sessions, report.tracks.added, report.people.added) == (Tally(added=943), 69, 992)
    counts = [await count(desk.world.service, what) for what in (Session, Community, QuestionBoard, Track, Speaker)]
    assert counts == [943, 943, 943, 69, 992]
    session = await desk.session("852280ac-61d3-588c-b74c-8d87f9d9d2c6")
    assert (session.title, session.starts_at) == (
        "A New Approach to Callee-Saved Registers in LLVM", datetime(2025, 2, 1, 9, 35, tzinfo=UTC)
    )  # fmt: skip
    assert [session for session in await desk.rows(Session) if "<script" in session.abstract_html.lower()] == []
    async with nothing_happens(desk.world.service):
        assert (await desk.take_in(content)).sessions == Tally(unchanged=943)
