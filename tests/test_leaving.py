"""Leaving a community, by oneself or put out; and the owner who stays."""

import asyncio

import pytest

from models import CommunityRole, JoinPolicy, MembershipState, MemberState, NetworkRole
from resolvers import policy
from tests import documents as do
from tests.memberships import head_count, membership_of, state_of
from tests.tables import table
from tests.traces import answer
from tests.unchanged import nothing_happens
from tests.world import World, gid

REQUEST = JoinPolicy.REQUEST
BAN = {"ban": True}


@table(policy.leave_community)
@pytest.mark.parametrize("state", list(MembershipState))
async def test_only_who_belongs_can_leave(world: World, state: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=state)
    if state is MembershipState.ACTIVE:
        assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "Y"
        assert await head_count(world, community) == 1
    else:
        async with nothing_happens(world.service):
            assert await answer(bob.client, do.LEAVE, communityId=gid(community)) == "N"


# --- removed and banned --------------------------------------------------------------------------------------------


async def test_who_is_removed_loses_everything_at_once_and_may_come_back_where_joining_is_open(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, CommunityRole.PRESENTER)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    removed = await world.fresh(membership)
    assert (removed.state, removed.roles) == (MembershipState.REMOVED, CommunityRole.MEMBER)
    assert await head_count(world, community) == 1
    assert await answer(bob.client, do.CREATE_TOPIC, communityId=gid(community), input={"title": "x"}) == "N"
    await bob.client.do(do.JOIN, communityId=gid(community))
    assert (await world.fresh(membership)).roles == CommunityRole.MEMBER


@pytest.mark.parametrize("before", [MembershipState.ACTIVE, MembershipState.REQUESTED, MembershipState.LEFT])
async def test_who_is_banned_stays_out_on_every_path(world: World, before: MembershipState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, state=before)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership), **BAN)
    assert (await world.fresh(membership)).state is MembershipState.BANNED
    assert await head_count(world, community) == 1
    async with nothing_happens(world.service):
        assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "N"
        assert await answer(bob.client, do.ACCEPT_MEMBERSHIP, communityId=gid(community)) == "N"
        assert await answer(bob.client, do.DECLINE_MEMBERSHIP, communityId=gid(community)) == "CONFLICT"
        invited = {"communityId": gid(community), "input": {"memberId": bob.id}}
        assert await answer(ann.client, do.INVITE, **invited) == "CONFLICT"
        assert await answer(ann.client, do.APPROVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(ann.client, do.CHANGE_ROLES, membershipId=gid(membership), roles=[]) == "CONFLICT"


async def test_who_is_banned_does_not_come_back_by_an_invitation_into_the_network(world: World):
    ann, bob = await world.person("Ann", role=NetworkRole.OWNER), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, state=MembershipState.BANNED)
    await world.change(bob.member, state=MemberState.LEFT)
    into = {"email": bob.account.email, "communityId": gid(community)}
    token = (await ann.client.do(do.ADD_MEMBER, networkId=gid(world.network), input=into))["token"]
    await bob.client.payload(do.ACCEPT_INVITATION, token=token)
    assert await state_of(world, community, bob) is MembershipState.BANNED
    assert await head_count(world, community) == 1


async def test_a_ban_is_lifted_by_a_manager(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    membership = await world.belong(bob, community, state=MembershipState.BANNED)
    await ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))
    assert await answer(bob.client, do.JOIN, communityId=gid(community)) == "Y"


# --- an owner stays ------------------------------------------------------------------------------------------------


async def test_the_last_owner_can_neither_leave_nor_be_removed_nor_give_the_role_away(world: World):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, CommunityRole.MANAGER)
    membership = await membership_of(world, community, ann)
    assert membership
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "CONFLICT"
        assert await answer(ann.client, do.REMOVE_MEMBERSHIP, membershipId=gid(membership)) == "CONFLICT"
        assert await answer(ann.client, do.CHANGE_ROLES, membershipId=gid(membership), roles=["MANAGER"]) == "CONFLICT"
    theirs = await membership_of(world, community, bob)
    assert theirs
    await ann.client.do(do.CHANGE_ROLES, membershipId=gid(theirs), roles=["OWNER"])
    assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "Y"


@pytest.mark.parametrize("state", [MemberState.DISABLED, MemberState.LEFT])
async def test_an_owner_who_has_left_the_network_does_not_count(world: World, state: MemberState):
    ann, bob = await world.person("Ann"), await world.person("Bob")
    community = await world.community(owner=ann)
    await world.belong(bob, community, CommunityRole.OWNER)
    await world.change(bob.member, state=state)
    async with nothing_happens(world.service):
        assert await answer(ann.client, do.LEAVE, communityId=gid(community)) == "CONFLICT"


async def test_of_owners_who_leave_at_once_one_stays(world: World):
    owners = [await world.person(f"Owner-{n}") for n in range(5)]
    community = await world.community()
    for owner in owners:
        await world.belong(owner, community, CommunityRole.OWNER)
    leaving = (answer(owner.client, do.LEAVE, communityId=gid(community)) for owner in owners)
    answers = await asyncio.gather(*leaving)
    assert sorted(answers) == ["CONFLICT", "Y", "Y", "Y", "Y"]
    assert await head_count(world, community) == 1


async def test_a_ban_holds_against_a_join_that_comes_at_once(world: World):
    owner = await world.person("Owner")
    people = [await world.person(f"P{n}") for n in range(10)]
    community = await world.community(owner=owner, join_policy=REQUEST)
    asked = [await world.belong(person, community, state=MembershipState.REQUESTED) for person in people]
    banning = [answer(owner.client, do.REMOVE_MEMBERSHIP, membershipId=gid(row), **BAN) for row in asked]
    joining = [answer(person.client, do.JOIN, communityId=gid(community)) for person in people]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(attempt for pair in zip(banning, joining, strict=True) for attempt in pair))
    assert answers[::2] == ["Y"] * 10
    assert {await state_of(world, community, person) for person in people} == {MembershipState.BANNED}
