"""Networks that one belongs to."""

from collections.abc import Sequence

from sqlmodel import col

from models import Network
from resolvers import policy
from resolvers.context import Context


async def of_viewer(ctx: Context) -> Sequence[Network]:
    async with ctx.reading() as db:
        return await db.all(db.select(policy.see_network).order_by(col(Network.name), col(Network.id)))
