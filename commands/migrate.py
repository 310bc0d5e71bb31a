"""Bring the database up to date."""

import asyncio

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import migrations
from commands import checks, settings
from commands.console import errors, fail, say
from server import Settings


def migrate() -> None:
    """Make the tables, or bring them up to date. Does nothing where there is nothing to do."""
    known = settings.read()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        progress.add_task("Migrating")
        applied = asyncio.run(_upgrade(known))
    for line in applied:
        say(line)
    say(f"{checks.plain(known.database_url)} is at {migrations.newest()}.")


async def _upgrade(known: Settings) -> list[str]:
    lines: list[str] = []
    try:
        await migrations.upgrade(
            known.database_url, applied=lambda revision, title: lines.append(f"Applied {revision}: {title}")
        )
    except checks.UNREACHABLE as error:
        fail(f"Cannot migrate {checks.plain(known.database_url)}: {checks.reason(error)}.")
    return lines
