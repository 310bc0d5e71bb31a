"""Two at once, forced: what the second decided before it waited must not count."""

import pytest
from sqlmodel import col, select

from models import Admits, Community, Member, Membership, MembershipState, MemberState, NetworkRole, Visibility
from tests import documents as do
from tests.invited import guest_input, guest_invited, guest_of
from tests.queues import holding
from tests.traces import count
from tests.world import Person, World, gid


@pytest.fixture
async def admin(world: World) -> Person:
    return await world.person("Admin", role=NetworkRole.OWNER)


@pytest.fixture
async def bob(world: World) -> Person:
    return await world.person("Bob")


async def standing(world: World, person: Person, community: Community) -> tuple[str | None, int]:
    """The person's membership, and how many heads the community counts."""
    async with world.service.database.read() as session:
        mine = (col(Membership.community_id) == community.id, col(Membership.member_id) == person.member.id)
        state = await session.scalar(select(Membership.state).where(*mine))
    return state, (await world.fresh(community)).member_count


@pytest.mark.parametrize("is_disabled_first", [True, False], ids=["disabled first", "disabled second"])
@pytest.mark.parametrize("how", ["leaves", "is removed", "is banned"])
async def test_a_membership_that_ends_twice_at_once_is_counted_once(world: World, admin, bob, how, is_disabled_first):
    community = await world.community(owner=admin)
    membership = await world.belong(bob, community)

    def disabled():
        return admin.client.payload(do.DISABLE, memberId=bob.id)

    def ended():
        if how == "leaves":
            return bob.client.payload(do.LEAVE, communityId=gid(community))
        return admin.client.payload(do.REMOVE_MEMBERSHIP, membershipId=gid(membership), ban=how == "is banned")

    order = (disabled, ended) if is_disabled_first else (ended, disabled)
    async with holding(world, Community) as start:
        first, second = [await start(work()) for work in order]
    done = {work: await running for work, running in zip(order, (first, second), strict=True)}
    assert done[disabled]["problems"] == []
    state, heads = await standing(world, bob, community)
    assert heads == 1
    allowed = {"leaves": {"LEFT"}, "is removed": {"LEFT", "REMOVED"}, "is banned": {"LEFT", "BANNED"}}
    assert state in allowed[how]


BEFORE = {"accepts": MembershipState.INVITED, "is approved": MembershipState.REQUESTED}


@pytest.mark.parametrize("how", ["joins", "accepts", "is invited", "is approved", "makes one"])
async def test_who_is_being_disabled_enters_nothing_meanwhile(world: World, admin, bob, how):
    here, there = [await world.community(owner=admin) for _ in range(2)]
    await world.belong(bob, here)
    asked = await world.belong(bob, there, state=BEFORE.get(how, MembershipState.LEFT))
    invited = {"memberId": bob.id, "roles": []}
    entering = {
        "joins": lambda: bob.client.payload(do.JOIN, communityId=gid(there)),
        "accepts": lambda: bob.client.payload(do.ACCEPT_MEMBERSHIP, communityId=gid(there)),
        "is invited": lambda: admin.client.payload(do.INVITE, communityId=gid(there), input=invited),
        "is approved": lambda: admin.client.payload(do.APPROVE_MEMBERSHIP, membershipId=gid(asked)),
        "makes one": lambda: bob.client.payload(
            do.CREATE_COMMUNITY, networkId=gid(world.network), input={"name": "Bob's"}
        ),
    }
    async with holding(world, Community, Community.id == here.id) as start:
        disabled = await start(admin.client.payload(do.DISABLE, memberId=bob.id))
        entered = await start(entering[how]())
    assert (await disabled)["problems"] == []
    assert (await entered)["problems"] != []
    standings = col(Membership.state).in_((MembershipState.ACTIVE, MembershipState.INVITED))
    assert await count(world.service, Membership, col(Membership.member_id) == bob.member.id, standings) == 0
    assert (await world.fresh(there)).member_count == 1


async def test_disabling_one_member_does_not_stand_in_the_way_of_another_who_joins(world: World, admin, bob):
    ann, community = await world.person("Ann"), await world.community(owner=admin)
    await world.belong(bob, community)
    async with holding(world, Community) as start:
        joined = await start(ann.client.payload(do.JOIN, communityId=gid(community)))
        disabled = await start(admin.client.payload(do.DISABLE, memberId=bob.id))
    assert (await joined)["problems"] == (await disabled)["problems"] == []
    assert (await world.fresh(community)).member_count == 2


async def test_who_has_left_the_network_is_not_invited(world: World, admin, bob):
    """An invitation from meanwhile would be something to come back to."""
    community = await world.community(owner=admin)
    await admin.client.do(do.DISABLE, memberId=bob.id)
    invited = {"memberId": bob.id, "roles": ["MANAGER"]}
    problem = await admin.client.problem(do.INVITE, communityId=gid(community), input=invited)
    assert problem["code"] == "CONFLICT"
    assert (await standing(world, bob, community))[0] is None


@pytest.mark.parametrize("how", ["redeems", "is taken over"])
async def test_whose_sponsor_is_being_disabled_is_in_grace(world: World, admin, bob, how):
    """A guest who comes meanwhile is a guest of the one who goes."""
    here = await world.community(owner=bob, admits=Admits.GUESTS, visibility=Visibility.PRIVATE)
    if how == "redeems":
        stranger = await (await World.make(world.service, "Elsewhere")).person("Stranger")
        _, token = await guest_invited(world, bob, here, stranger.account.email)
        coming = stranger.client.payload(do.ACCEPT_INVITATION, token=token)
    else:
        stranger = await guest_of(world, bob, here)
        await stranger.client.do(do.LEAVE, communityId=gid(here))
        await world.change(stranger.member, sponsor_id=admin.member.id)
        over = {"memberId": stranger.id, "staysUntil": guest_input(world)["staysUntil"], "communityId": gid(here)}
        coming = bob.client.payload(do.TAKE_OVER_GUEST, **over)
    async with holding(world, Community, Community.id == here.id) as start:
        come = await start(coming)
        disabled = await start(admin.client.payload(do.DISABLE, memberId=bob.id))
    assert (await come)["problems"] == (await disabled)["problems"] == []
    guests = (col(Member.principal_id) == stranger.principal_id, col(Member.network_id) == world.network.id)
    assert await count(world.service, Member, *guests, col(Member.state) == MemberState.GRACE) == 1
