"""Expiry: from its moment on a member is a stranger, noticed or not; and within a second what they follow ends."""

from datetime import timedelta
from typing import Any

import pytest

from models import (
    Admits,
    Attendee,
    Community,
    CommunityRole,
    EndedReason,
    Kind,
    Member,
    MemberKind,
    MembershipState,
    MemberState,
    NetworkRole,
    SignIn,
    Visibility,
)
from realtime import topics
from resolvers import accounts, expiry, policy, timetable
from resolvers.clock import SystemClock
from resolvers.context import Context
from resolvers.session import Reader
from resolvers.standings import Standings
from tests import documents as do
from tests.client import event_of, operations, settled
from tests.conftest import ManualClock, make_service
from tests.memberships import head_count, state_of
from tests.standing import asking
from tests.tables import table
from tests.traces import answer, changes, look
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"
MY_FEED = "subscription ($id: ID!) { myFeed(networkId: $id)" + event_of("... on Topic { title }") + "}"
TERMS = "query ($id: ID!) { node(id: $id) { ... on Member { expiresAt endedAt endedReason } } }"
HOUR = timedelta(hours=1)


@pytest.fixture
async def project(world: World, ann: Person, bob: Person) -> Community:
    """A private community of which one will soon be gone."""
    community = await world.community(owner=ann, visibility=Visibility.PRIVATE)
    await world.belong(bob, community, CommunityRole.MANAGER)
    await world.change(bob.member, expires_at=world.now + HOUR)
    return community


async def test_from_its_moment_on_a_member_is_a_stranger_though_nobody_has_noticed(
    world: World, clock: ManualClock, project: Community, ann: Person, bob: Person
):
    topic = await world.content(project, bob)
    elsewhere = await world.community(owner=ann)
    assigned = {"assigneeId": bob.id, "title": "Sort it out"}
    task = (await ann.client.do(do.CREATE_TASK, networkId=gid(world.network), input=assigned))["task"]["id"]
    ids = [task, *map(gid, (world.network, project, topic, bob.member))]
    clock.advance(minutes=59, seconds=59, microseconds=999_999)
    assert [await look(bob.client, do.NODE, id=id) for id in ids] == ["Y"] * len(ids)
    clock.advance(microseconds=1)
    assert (await world.fresh(bob.member)).state is MemberState.ACTIVE
    tries: list[tuple[str, dict[str, Any]]] = [
        (do.LEAVE, {"communityId": gid(project)}),
        (do.UPDATE_COMMUNITY, {"communityId": gid(project), "input": {"name": "Mine"}}),
        (do.CREATE_TOPIC, {"communityId": gid(project), "input": {"title": "Late"}}),
        (do.EDIT_CONTENT, {"contentId": gid(topic), "input": {"title": "Late", "body": ""}}),
        (do.CREATE_COMMUNITY, {"networkId": gid(world.network), "input": {"name": "Mine"}}),
        (do.ACCEPT_TASK, {"taskId": task}),
    ]
    async with nothing_happens(world.service):
        assert [await look(bob.client, do.NODE, id=id) for id in ids] == ["-"] * len(ids)
        assert [await answer(bob.client, deed, **variables) for deed, variables in tries] == ["-"] * len(tries)
        assert (await bob.client.ask("{ viewer { networks { name } } }"))["viewer"] == {"networks": []}
        assert await answer(ann.client, do.CREATE_TASK, networkId=gid(world.network), input=assigned) == "INVALID"
        invited = {"communityId": gid(elsewhere), "input": {"memberId": bob.id}}
        assert await answer(ann.client, do.INVITE, **invited) == "CONFLICT"


async def test_nothing_that_was_written_afterwards_is_told_though_nobody_has_noticed(
    world: World, clock: ManualClock, project: Community, ann: Person, bob: Person
):
    cyd = await world.person("Cyd")
    await world.belong(cyd, project, CommunityRole.MANAGER)
    feeds = [
        await person.client.follow(document, id=gid(place))
        for person in (bob, cyd)
        for document, place in ((ACTIVITY, project), (MY_FEED, world.network))
    ]

    async def write(title: str) -> list[list[str]]:
        await ann.client.do(do.CREATE_TOPIC, communityId=gid(project), input={"title": title})
        return [[event["node"]["title"] for event in await feed.take()] for feed in feeds]

    assert await write("Before") == [["Before"]] * 4
    clock.advance(hours=1)
    assert await write("After") == [[], [], ["After"], ["After"]]
    assert [feed.is_done for feed in feeds] == [False] * 4
    await timetable.tick(world.service.means)
    for feed in feeds[:2]:
        await feed.done()
        assert [event["__typename"] for event in feed.events] == ["AccessRevoked"]
    assert [feed.is_done for feed in feeds[2:]] == [False, False]
    for feed in feeds[2:]:
        await feed.stop()


