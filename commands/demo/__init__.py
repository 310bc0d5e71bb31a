"""Fill the database with a company and its conference, once."""

import asyncio
from collections.abc import Callable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from commands import checks, settings
from commands.console import errors, fail, say
from commands.demo import company, conference, record
from commands.demo.description import Missing, describe, is_begun
from commands.demo.story import Story, StoryClock
from commands.means import lent
from resolvers.context import Context
from server import Settings

CHAPTERS = (company.tell, conference.tell)


def demo() -> None:
    """Fill the database with a company and its conference, once. For development only.

    Ids and sign-ins are written to demo.json beside the SQLite database, or in var/.
    """
    known = settings.read()
    if not known.is_development:
        fail("The demo data comes with passwords that everybody knows: it is for development only.")
    asyncio.run(checks.demand(known))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        bar = progress.add_task("Looking", total=company.PARTS + conference.PARTS)
        said = asyncio.run(_fill(known, lambda part: progress.update(bar, description=part, advance=1)))
    say(said)


async def _fill(known: Settings, told: Callable[[str], None]) -> str:
    path = known.demo_file
    async with lent(known) as means:
        async with Context(means).reading() as db:
            found = await record.of(db, path)
            if found and await record.is_fresh(db, found):
                return f"The demo data is there; nothing was changed. Ids and sign-ins: {path}"
            is_there = await is_begun(db)
        if not is_there:
            await _tell(known, told)
        try:
            (await describe(means)).write(path)
        except Missing:
            place = checks.plain(known.database_url)
            fail(f"The demo data in {place} is unfinished or was changed. To do: begin with an empty database.")
    if is_there:
        return f"The demo data is there; ids and new sign-ins were written to {path}"
    return f"The demo data is in; ids and sign-ins are in {path}"


async def _tell(known: Settings, told: Callable[[str], None]) -> None:
    clock = StoryClock()
    async with lent(known, clock) as means:
        story = Story(means, clock, told)
        for chapter in CHAPTERS:
            await chapter(story)
