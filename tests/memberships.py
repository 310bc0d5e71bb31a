"""Who belongs to a community, as its rows say."""

from sqlmodel import col, select

from models import Community, Membership, MembershipState
from tests.world import Person, World


async def membership_of(world: World, community: Community, person: Person) -> Membership | None:
    async with world.service.database.read() as session:
        mine = (col(Membership.community_id) == community.id, col(Membership.member_id) == person.member.id)
        return (await session.scalars(select(Membership).where(*mine))).one_or_none()


async def state_of(world: World, community: Community, person: Person) -> MembershipState | None:
    membership = await membership_of(world, community, person)
    return membership.state if membership else None


async def head_count(world: World, community: Community) -> int:
    """The head count, which must be what counting heads gives."""
    async with world.service.database.read() as session:
        active = (col(Membership.community_id) == community.id, col(Membership.state) == MembershipState.ACTIVE)
        heads = len((await session.scalars(select(Membership).where(*active))).all())
    assert (await world.fresh(community)).member_count == heads
    return heads