async def test_no_number_moves_for_one_whose_time_is_over(
    world: World, clock: ManualClock, project: Community, ann: Person, bob: Person
):
    topic = await world.content(project, ann)
    feed = await bob.client.follow(ACTIVITY, id=gid(project))
    clock.advance(hours=1)
    await ann.client.do(do.ADD_COMMENT, contentId=gid(topic), input={"body": "Late"})
    assert await feed.take() == []
    await feed.stop()


async def test_what_they_follow_ends_within_a_second(database_url: str):
    clock = SystemClock()
    service = make_service(database_url, clock)  # type: ignore[arg-type]  # the clock on the wall
    service.tick = 1.0
    world = await World.make(service)
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community)
    async with service.running():
        feed = await bob.client.follow(ACTIVITY, id=gid(community))
        ends_at = clock.now() + timedelta(seconds=1.5)
        await world.change(bob.member, expires_at=ends_at)
        await feed.done()
        late = clock.now() - ends_at
        assert [event["__typename"] for event in feed.events] == ["AccessRevoked"]
        assert timedelta(0) <= late <= timedelta(seconds=1)
        assert not operations(service)


async def test_what_they_held_is_given_back_once(
    world: World, clock: ManualClock, project: Community, ann: Person, bob: Person
):
    asked = await world.community(owner=ann)
    await world.belong(bob, asked, state=MembershipState.INVITED)
    async with nothing_happens(world.service):
        await timetable.tick(world.service.means)
    clock.advance(hours=2)
    await timetable.tick(world.service.means)
    member = await world.fresh(bob.member)
    assert (member.state, member.ended_at, member.ended_reason) == (MemberState.LEFT, world.now, EndedReason.EXPIRED)
    assert member.expires_at is None
    assert [await state_of(world, place, bob) for place in (project, asked)] == [MembershipState.LEFT] * 2
    assert await head_count(world, project) == 1
    (told,) = await changes(world.service, bob.member)
    assert (told.kind, told.topics) == (Kind.RIGHTS, [topics.person(bob.principal_id)])
    async with nothing_happens(world.service):
        await timetable.tick(world.service.means)


async def test_what_was_told_and_not_given_back_is_given_back_later(
    world: World, clock: ManualClock, project: Community, bob: Person
):
    """As by a process that died in between."""
    clock.advance(hours=1)
    ctx = Context(world.service.means)
    await expiry.tidy(ctx)  # nobody has told
    assert await state_of(world, project, bob) is MembershipState.ACTIVE
    async with ctx.transaction() as tx:
        await expiry.tell(tx)
    assert await state_of(world, project, bob) is MembershipState.ACTIVE
    for _ in range(2):
        await timetable.tick(world.service.means)
    assert await state_of(world, project, bob) is MembershipState.LEFT
    assert len(await changes(world.service, bob.member)) == 1
    assert await head_count(world, project) == 1


async def test_nobody_stands_like_another_whose_time_runs_out_at_another_moment(
    world: World, clock: ManualClock, community: Community, ann: Person, bob: Person
):
    """So nobody is answered for another when the moment comes, and nothing need be forgotten then."""
    cyd = await world.person("Cyd")
    await world.belong(cyd, community)
    await world.change(community, visibility=Visibility.PRIVATE)
    question = await world.question(await world.board(community), ann)
    viewers = [bob.principal_id, cyd.principal_id]

    async def answered(of: Standings) -> tuple[int, set[Any]]:
        async with world.service.database.read() as session:
            db = Reader(session, ann.principal_id, world.now, world.service.database.dialect)
            parties = await of.parties(db, policy.see_question, question.id, asking(viewers))
            allowed, _ = await of.ask(db, policy.see_question.now, question.id, parties)
        return len(parties), {operation.viewer for party in allowed for operation in party.operations}

    for person in (bob, cyd):
        await world.change(person.member, expires_at=world.now + HOUR)
    assert await answered(Standings()) == (1, set(viewers))
    await world.change(cyd.member, expires_at=world.now + 2 * HOUR)
    assert await answered(known := Standings()) == (2, set(viewers))
    clock.advance(hours=1)
    assert await answered(known) == (2, {cyd.principal_id})


