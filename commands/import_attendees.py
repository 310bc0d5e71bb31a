"""Put attendees on the list of an event, out of a CSV file."""

import asyncio
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands import checks, settings
from commands.console import errors, fail
from commands.means import lent
from models import Account, Network
from resolvers import exports, rosters
from resolvers.context import Context
from resolvers.errors import Conflict, DomainError, Forbidden, NotFound
from resolvers.rosters import Line
from server import Settings

BAD_INPUT = 2
COLUMNS = ("line", "email", "outcome", "message", "sign_in_token", "ticket")


def import_attendees(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8 with the columns name, email[, attendance].")],
    network: Annotated[str, typer.Option(help="The name of the event's network.")],
    organiser: Annotated[
        str, typer.Option("--as", help="The e-mail of the account that imports: an administrator of the network.")
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of each line; store nothing.")] = (
        False
    ),
) -> None:
    """Put attendees on the list, and print for each line what has become of it, as CSV.

    Somebody new gets a token for a link that signs in once, and a ticket for the QR code on the badge: keep what is
    printed to yourself. Done again, only what the file has changed is changed.
    """
    known = settings.read()
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        fail(f"{file}: {error.strerror or error}.", code=BAD_INPUT)
    except UnicodeDecodeError as error:
        fail(f"{file}: not in UTF-8, at byte {error.start + 1}.", code=BAD_INPUT)
    asyncio.run(checks.demand(known))
    try:
        report = asyncio.run(_import(known, text, network.strip(), organiser.strip().lower(), dry_run=dry_run))
    except (Forbidden, NotFound):
        fail(f"{organiser} does not administer {network}.", code=BAD_INPUT)
    except DomainError as error:
        fail(f"{file}: nothing was stored. {error.message}", code=BAD_INPUT)
    _print(report)


async def _import(known: Settings, text: str, network: str, organiser: str, *, dry_run: bool) -> list[Line]:
    async with lent(known) as means:
        ctx = Context(means)
        async with ctx.reading() as db:
            account = await db.find(Account, Account.email == organiser)
            home = await db.find(Network, Network.name == network)
        if account is None:
            raise Conflict(f"There is no account of {organiser}.")
        if home is None:
            raise NotFound
        ctx.viewer = account.principal_id
        return await rosters.take_in(ctx, home.id, text=text, dry_run=dry_run)


def _print(report: Sequence[Line]) -> None:
    table = csv.writer(sys.stdout)
    table.writerow(COLUMNS)
    table.writerows([exports.cell(getattr(line, name)) for name in COLUMNS] for line in report)
    counts = Counter(line.outcome for line in report)
    told = ", ".join(f"{counts[outcome]} {outcome.lower()}" for outcome in rosters.Outcome)
    errors.print(told, markup=False)
