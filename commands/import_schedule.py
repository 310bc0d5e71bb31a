"""Read a conference's schedule into a network, and follow it when it changes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from commands import checks, founding, settings
from commands.console import errors, fail, say
from commands.means import lent
from commands.sources import Source, Unreachable, source
from models import Account, Network, NetworkKind, NetworkRole
from resolvers import frab, imports, policy
from resolvers.context import Context
from resolvers.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from resolvers.form import form
from resolvers.frab import Conference, Unreadable
from resolvers.imports import Report, Tally
from resolvers.session import Transaction
from server import Settings

BAD_INPUT = 2
COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


class Refused(Exception):
    """Why nothing was stored."""


@dataclass(frozen=True)
class Wish:
    """Into which network, by whom, and how long before a session its board opens."""

    known: Settings
    network: str
    organiser: str
    opens_before: timedelta


def import_schedule(
    file_or_url: Annotated[
        str, typer.Argument(help="The schedule, as XML of frab or Pentabarf: a file or an address.")
    ],
    network: Annotated[str, typer.Option(help="The network it is for; made if there is none of this name.")],
    organiser: Annotated[
        str, typer.Option("--as", help="The e-mail of the account that imports: an administrator of the network.")
    ],
    *,
    opens_before: Annotated[
        float, typer.Option(help="How many hours before a session its board opens.", min=0, max=24 * 365)
    ] = 24,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 60,
) -> None:
    """Read a conference's schedule into a network: sessions, tracks, rooms and speakers.

    Each session gets a community, a board and a code. Done again, only what the file has changed is changed, and each
    change is announced once. What people wrote stays as it is.
    """
    known = settings.read()
    try:
        with form() as check:
            network = check.text("network", network, most=100)
            organiser = check.email("as", organiser)
    except Invalid as invalid:
        fail(invalid.message, code=BAD_INPUT)
    wish = Wish(known, network, organiser, timedelta(hours=opens_before))
    asyncio.run(checks.demand(known))
    try:
        asyncio.run(_follow(source(file_or_url), wish, every=every if watch else None))
    except Refused as refused:
        fail(f"{file_or_url}: nothing was stored. {refused}", code=BAD_INPUT)


async def _follow(where: Source, wish: Wish, *, every: float | None) -> None:
    """Once, or again and again. What goes wrong the first time ends it; later it is said, and tried again."""
    await _look(where, wish)
    while every is not None:
        await asyncio.sleep(every)
        try:
            await _look(where, wish)
        except Refused as refused:
            errors.print(f"Nothing was stored. {refused}", markup=False)


async def _look(where: Source, wish: Wish) -> None:
    try:
        content = await where.read()
        conference = None if content is None else frab.read(content)
    except (Unreachable, Unreadable) as error:
        raise Refused(str(error)) from None
    if conference:
        say(_told(conference, await _import(conference, wish)))


async def _import(conference: Conference, wish: Wish) -> Report:
    with Progress(*COLUMNS, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task(conference.title, total=len(conference.talks))
        async with lent(wish.known) as means:
            try:
                return await _stored(Context(means), conference, wish, lambda count: progress.advance(bar, count))
            except (Forbidden, NotFound):
                raise Refused(f"{wish.organiser} does not administer {wish.network}.") from None
            except DomainError as error:
                raise Refused(error.message) from None


async def _stored(ctx: Context, conference: Conference, wish: Wish, told: Callable[[int], None]) -> Report:
    """In one transaction: all of it, or nothing."""
    async with ctx.reading() as db:
        account = await db.find(Account, Account.email == wish.organiser)
    if account is None:
        raise Conflict(f"There is no account of {wish.organiser}. To do: plenary create-account.")
    ctx.viewer = account.principal_id
    async with ctx.transaction() as tx:
        network = await _home(tx, conference, wish, account)
        return await imports.take_in(tx, network, conference, opens_before=wish.opens_before, told=told)


async def _home(tx: Transaction, conference: Conference, wish: Wish, account: Account) -> Network:
    """The network, locked; or a new one, which the organiser owns."""
    found = await tx.find(Network, Network.name == wish.network)
    if found is not None:
        return await tx.get(policy.administer_network, found.id)
    made = Network(name=wish.network, kind=NetworkKind.EVENT, time_zone=conference.time_zone)
    await tx.add(made)
    await founding.member(tx, made, account, name=account.display_name, role=NetworkRole.OWNER)
    return made


def _told(conference: Conference, report: Report) -> str:
    rows = [(name, getattr(report, name)) for name in ("sessions", "tracks", "rooms", "people")]
    return "\n".join([conference.title, *(f"  {name:8} {_counts(tally)}" for name, tally in rows)])


def _counts(tally: Tally) -> str:
    counts = {name: getattr(tally, name) for name in ("added", "changed", "cancelled", "unchanged")}
    return ", ".join(f"{count} {name}" for name, count in counts.items())
