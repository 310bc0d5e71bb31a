"""Networks that one belongs to, and their settings."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import col

from models import Attendance, Kind, Member, Network, OutsiderTier
from realtime import topics
from resolvers import policy
from resolvers.context import Context
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
    guest_days_most: int | None = None,
) -> Network:
    """In which time its events are told, what those get of them who do not attend, and how long guests are let in."""
    with form() as check:
        time_zone = check.optional(check.time_zone, "timeZone", time_zone)
        days = check.optional(check.number, "guestDaysMost", guest_days_most, least=1, most=GUEST_DAYS_MOST)
    async with ctx.transaction() as tx:
        network = await tx.get(policy.administer_network, network_id)
        network.time_zone = network.time_zone if time_zone is None else time_zone
        network.guest_days_most = network.guest_days_most if days is None else days
        if outsider_tier is not None and outsider_tier is not network.outsider_tier:
            network.outsider_tier = outsider_tier
            await _tell_outsiders(tx, network)
        return tx.answer(network)


async def _tell_outsiders(tx: Transaction, network: Network) -> None:
    """What they may see has changed everywhere in the network."""
    outside = (Member.network_id == network.id, Member.attendance == Attendance.NONE)
    outsiders = await tx.find_all(Member, *outside, policy.is_here(Member, tx.now))
    if outsiders:
        tx.announce([topics.person(member.principal_id) for member in outsiders], Kind.RIGHTS, network)
