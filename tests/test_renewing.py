"""Renewing: a guest's time is extended by those who know them, and nobody is here for whom nobody vouches."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from models import (
    Account,
    Admits,
    Community,
    CommunityRole,
    CommunityState,
    EndedReason,
    Member,
    MemberKind,
    MembershipState,
    MemberState,
    NetworkRole,
    Visibility,
)
from resolvers import policy, timetable
from resolvers.graces import GRACE
from tests import documents as do
from tests.client import Client, settled
from tests.conftest import ManualClock
from tests.invited import guest_of
from tests.memberships import membership_of, state_of
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

TO_RENEW = "query ($id: ID!) { network(id: $id) { guestsToRenew(first: 9) { nodes { name } } } }"
CAN = "query ($id: ID!) { node(id: $id) { ... on Member { viewerCan { renew { allowed } takeOver { allowed } } } } }"


@pytest.fixture
async def project(world: World, ann: Person) -> Community:
    return await world.community(owner=ann, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)


@pytest.fixture
async def gus(world: World, ann: Person, project: Community) -> Person:
    """A guest for whom a manager vouches, for thirty days."""
    manager = await world.person("Manager")
    await world.belong(manager, project, CommunityRole.MANAGER)
    return await guest_of(world, manager, project)


async def manager_of(world: World, gus: Person) -> Person:
    found = await world.fresh(gus.member)
    async with world.service.database.read() as session:
        member = await session.get(Member, found.sponsor_id)
        assert member
        account = (await session.scalars(select(Account).where(col(Account.principal_id) == member.principal_id))).one()
    return Person("Manager", Client(world.service, member.principal_id), account, member)


def until(world: World, days: float = 60) -> str:
    moment: str = (world.now + timedelta(days=days)).isoformat()
    return moment


# --- renewing --------------------------------------------------------------------------------------------------------

# May renew, may take over.
RENEWS = {
    "sponsor": "RT",
    "owner of the community": "RT",
    "another manager": "T",
    "member": "T",
    "owner elsewhere": "T",
    "administrator": "T",
    "the guest": "",
    "another guest": "",
    "external as owner": "",
    "expired owner": "",
    "nobody": "",
}


async def clients_of(world: World, ann: Person, gus: Person, project: Community) -> dict[str, Client]:
    kinds = {"another guest": MemberKind.GUEST, "external as owner": MemberKind.EXTERNAL}
    roles = {"another manager": CommunityRole.MANAGER, "external as owner": CommunityRole.OWNER}
    found = {"owner of the community": ann, "the guest": gus, "sponsor": await manager_of(world, gus)}
    found["administrator"] = await world.person("Admin", role=NetworkRole.OWNER)
    for who in ("another manager", "member", "another guest", "external as owner", "expired owner"):
        person = found[who] = await world.person(who.replace(" ", "-"), kinds.get(who, MemberKind.INTERNAL))
        await world.belong(person, project, roles.get(who, CommunityRole.MEMBER))
    await world.change(found["expired owner"].member, expires_at=world.now)
    elsewhere = found["owner elsewhere"] = await world.person("Elsewhere")
    await world.community(owner=elsewhere)
    return {who: person.client for who, person in found.items()} | {"nobody": world.nobody}


@table(policy.renew_guest, policy.take_over_guest, policy.remind_of_guest)
async def test_who_renews_a_guest_and_is_reminded_of_it(
    world: World, clock: ManualClock, ann: Person, gus: Person, project: Community
):
    clients = await clients_of(world, ann, gus, project)
    clock.advance(days=16)  # two weeks before the end
    got, reminded = {}, set()
    for who in RENEWS:
        node = (await clients[who].execute(CAN, id=gus.id)).data["node"]
        can = node["viewerCan"] if node else {"renew": {"allowed": False}, "takeOver": {"allowed": False}}
        got[who] = "R" * can["renew"]["allowed"] + "T" * can["takeOver"]["allowed"]
        network = (await clients[who].execute(TO_RENEW, id=gid(world.network))).data["network"]
        if network and network["guestsToRenew"]["nodes"]:
            reminded.add(who)
    assert got == RENEWS
    assert reminded == {who for who, letters in RENEWS.items() if "R" in letters}
    for who, letters in RENEWS.items():
        if "R" not in letters:
            async with nothing_happens(world.service):
                answered = await answer(clients[who], do.RENEW_GUEST, memberId=gus.id, staysUntil=until(world))
                assert answered == ("-" if who in {"nobody", "expired owner"} else "N"), who


async def test_those_who_may_renew_are_reminded_two_weeks_before_and_until_it_is_done(
    world: World, clock: ManualClock, ann: Person, gus: Person
):
    async def reminded() -> list[str]:
        network = (await ann.client.ask(TO_RENEW, id=gid(world.network)))["network"]
        return [node["name"] for node in network["guestsToRenew"]["nodes"]]

    clock.advance(days=15, hours=23, minutes=59)
    assert await reminded() == []
    clock.advance(minutes=1)
    assert await reminded() == ["Gus"]
    assert await answer(ann.client, do.RENEW_GUEST, memberId=gus.id, staysUntil=until(world)) == "Y"
    assert await reminded() == []
    clock.advance(days=59)
    assert await reminded() == ["Gus"]
    assert not (await gus.client.execute(do.NODE, id=gid(world.network))).errors
    clock.advance(days=1)
    assert await reminded() == []
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.RENEW_GUEST, memberId=gus.id, staysUntil=until(world)) == "N"


async def test_a_guest_is_renewed_for_no_longer_than_the_network_lets_them_stay(
    world: World, ann: Person, gus: Person, bob: Person
):
    async with nothing_happens(world.service):
        for days in (0, -1, 91):
            late = {"memberId": gus.id, "staysUntil": until(world, days)}
            problem = await ann.client.problem(do.RENEW_GUEST, **late)
            assert (problem["code"], problem["field"]) == ("INVALID", ["staysUntil"])
        assert await answer(ann.client, do.RENEW_GUEST, memberId=bob.id, staysUntil=until(world)) == "N"


# --- grace -----------------------------------------------------------------------------------------------------------

ENDINGS = ("sponsor disabled", "sponsor expired", "sponsor became an external", "left", "removed", "banned")


async def end(
    world: World, clock: ManualClock, owner: Person, ann: Person, gus: Person, project: Community, how: str
) -> None:
    sponsor = await manager_of(world, gus)
    membership = await membership_of(world, project, gus)
    assert membership
    match how:
        case "sponsor disabled":
            await owner.client.do(do.DISABLE, memberId=sponsor.id)
        case "sponsor expired":
            await world.change(sponsor.member, expires_at=world.now + timedelta(hours=1))
            clock.advance(hours=1)
            await timetable.tick(world.service.means)
        case "sponsor became an external":
            await ann.client.do(
                do.REMOVE_MEMBERSHIP, membershipId=gid(await membership_of(world, project, sponsor) or sponsor.member)
            )
            await owner.client.do(do.CHANGE_MEMBER_KIND, memberId=sponsor.id, kind="EXTERNAL")
        case "left":
            await gus.client.do(do.LEAVE, communityId=gid(project))
        case _:
            await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership), ban=how == "banned")


@pytest.mark.parametrize("how", ENDINGS)
async def test_for_whom_nobody_vouches_has_no_access_for_two_weeks_and_then_is_gone(
    world: World, clock: ManualClock, owner: Person, ann: Person, gus: Person, project: Community, how: str
):
    await settled(world.service)  # what let them in is no news to the feed
    feed = await gus.client.follow(
        "subscription ($id: ID!) { myFeed(networkId: $id) { __typename } }", id=gid(world.network)
    )
    await end(world, clock, owner, ann, gus, project, how)
    member = await world.fresh(gus.member)
    why = EndedReason.SPONSOR_LEFT if how.startswith("sponsor") else EndedReason.NO_COMMUNITY
    assert (member.state, member.ended_reason, member.ended_at) == (MemberState.GRACE, why, world.now)
    assert member.expires_at == world.now + GRACE
    await feed.done()
    assert feed.events[-1]["__typename"] == "AccessRevoked"
    for id in (gid(world.network), gid(project), gus.id):
        assert await gus.client.refused(do.NODE, id=id) == "NOT_FOUND"
    clock.advance(days=13, hours=23)
    await timetable.tick(world.service.means)
    assert (await world.fresh(gus.member)).state is MemberState.GRACE
    clock.advance(hours=1)
    await timetable.tick(world.service.means)
    member = await world.fresh(gus.member)
    assert (member.state, member.ended_reason) == (MemberState.LEFT, why)
    assert await state_of(world, project, gus) is not MembershipState.ACTIVE


async def test_who_is_a_guest_elsewhere_still_stays(world: World, ann: Person, bob: Person, gus: Person):
    other = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    await world.belong(gus, other)
    await gus.client.do(do.LEAVE, communityId=gid(other))
    assert (await world.fresh(gus.member)).state is MemberState.ACTIVE


async def test_grace_does_not_outlast_the_stay(
    world: World, clock: ManualClock, ann: Person, gus: Person, project: Community
):
    clock.advance(days=20)
    await gus.client.do(do.LEAVE, communityId=gid(project))
    assert (await world.fresh(gus.member)).expires_at == world.now + timedelta(days=10)


# --- taking over -----------------------------------------------------------------------------------------------------


async def test_a_successor_vouches_and_the_guest_is_where_they_were(
    world: World, owner: Person, ann: Person, gus: Person, project: Community
):
    await owner.client.do(do.DISABLE, memberId=(await manager_of(world, gus)).id)
    taken = await ann.client.do(do.TAKE_OVER_GUEST, memberId=gus.id, staysUntil=until(world))
    assert taken["member"] == {"state": "ACTIVE", "sponsor": {"name": "Ann"}, "expiresAt": until(world)}
    assert not (await gus.client.execute(do.NODE, id=gid(project))).errors


async def test_whoever_belongs_nowhere_is_taken_over_into_a_community(
    world: World, ann: Person, bob: Person, gus: Person, project: Community
):
    await gus.client.do(do.LEAVE, communityId=gid(project))
    other = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.HIDDEN)
    over: dict[str, Any] = {"memberId": gus.id, "staysUntil": until(world)}
    async with nothing_happens(world.service):
        for person in (ann, bob):
            problem = await person.client.problem(do.TAKE_OVER_GUEST, **over)
            assert problem["rule"] == "guests_are_taken_over_by_those_who_manage_their_community"
        assert await answer(bob.client, do.TAKE_OVER_GUEST, **over, communityId=gid(project)) == "N"
        assert await answer(ann.client, do.TAKE_OVER_GUEST, **over, communityId=gid(other)) == "-"
        too_long = over | {"staysUntil": until(world, 91)}
        assert await answer(bob.client, do.TAKE_OVER_GUEST, **too_long, communityId=gid(other)) == "INVALID"
    assert await answer(bob.client, do.TAKE_OVER_GUEST, **over, communityId=gid(other)) == "Y"
    assert await state_of(world, other, gus) is MembershipState.ACTIVE
    assert (await world.fresh(gus.member)).sponsor_id == bob.member.id
    assert not (await gus.client.execute(do.NODE, id=gid(other))).errors


async def test_nobody_takes_over_whose_grace_is_over_and_who_is_no_guest(
    world: World, clock: ManualClock, ann: Person, bob: Person, gus: Person, project: Community
):
    await gus.client.do(do.LEAVE, communityId=gid(project))
    clock.advance(days=14)
    async with nothing_happens(world.service):
        for person in (gus, bob):
            over: dict[str, Any] = {"memberId": person.id, "staysUntil": until(world), "communityId": gid(project)}
            assert await answer(ann.client, do.TAKE_OVER_GUEST, **over) == "N"


async def test_who_is_in_grace_comes_back_by_an_invitation_too(
    world: World, ann: Person, gus: Person, project: Community
):
    await gus.client.do(do.LEAVE, communityId=gid(project))
    input = {"email": gus.account.email, "purpose": "Again", "staysUntil": until(world)}
    token = (await ann.client.do(do.INVITE_GUEST, communityId=gid(project), input=input))["token"]
    assert await answer(gus.client, do.ACCEPT_INVITATION, token=token) == "Y"
    member = await world.fresh(gus.member)
    assert (member.state, member.sponsor_id, member.purpose) == (MemberState.ACTIVE, ann.member.id, "Again")
    assert (member.ended_at, member.ended_reason) == (None, None)


async def test_a_guest_is_not_taken_along_by_who_manages_nothing_of_theirs(
    world: World, ann: Person, bob: Person, gus: Person, project: Community
):
    """They would get back, or keep, what is others' to give."""
    mine = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    over: dict[str, Any] = {"memberId": gus.id, "staysUntil": until(world), "communityId": gid(mine)}
    rule = "guests_are_taken_over_by_those_who_manage_their_community"
    for state in (MemberState.ACTIVE, MemberState.GRACE):
        await world.change(gus.member, state=state)
        async with nothing_happens(world.service):
            assert (await bob.client.problem(do.TAKE_OVER_GUEST, **over))["rule"] == rule
    await world.change(project, state=CommunityState.ARCHIVED)
    del over["communityId"]
    assert await answer(ann.client, do.TAKE_OVER_GUEST, **over) == "Y"
