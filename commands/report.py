"""The closing report of a conference, or of one of its sessions, as one page of Markdown."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from sqlmodel import col

from commands import checks, settings
from commands.console import fail
from commands.means import lent
from models import Account, Content, Network, Session
from resolvers import policy, reports
from resolvers.context import Context
from resolvers.errors import Forbidden, NotFound
from resolvers.reports import Report
from schema.base import row_id
from server import Settings

MARKS = re.compile(r"([\\`*_\[\]<>#|~])")
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def report(
    network: Annotated[str, typer.Option(help="The network of the conference.")],
    reader: Annotated[str, typer.Option("--as", help="The e-mail of whoever reads it: it counts what they may read.")],
    session: Annotated[str | None, typer.Option(help="The id of a session: then only that one.")] = None,
) -> None:
    """Print what a conference came to, or one of its sessions: who asked and voted, and what was answered."""
    known = settings.read()
    asyncio.run(checks.demand(known))
    try:
        found = asyncio.run(_read(known, network=network, reader=reader.strip().lower(), session=session))
    except NotFound:
        fail(f"{reader} sees no such session in {network}." if session else f"{reader} is in no network {network}.")
    except Forbidden as forbidden:
        fail(f"{reader} may not read that report: {forbidden.details.get('rule')}.")
    typer.echo("\n".join(page(found)))


async def _read(known: Settings, *, network: str, reader: str, session: str | None) -> Report:
    async with lent(known) as means:
        async with Context(means).reading() as db:
            account = await db.find(Account, Account.email == reader)
        if account is None:
            raise NotFound
        ctx = Context(means, viewer=account.principal_id)
        async with ctx.reading() as db:
            networks = await db.all(db.select(policy.see_network).where(col(Network.name) == network))
            if not networks:
                raise NotFound
            if session is None:
                return await reports.on_conference(ctx, networks[0].id)
            one = await db.get(policy.see_session, row_id(session, Session))
        if one.network_id not in {found.id for found in networks}:
            raise NotFound
        return await reports.on_session(ctx, one.id)


def page(found: Report) -> Iterator[str]:
    """The lines of the page."""
    yield from (f"# {_plain(found.title)}: closing report", "")
    yield from _table("figure", "value", _figures(found))
    yield from ("", "## Questions", "")
    yield from _table("state", "questions", [(state.lower(), str(count)) for state, count in found.questions.items()])
    yield from ("", "## Most active discussions", "")
    yield from _list(found.discussions)
    yield from ("", "## Suggestions for next time", "")
    yield from _list(found.ideas)


def _figures(found: Report) -> list[tuple[str, str]]:
    share = found.share_answered
    return [
        ("sessions", str(found.sessions)),
        ("expected", str(found.expected)),
        ("checked in", str(found.checked_in)),
        ("askers", str(found.askers)),
        ("voters", str(found.voters)),
        ("ballots in polls", str(found.ballots)),
        ("questions answered", "-" if share is None else f"{share:.0%}"),
        ("time to an answer, median", _duration(found.median_time_to_answer)),
        ("time to the first answer", _duration(found.time_to_first_answer)),
    ]


def _table(left: str, right: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    yield from (f"| {left} | {right} |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows))


def _list(contents: Sequence[Content]) -> Iterator[str]:
    for n, content in enumerate(contents, 1):
        comments = "1 comment" if content.comment_count == 1 else f"{content.comment_count} comments"
        yield f"{n}. {_plain(content.title)} ({comments})"
    if not contents:
        yield "None."


def _plain(title: str) -> str:
    """On one line, and without what Markdown would take for a mark: people write titles."""
    return MARKS.sub(r"\\\1", " ".join(title.split()))


def _duration(seconds: int | None) -> str:
    """In its two largest units."""
    if seconds is None:
        return "-"
    parts, rest = [], seconds
    for name, size in UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
