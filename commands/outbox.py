"""The outbox: what is to leave by e-mail, and what has become of it."""

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Annotated
from uuid import UUID

import typer

from commands import checks, settings
from commands.console import fail, say
from commands.means import lent
from models import Letter
from resolvers import letters
from resolvers.context import Context
from server import Settings

app = typer.Typer(name="outbox", help="Look at the letters: what waits, what was sent, what was refused.")


@app.command("list")
def every() -> None:
    """Print the letters of the last week, the newest first. What they say is not told."""
    for letter in asyncio.run(_every(settings.read())):
        tried = f" after {letter.tries} tries" if letter.tries > 1 else ""
        state = letter.state.lower() + tried + (f" ({letter.reason})" if letter.reason else "")
        say(f"{letter.id}  {letter.created_at:%Y-%m-%d %H:%M:%S}  {letter.template:14}  {letter.email}  {state}")


@app.command()
def show(letter_id: Annotated[UUID, typer.Argument(metavar="ID", help="The letter's id, as `list` tells it.")]) -> None:
    """Print a letter as it would have been sent. In development only: letters hold what signs one in."""
    known = settings.read()
    if not known.is_development:
        fail("A letter can be read in development only.")
    letter = asyncio.run(_open(known, letter_id))
    if letter is None:
        fail("There is no such letter in the outbox. One that waits comes into it when the service runs.")
    for name in ("From", "To", "Date", "Subject"):
        say(f"{name}: {letter[name]}")
    body = letter.get_body(("plain",))
    say(f"\n{body.get_content().strip() if body else ''}")


async def _every(known: Settings) -> Sequence[Letter]:
    await checks.demand(known)
    async with lent(known) as means:
        return await letters.recent(Context(means))


async def _open(known: Settings, letter_id: UUID) -> EmailMessage | None:
    await checks.demand(known)
    async with lent(known) as means:
        return await letters.opened(Context(means), letter_id)
