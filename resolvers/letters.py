"""Letters: written with what causes them, in the same transaction; asked again, just before they leave, if they may."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid4

from sqlmodel import col

from models import Letter, LetterState
from resolvers import stationery
from resolvers.cipher import Cipher
from resolvers.context import Context, Means
from resolvers.session import Transaction

Facts = Mapping[str, Any]
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Occasion:
    """Why one writes; the templates have its name. `lasts` is for how long anybody wants the letter.

    `is_wanted` is asked each time before it is handed over: whether its reader may still know what it says. It may make
    what the letter promises; of that a retry must find the same.
    """

    name: str
    lasts: timedelta
    is_wanted: Callable[[Context, Letter, Facts], Awaitable[bool]]

    def __post_init__(self) -> None:
        OCCASIONS[self.name] = self


OCCASIONS: dict[str, Occasion] = {}


async def post(
    tx: Transaction,
    means: Means,
    occasion: Occasion,
    *,
    to: str,
    about_id: UUID | None = None,
    locale: str | None = None,
    once: UUID | None = None,
    **facts: Any,
) -> None:
    """It leaves if the transaction is committed, and only then. `facts` are for the template, as JSON can hold them.

    `once` is the letter's id where it may be written again but must not be sent again.
    """
    id, expires_at = once or uuid4(), tx.now + occasion.lasts
    known = {"expires_at": expires_at.isoformat(), **facts}
    letter = Letter(
        id=id,
        template=occasion.name,
        locale=stationery.nearest(locale or means.letterhead.locale),
        email=to,
        about_id=about_id,
        sealed=means.cipher.seal_json(_purpose(id), known),
        due_at=tx.now,
        expires_at=expires_at,
    )
    await tx.add_once(letter)


async def compose(means: Means, letter: Letter) -> EmailMessage | None:
    """The message; None if nobody wants it any more."""
    occasion, facts = OCCASIONS[letter.template], _facts(means.cipher, letter)
    if not await occasion.is_wanted(Context(means), letter, facts):
        return None
    return stationery.written(means.letterhead, letter, facts)


async def recent(ctx: Context) -> Sequence[Letter]:
    """The letters of a week, the newest first. For whoever operates the service."""
    async with ctx.reading() as db:
        return await db.find_all(Letter, col(Letter.created_at) > db.now - WEEK, order=col(Letter.created_at).desc())


async def opened(ctx: Context, letter_id: UUID) -> EmailMessage | None:
    """A letter of the outbox of development, as it would have been sent; None if there is no such letter in it."""
    async with ctx.reading() as db:
        letter = await db.find(Letter, Letter.id == letter_id, Letter.state == LetterState.KEPT)
    if letter is None:
        return None
    return stationery.written(ctx.means.letterhead, letter, _facts(ctx.means.cipher, letter))


def _facts(cipher: Cipher, letter: Letter) -> Facts:
    facts: Facts = cipher.open_json(_purpose(letter.id), letter.sealed or b"")
    return facts


def _purpose(letter_id: UUID) -> str:
    """What is sealed for one letter opens no other."""
    return f"letter:{letter_id.hex}"