async def test_an_attendee_without_an_account_is_signed_out_when_their_time_is_over(world: World, clock: ManualClock):
    ben = await world.person("Ben", MemberKind.EXTERNAL)
    async with world.service.database.write() as session:
        await session.delete(await session.merge(ben.account))
    await world.add(Attendee(network_id=world.network.id, member_id=ben.member.id, email="ben@example.com"))
    token = accounts.new_token("sign_in")
    lasts = {"token_hash": accounts.digest(token), "expires_at": world.now + timedelta(days=9)}
    await world.add(SignIn(principal_id=ben.principal_id, **lasts))
    await world.change(ben.member, expires_at=world.now + HOUR)
    ctx = Context(world.service.means)
    assert (await accounts.of_token(ctx, token, again=True)).principal_id == ben.principal_id
    clock.advance(hours=1)
    with pytest.raises(accounts.BadToken):
        await accounts.of_token(ctx, token, again=True)


async def test_who_comes_back_right_away_has_nothing_of_what_they_had(
    world: World, clock: ManualClock, owner: Person, project: Community, bob: Person
):
    """Also when nobody has noticed yet that they had gone."""
    clock.advance(hours=1)
    added = {"email": bob.account.email}
    token = (await owner.client.do(do.ADD_MEMBER, networkId=gid(world.network), input=added))["token"]
    assert await answer(bob.client, do.ACCEPT_INVITATION, token=token) == "Y"
    assert await state_of(world, project, bob) is MembershipState.LEFT
    member = await world.fresh(bob.member)
    assert (member.state, member.expires_at) == (MemberState.ACTIVE, None)
    async with nothing_happens(world.service):
        await timetable.tick(world.service.means)


async def test_a_member_of_two_networks_expires_in_one(world: World, clock: ManualClock, bob: Person):
    elsewhere = await World.make(world.service, "Elsewhere")
    there = Member(network_id=elsewhere.network.id, principal_id=bob.principal_id, name="Bob over there")
    await elsewhere.add(there)
    await world.change(bob.member, expires_at=world.now + HOUR)
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    await settled(world.service)
    assert (await bob.client.ask("{ viewer { networks { name } } }"))["viewer"]["networks"] == [{"name": "Elsewhere"}]
    assert (await world.fresh(there)).state is MemberState.ACTIVE


# --- whose time runs out, and who says so ------------------------------------------------------------------------


@table(policy.read_terms)
async def test_until_when_one_is_here_is_told_to_colleagues_and_oneself(world: World, ann: Person, bob: Person):
    people = {name: await world.person(name, MemberKind.GUEST) for name in ("Gus", "Eve")}
    shared = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    for guest in people.values():
        await world.belong(guest, shared)
        await world.change(guest.member, expires_at=world.now + HOUR)
    told = {"expiresAt": (world.now + HOUR).isoformat(), "endedAt": None, "endedReason": None}
    untold = dict.fromkeys(told)
    cells = {"Gus": told, "Bob": told, "Ann": told, "Eve": untold}
    people |= {"Ann": ann, "Bob": bob}
    got = {who: (await people[who].client.ask(TERMS, id=people["Gus"].id))["node"] for who in cells}
    assert got == cells


async def test_a_time_is_given_and_taken_away_again(world: World, owner: Person, bob: Person):
    in_an_hour = (world.now + HOUR).isoformat()
    changed = await owner.client.do(do.CHANGE_MEMBER_EXPIRY, memberId=bob.id, expiresAt=in_an_hour)
    assert changed["member"]["expiresAt"] == in_an_hour
    (told,) = await changes(world.service, bob.member)
    assert (told.kind, told.topics) == (Kind.RIGHTS, [topics.person(bob.principal_id)])
    assert (await owner.client.do(do.CHANGE_MEMBER_EXPIRY, memberId=bob.id))["member"]["expiresAt"] is None


async def test_a_time_lies_ahead_and_an_owners_does_not_run_out(world: World, owner: Person, bob: Person):
    second = await world.person("Second", role=NetworkRole.OWNER)
    async with nothing_happens(world.service):
        for moment in (world.now, world.now - HOUR):
            late = {"memberId": bob.id, "expiresAt": moment.isoformat()}
            problem = await owner.client.problem(do.CHANGE_MEMBER_EXPIRY, **late)
            assert (problem["code"], problem["field"]) == ("INVALID", ["expiresAt"])
        later = (world.now + HOUR).isoformat()
        assert await answer(owner.client, do.CHANGE_MEMBER_EXPIRY, memberId=second.id, expiresAt=later) == "CONFLICT"


async def test_who_is_about_to_go_owns_no_network(world: World, owner: Person, bob: Person):
    await world.change(bob.member, expires_at=world.now + HOUR)
    async with nothing_happens(world.service):
        assert await answer(owner.client, do.CHANGE_MEMBER_ROLE, memberId=bob.id, role="OWNER") == "CONFLICT"
