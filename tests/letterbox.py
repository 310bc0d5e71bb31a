"""Letters as their readers get them: those that the outbox of development keeps."""

import re
from email.message import EmailMessage

from sqlmodel import col, select

from models import Letter
from resolvers import letters
from resolvers.context import Context
from server import Service

TOKEN = re.compile(r"plenary_\w+?_[\w-]{43}")


async def rows(service: Service) -> list[Letter]:
    """The oldest first."""
    async with service.database.read() as session:
        return list(await session.scalars(select(Letter).order_by(col(Letter.created_at), col(Letter.id))))


async def arrived(service: Service) -> list[EmailMessage]:
    """All that has arrived so far."""
    while await service.post.deliver():
        pass
    found = [await letters.opened(Context(service.means), letter.id) for letter in await rows(service)]
    return [letter for letter in found if letter]


def text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def token(letter: EmailMessage) -> str:
    (found,) = TOKEN.findall(text(letter))
    return str(found)
