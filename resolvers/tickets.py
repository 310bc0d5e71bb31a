"""Tickets: what is in an attendee's QR code, signed with a key of the network's own."""

import hmac
from uuid import UUID

from models import Attendee
from resolvers.cipher import Cipher, from_text, to_text
from resolvers.session import Reader

PREFIX = "plenary_ticket_"
ID, PROOF = 16, 16  # bytes


def issue(cipher: Cipher, attendee: Attendee) -> str:
    """The attendee's good ticket, always the same until another one is issued."""
    return PREFIX + to_text(attendee.id.bytes + _proof(cipher, attendee))


async def holder(db: Reader, cipher: Cipher, ticket: str) -> Attendee | None:
    """Whose good ticket it is."""
    try:
        content = from_text(ticket.strip().removeprefix(PREFIX))
    except ValueError:
        return None
    if len(content) != ID + PROOF:
        return None
    attendee = await db.find(Attendee, Attendee.id == UUID(bytes=content[:ID]))
    is_good = attendee is not None and hmac.compare_digest(content[ID:], _proof(cipher, attendee))
    return attendee if is_good else None


def _proof(cipher: Cipher, attendee: Attendee) -> bytes:
    """Of the last ticket alone: those before it are void."""
    content = attendee.id.bytes + attendee.ticket_no.to_bytes(8)
    return cipher.sign(f"ticket:{attendee.network_id.hex}", content)[:PROOF]
