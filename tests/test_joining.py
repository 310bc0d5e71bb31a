"""Joining a community: asked, invited, admitted, counted."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from models import Admits, CommunityRole, JoinPolicy, Kind, MemberKind, MembershipState, NetworkRole, Visibility
from resolvers import policy
from schema.base import global_id
from tests import documents as do
from tests.invited import guest_input
from tests.memberships import head_count, membership_of, state_of
from tests.tables import table
from tests.traces import answer, changes, whole
from tests.unchanged import nothing_happens
from tests.world import Person, World, gid

REQUEST = JoinPolicy.REQUEST
INTERNALS, GUESTS, EXTERNALS = Admits


# --- joined ---------------------------------------------------------------------------------------------------------


async def test_joining_an_open_community_counts_one_head_and_leaving_takes_it_away(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    assert (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "N"
    assert (await bob.client.do(do.LEAVE, communityId=gid(community)))["membership"]["state"] == "LEFT"
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "N"
    assert (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2


async def test_a_request_waits_for_a_manager_and_counts_no_head(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, join_policy=REQUEST)
    asked = (await bob.client.do(do.JOIN, communityId=gid(community)))["membership"]
    assert asked["state"] == "REQUESTED"
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.APPROVE_MEMBERSHIP, membershipId=asked["id"]) == "N"
        assert await answer(bob.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "N"
    approved = (await ann.client.do(do.APPROVE_MEMBERSHIP, membershipId=asked["id"]))["membership"]
    assert approved == {"id": asked["id"], "state": "ACTIVE"}
    assert await head_count(world, community) == 2
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=asked["id"]) == "CONFLICT"


async def test_a_request_can_be_taken_back_or_turned_down(world: World):
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    community = await world.community(owner=ann, join_policy=REQUEST)
    for person in (bob, cyd):
        await person.client.do(do.JOIN, communityId=gid(community))
    await bob.client.do(do.DECLINE_MEMBERSHIP, communityId=gid(community))
    turned_down = await membership_of(world, community, cyd)
    assert turned_down
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(turned_down))
    assert await state_of(world, community, bob) is MembershipState.LEFT
    assert await state_of(world, community, cyd) is MembershipState.REMOVED
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.DECLINE_MEMBERSHIP, communityId=gid(community)) == "CONFLICT"


@table(policy.accept_membership)
@pytest.mark.parametrize("state", list(MembershipState))
async def test_only_who_is_invited_can_accept(world: World, state: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=state)
    if state is MembershipState.INVITED:
        assert await answer(bob.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "Y"
        assert await head_count(world, community) == 2
    else:
        async with nothing_happens(world.service):
            assert await answer(bob.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "N"


@pytest.mark.parametrize("visibility", list(Visibility))
async def test_an_invitation_is_for_the_member_to_accept_and_brings_its_roles(world: World, visibility: Visibility):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, visibility=visibility)
    invited = {"memberId": bob.id, "roles": ["PRESENTER", "MANAGER"]}
    await ann.client.do(do.INVITE, communityId=gid(community), input=invited)
    assert await head_count(world, community) == 1
    membership = await membership_of(world, community, bob)
    assert membership
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(bob.client, do.UPDATE_COMMUNITY, communityId=gid(community), input={"name": "Mine"}) == "N"
    accepted = (await bob.client.do(do.ACCEPT_MEMBERSHIP, communityId=gid(community)))["membership"]
    assert (accepted["state"], accepted["roles"]) == ("ACTIVE", ["MEMBER", "PRESENTER", "MANAGER"])
    assert await head_count(world, community) == 2


async def test_an_invitation_can_be_declined_or_taken_back(world: World):
    ann, bob, cyd = [await world.person(name) for name in ("Ann", "Bob", "Cyd")]
    community = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    for person in (bob, cyd):
        await ann.client.do(do.INVITE, communityId=gid(community), input={"memberId": person.id})
    await bob.client.do(do.DECLINE_MEMBERSHIP, communityId=gid(community))
    taken_back = await membership_of(world, community, cyd)
    assert taken_back
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(taken_back))
    async with nothing_happens(world.service):
        for person in (bob, cyd):
            assert await answer(person.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "-"
            assert await person.client.refused(do.COMMUNITY, id=gid(community)) == "NOT_FOUND"
    assert await head_count(world, community) == 1


async def test_inviting_somebody_who_asked_lets_them_in(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann, join_policy=REQUEST)
    await bob.client.do(do.JOIN, communityId=gid(community))
    invited = await ann.client.do(do.INVITE, communityId=gid(community), input={"memberId": bob.id})
    assert invited["membership"]["state"] == "ACTIVE"
    assert await head_count(world, community) == 2


@pytest.mark.parametrize(
    ("admits", "kind", "roles", "answered"),
    [
        (INTERNALS, MemberKind.INTERNAL, [], "Y"),
        (INTERNALS, MemberKind.GUEST, [], "N"),
        (INTERNALS, MemberKind.EXTERNAL, [], "N"),
        (GUESTS, MemberKind.INTERNAL, ["MANAGER"], "Y"),
        (GUESTS, MemberKind.GUEST, [], "Y"),
        (GUESTS, MemberKind.GUEST, ["PRESENTER"], "Y"),
        (GUESTS, MemberKind.GUEST, ["RESPONDER"], "N"),
        (GUESTS, MemberKind.GUEST, ["MANAGER"], "N"),
        (GUESTS, MemberKind.GUEST, ["OWNER"], "N"),
        (GUESTS, MemberKind.EXTERNAL, [], "N"),
        (EXTERNALS, MemberKind.EXTERNAL, [], "Y"),
        (EXTERNALS, MemberKind.EXTERNAL, ["PRESENTER"], "Y"),
        (EXTERNALS, MemberKind.EXTERNAL, ["OWNER"], "N"),
        (EXTERNALS, MemberKind.EXTERNAL, ["RESPONDER"], "N"),
        (EXTERNALS, MemberKind.GUEST, [], "Y"),
    ],
)
async def test_a_community_admits_whom_it_is_for(
    world: World, admits: Admits, kind: MemberKind, roles: list[str], answered: str
):
    ann, other = await world.person("Ann"), await world.person("Other", kind)
    community = await world.community(owner=ann, admits=admits, visibility=Visibility.PRIVATE)
    invited = {"communityId": gid(community), "input": {"memberId": other.id, "roles": roles}}
    if answered == "Y":
        assert await answer(ann.client, do.INVITE, **invited) == "Y"
        assert await state_of(world, community, other) is MembershipState.INVITED
    else:
        async with nothing_happens(world.service):
            assert (await ann.client.problem(do.INVITE, **invited))["rule"] == "not_admitted_here"


async def test_a_guest_who_presents_is_not_made_more(world: World):
    ann, guest = await world.person("Ann"), await world.person("Gus", MemberKind.GUEST)
    community = await world.community(owner=ann, admits=GUESTS, visibility=Visibility.PRIVATE)
    membership = await world.belong(guest, community)
    await ann.client.do(do.CHANGE_ROLES, membershipId=gid(membership), roles=["PRESENTER"])
    async with nothing_happens(world.service):
        for role in ("RESPONDER", "MANAGER", "OWNER"):
            problem = await ann.client.problem(do.CHANGE_ROLES, membershipId=gid(membership), roles=[role])
            assert problem["rule"] == "not_admitted_here"


async def test_nobody_is_invited_out_of_sight_or_out_of_the_network(world: World):
    ann = await world.person("Ann")
    community = await world.community(owner=ann)
    elsewhere = await World.make(world.service, "Elsewhere")
    stranger = await elsewhere.person("Stranger")
    async with nothing_happens(world.service):
        answers = [
            await whole(ann.client, do.INVITE, communityId=gid(community), input={"memberId": id})
            for id in (stranger.id, str(global_id("Member", uuid4())), gid(community))
        ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]["inviteToCommunity"]["problems"][0]["code"] == "NOT_FOUND"


# --- guests add nobody ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MemberKind.GUEST, MemberKind.EXTERNAL])
async def test_an_outsider_adds_nobody_on_any_path_whatever_role_a_row_may_give(world: World, kind: MemberKind):
    owner, outsider = await world.person("Owner"), await world.person("Gus", kind, NetworkRole.ADMIN)
    bob, cyd, plain = [await world.person(name) for name in ("Bob", "Cyd", "Plain")]
    community = await world.community(owner=owner, admits=EXTERNALS, visibility=Visibility.PRIVATE)
    await world.belong(outsider, community, CommunityRole.OWNER | CommunityRole.MANAGER)
    asked = await world.belong(cyd, community, state=MembershipState.REQUESTED)
    belongs = await world.belong(plain, community)
    shared = await world.community(owner=owner, admits=EXTERNALS)
    for person in (outsider, bob):
        await world.belong(person, shared)
    added = {"email": "new@example.com", "communityId": gid(community)}
    paths: list[tuple[str, dict[str, Any], str]] = [
        (do.INVITE, {"communityId": gid(community), "input": {"memberId": bob.id}}, "guests_may_not_invite"),
        (do.APPROVE_MEMBERSHIP, {"membershipId": gid(asked)}, "guests_may_not_invite"),
        (do.CHANGE_ROLES, {"membershipId": gid(belongs), "roles": ["PRESENTER"]}, "guests_may_not_invite"),
        (do.CREATE_COMMUNITY, {"networkId": gid(world.network), "input": {"name": "Mine"}}, "create_community"),
        (do.ADD_MEMBER, {"networkId": gid(world.network), "input": added}, "administer_network"),
        (do.INVITE_GUEST, {"communityId": gid(community), "input": guest_input(world)}, "invite_guest"),
    ]
    async with nothing_happens(world.service):
        for document, arguments, rule in paths:
            problem = await outsider.client.problem(document, **arguments)
            assert (problem["code"], problem["rule"]) == ("FORBIDDEN", rule), document


# --- at once -------------------------------------------------------------------------------------------------------


async def test_heads_are_counted_right_when_twenty_join_and_leave_at_once(world: World):
    owner = await world.person("Owner")
    people = [await world.person(f"P{n}") for n in range(20)]
    community = await world.community(owner=owner)

    async def come_and_go(person: Person, stays: bool) -> None:
        await person.client.do(do.JOIN, communityId=gid(community))
        await person.client.do(do.LEAVE, communityId=gid(community))
        if stays:
            await person.client.do(do.JOIN, communityId=gid(community))

    async with asyncio.timeout(60):
        await asyncio.gather(*(come_and_go(person, bool(n % 2)) for n, person in enumerate(people)))
    assert await head_count(world, community) == 11


async def test_joining_many_times_at_once_is_joining_once(world: World):
    owner, bob = await world.person("Owner"), await world.person("Bob")
    community = await world.community(owner=owner)
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(answer(bob.client, do.JOIN, communityId=gid(community)) for _ in range(10)))
    assert await head_count(world, community) == 2
    assert answers.count("Y") >= 1
    announced = await changes(world.service)
    assert [found.kind for found in announced if found.kind is Kind.COUNTERS] == [Kind.COUNTERS]


async def test_who_belongs_learns_that_rights_have_changed(world: World):
    """Each change of a membership is announced as one of rights, to that person alone; the head count to all."""
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await bob.client.do(do.JOIN, communityId=gid(community))
    rights, heads = await changes(world.service)
    assert (rights.kind, rights.noun, heads.kind, heads.noun) == (Kind.RIGHTS, "Membership", Kind.COUNTERS, "Community")
    assert all(bob.principal_id.hex in topic for topic in rights.topics)
    assert heads.topics == [f"activity:{community.id.hex}"]
