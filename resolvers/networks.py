"""Networks that one belongs to, and their settings."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col

from models import Admits, Attendance, Community, Kind, Member, Network, OutsiderTier
from realtime import topics
from resolvers import combinations, policy
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.form import form
from resolvers.session import Transaction

GUEST_DAYS_MOST = 366


async def of_viewer(ctx: Context) -> Sequence[Network]:
    async with ctx.reading() as db:
        return await db.all(db.select(policy.see_network).order_by(col(Network.name), col(Network.id)))


async def update(
    ctx: Context,
    network_id: UUID,
    *,
    time_zone: str | None,
    outsider_tier: OutsiderTier | None,
    name: str | None = None,
    hybrid: bool | None = None,
    guest_days_most: int | None = None,
) -> Network:
    """What it is called, whom its communities may admit, in which time it is told of, and what outsiders get of it."""
    with form() as check:
        time_zone = check.optional(check.time_zone, "timeZone", time_zone)
        name = check.optional(check.text, "name", name, most=100)
        days = check.optional(check.number, "guestDaysMost", guest_days_most, least=1, most=GUEST_DAYS_MOST)
    async with ctx.transaction() as tx:
        network = await tx.get(policy.administer_network, network_id)
        network.time_zone = network.time_zone if time_zone is None else time_zone
        network.name = network.name if name is None else name
        network.hybrid = await _hybrid(tx, network, becomes=hybrid)
        network.guest_days_most = network.guest_days_most if days is None else days
        if outsider_tier is not None and outsider_tier is not network.outsider_tier:
            network.outsider_tier = outsider_tier
            await _tell_outsiders(tx, network)
        return tx.answer(network)


async def _hybrid(tx: Transaction, network: Network, *, becomes: bool | None) -> bool:
    """A network stays hybrid for as long as it has communities that would be at home in no other."""
    if becomes is False and network.hybrid:
        network.hybrid = False
        strange = [admits for admits in Admits if not combinations.is_at_home(network, admits)]
        if await tx.find(Community.id, Community.network_id == network.id, col(Community.admits).in_(strange)):
            raise Conflict("There are communities here that admit guests or externals.")
    return network.hybrid if becomes is None else becomes


async def _tell_outsiders(tx: Transaction, network: Network) -> None:
    """What they may see has changed everywhere in the network."""
    outside = (Member.network_id == network.id, Member.attendance == Attendance.NONE)
    outsiders = await tx.find_all(Member, *outside, policy.is_here(Member, tx.now))
    if outsiders:
        tx.announce([topics.person(member.principal_id) for member in outsiders], Kind.RIGHTS, network)
