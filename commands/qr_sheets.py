"""Print the codes of a conference: a page for each session, or for each attendee."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import typer
from sqlmodel import col

from commands import checks, settings
from commands.console import fail, say
from commands.means import lent
from commands.sheets import Sheet, render
from models import (
    Attendee,
    Member,
    Network,
    QuestionBoard,
    Room,
    Session,
    SessionState,
    VisitorRights,
)
from resolvers import codes, policy, tickets
from resolvers.cipher import Cipher
from resolvers.context import Context
from resolvers.session import Reader
from server import Settings

BAD_INPUT = 2


def qr_sheets(
    network: Annotated[str, typer.Option(help="The name of the event's network.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    url: Annotated[
        str, typer.Option(help="Where the codes lead: the join code is put behind it. By default PLENARY_JOIN_URL.")
    ] = "",
    *,
    badges: Annotated[
        bool, typer.Option("--tickets", help="A page for each attendee with their ticket, in place of the sessions.")
    ] = False,
) -> None:
    """Write a page to be printed for each session to which visitors can come: title, room, time, code, QR code."""
    known = settings.read()
    base = url or known.join_url
    if not badges and (urlsplit(base).scheme not in {"http", "https"} or not urlsplit(base).netloc):
        fail("--url must be an address that begins with https:// or http://.", code=BAD_INPUT)
    asyncio.run(checks.demand(known))
    sheets = asyncio.run(_sheets(known, network.strip(), base, badges=badges))
    if sheets is None:
        fail(f"There is no network {network}.", code=BAD_INPUT)
    try:
        _write(out, render(network, sheets))
    except OSError as error:
        fail(f"{out}: {error.strerror or error}.", code=BAD_INPUT)
    say(f"{out}: {len(sheets)} {'tickets' if badges else 'sessions'}")


def _write(out: Path, text: str) -> None:
    """For the owner's eyes: tickets let people in."""
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)  # also if it was there
        file.write(text)


async def _sheets(known: Settings, network: str, base: str, *, badges: bool) -> Sequence[Sheet] | None:
    async with lent(known) as means, Context(means).reading() as db:
        home = await db.find(Network, Network.name == network)
        if home is None:
            return None
        return await _tickets(db, means.cipher, home) if badges else await _sessions(db, home, base)


async def _sessions(db: Reader, network: Network, base: str) -> Sequence[Sheet]:
    """Those that are not cancelled, earliest first."""
    coming = (Session.network_id == network.id, Session.state != SessionState.CANCELLED)
    found = await db.find_all(Session, *coming, order=col(Session.starts_at))
    rooms = {room.id: room.name for room in await db.find_all(Room, Room.network_id == network.id)}
    open_ = (QuestionBoard.visitors != VisitorRights.NONE, col(QuestionBoard.join_code).is_not(None))
    boards = await db.find_all(QuestionBoard, QuestionBoard.network_id == network.id, *open_)
    by_community = {board.community_id: board.join_code or "" for board in boards}
    return [
        Sheet(
            title=session.title,
            above=(rooms.get(session.room_id, "") if session.room_id else "", _when(session, network.time_zone)),
            holds=codes.url(base, code),
            code=codes.readable(code),
            below=("Scan, or type the code, to ask and vote", codes.url(base, code)),
        )
        for session in found
        if (code := by_community.get(session.community_id))
    ]


def _when(session: Session, time_zone: str) -> str:
    """As the clock in the hall shows it."""
    zone = ZoneInfo(time_zone)
    starts, ends = session.starts_at.astimezone(zone), session.ends_at.astimezone(zone)
    until = f"{ends:%H:%M}" if starts.date() == ends.date() else f"{_day(ends)}, {ends:%H:%M}"
    return f"{_day(starts)}, {starts:%H:%M} to {until}"


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


async def _tickets(db: Reader, cipher: Cipher, network: Network) -> Sequence[Sheet]:
    """By name; whoever was disabled gets none."""
    active = (Member.network_id == network.id, policy.is_here(Member, db.now))
    names = {member.id: member.name for member in await db.find_all(Member, *active)}
    listed = await db.find_all(Attendee, Attendee.network_id == network.id)
    here = sorted((names[row.member_id], row.email, row) for row in listed if row.member_id in names)
    return [Sheet(title=name, above=(network.name,), holds=tickets.issue(cipher, row)) for name, _, row in here]
