"""Whether what the service stands on is there: the database, its tables, its head row, the broker, the mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic.util import CommandError
from sqlalchemy import func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

import migrations
from commands.console import fail
from models import Database, Head, Letter, LetterState
from realtime.bell import bell
from realtime.smtp import Away
from server import Settings

PATIENCE = 5.0  # seconds
UNREACHABLE = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and what to do about it if that is bad."""

    subject: str
    found: str
    remedy: str = ""


def plain(url: URL | str) -> str:
    """A URL without what is secret in it."""
    url = make_url(url)
    return URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[AsyncSession]:
    """A session on the database, for a short while."""
    store = Database(settings.database_url)
    try:
        async with asyncio.timeout(PATIENCE), store.read() as session:
            yield session
    finally:
        await store.close()


def reason(error: BaseException) -> str:
    """An error's first line. The original one: SQLAlchemy's is longer and says no more."""
    said = str(getattr(error, "orig", None) or error) or type(error).__name__
    return said.splitlines()[0].removeprefix(f"{type(getattr(error, 'orig', None))}: ")


async def database(settings: Settings) -> Finding:
    url = make_url(settings.database_url)
    place = plain(url)
    if _is_missing_file(url):
        return Finding("database", f"{place} is not there", "make it with `plenary migrate`")
    try:
        async with opened(settings) as session:
            await session.execute(text("SELECT 1"))
    except UNREACHABLE as error:
        remedy = "start the database, or correct PLENARY_DATABASE_URL"
        return Finding("database", f"{place} does not answer ({reason(error)})", remedy)
    return Finding("database", f"{place} answers")


def _is_missing_file(url: URL) -> bool:
    """Opening it would make it."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file()


async def tables(settings: Settings) -> Finding:
    newest = migrations.newest()
    try:
        revision = await migrations.revision_of(settings.database_url)
    except (*UNREACHABLE, CommandError) as error:
        return Finding("migrations", f"cannot be looked up ({reason(error)})", "mend the database first")
    if revision == newest:
        return Finding("migrations", f"all applied, up to {newest}")
    if revision is not None and revision > newest:
        return Finding("migrations", f"the database is at {revision}, this program at {newest}", "update this program")
    return Finding("migrations", f"the database is at {revision or 'nothing'}, not {newest}", "run `plenary migrate`")


async def head(settings: Settings) -> Finding:
    try:
        async with opened(settings) as session:
            count, position = (await session.execute(select(func.count(), func.max(Head.position)))).one()
    except UNREACHABLE as error:
        return Finding("head row", f"cannot be read ({reason(error)})", "mend the database and its migrations first")
    if count != 1:
        return Finding("head row", f"{count} rows in the table head, not 1", "restore the database from a backup")
    return Finding("head row", f"the change log is numbered up to {position}")


async def broker(settings: Settings) -> Finding:
    scheme = settings.broker_url.partition("://")[0]
    try:
        await bell(settings.broker_url).probe()
    except Exception as error:  # noqa: BLE001 - each broker's client has errors of its own
        return Finding(
            "broker", f"{scheme} does not answer ({reason(error)})", "start it, or correct PLENARY_BROKER_URL"
        )
    return Finding("broker", f"{scheme} takes and brings messages")


async def letters(settings: Settings) -> Finding:
    """What is wrong with one letter is nothing to mend here, but to know."""
    counted = select(col(Letter.state), func.count()).group_by(col(Letter.state))
    try:
        async with opened(settings) as session:
            count = {row[0]: row[1] for row in await session.execute(counted)}
    except UNREACHABLE as error:
        return Finding("letters", f"cannot be counted ({reason(error)})", "mend the database first")
    lost = count.get(LetterState.REFUSED, 0) + count.get(LetterState.GIVEN_UP, 0)
    told = f", {lost} refused or given up in a month: see `plenary outbox list`" if lost else ""
    return Finding("letters", f"{count.get(LetterState.WAITING, 0)} waiting{told}")


async def mail(settings: Settings) -> Finding:
    """Without a server nothing leaves; in development nothing need."""
    server = settings.mail_server
    if server is None and settings.is_development:
        return Finding("mail", "nothing is sent: letters are kept for `plenary outbox` and the page /outbox")
    if server is None:
        return Finding("mail", "nothing is sent", "set PLENARY_SMTP_URL and PLENARY_MAIL_FROM")
    try:
        async with asyncio.timeout(PATIENCE), server.connected():
            return Finding("mail", f"{server} takes letters")
    except (Away, TimeoutError) as error:
        why = error.reason if isinstance(error, Away) else "no answer"
        return Finding("mail", f"{server} takes no letters ({why})", "start it, or correct PLENARY_SMTP_URL")


async def demand(settings: Settings) -> None:
    """Give up unless the database is there and has its tables."""
    for check in (database, tables, head):
        finding = await check(settings)
        if finding.remedy:
            fail(f"The {finding.subject}: {finding.found}. To do: {finding.remedy}.")
