"""Guests: outsiders for whom a colleague vouches, for a purpose and until a moment (table D4)."""

from datetime import datetime, timedelta
from uuid import UUID

from models import Network
from resolvers.errors import Flaw, Invalid
from resolvers.session import Transaction


async def check_stay(tx: Transaction, network_id: UUID, until: datetime | None, *, field: str) -> None:
    """A guest goes at a moment, and not later than the network lets guests stay."""
    most: int = await tx.find(Network.guest_days_most, Network.id == network_id)
    if until is None or not tx.now < until <= tx.now + timedelta(days=most):
        raise Invalid(Flaw(f"A guest stays until a moment within the next {most} days.", ("input", field)))
