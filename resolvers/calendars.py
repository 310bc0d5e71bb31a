"""A schedule as a calendar file, and what in it collides."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from sqlmodel import col

from models import Network, Room, Session, SessionState, Track
from resolvers import markup, policy
from resolvers.live import Subject
from resolvers.policy import Rule
from resolvers.session import Reader

MOST_OVERLAPS = 100
ABSTRACT_MOST = 2_000


@dataclass(frozen=True)
class Overlap:
    """Two sessions of one person that take place at the same time."""

    one: Session
    other: Session


async def of(db: Reader, subject: Subject, rule: Rule[Session]) -> str:
    """The sessions of the schedule as iCalendar, which phones subscribe to or take in."""
    network = await db.get(policy.see_network, subject.row.id)
    sessions = await _sessions(db, network.id, rule)
    rooms = await _names(db, Room, {session.room_id for session in sessions})
    tracks = await _names(db, Track, {session.track_id for session in sessions})
    return await asyncio.to_thread(_written, network, sessions, rooms | tracks)


async def overlaps(db: Reader, network_id: UUID) -> list[Overlap]:
    """What collides of what the viewer plans to attend, the earliest first."""
    sessions = await _sessions(db, network_id, policy.plan_session)
    pairs: list[Overlap] = []
    running: list[Session] = []
    for session in (found for found in sessions if found.state is not SessionState.CANCELLED):
        running = [other for other in running if other.ends_at > session.starts_at]
        pairs += [Overlap(other, session) for other in running]
        if len(pairs) >= MOST_OVERLAPS:
            break
        running.append(session)
    return pairs[:MOST_OVERLAPS]


async def _sessions(db: Reader, network_id: UUID, rule: Rule[Session]) -> Sequence[Session]:
    found = db.select(rule).where(col(Session.network_id) == network_id)
    return await db.all(found.order_by(col(Session.starts_at), col(Session.id)))


async def _names(db: Reader, what: type[Room] | type[Track], ids: Collection[UUID | None]) -> dict[UUID, str]:
    """Of sessions that the viewer sees."""
    return {row.id: row.name for row in await db.find_all(what, col(what.id).in_({id for id in ids if id}))}


def _written(network: Network, sessions: Sequence[Session], names: dict[UUID, str]) -> str:
    calendar = Calendar()
    calendar.add("prodid", "-//Plenary//Schedule//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", network.name)
    zone = ZoneInfo(network.time_zone)
    for session in sessions:
        calendar.add_component(_entry(session, zone, names))
    calendar.add_missing_timezones()
    written: bytes = calendar.to_ical()
    return written.decode()


def _entry(session: Session, zone: ZoneInfo, names: dict[UUID, str]) -> Event:
    """Under an id that stays: a calendar then moves what it has instead of showing it twice."""
    changed_at = session.changed_at or session.created_at
    entry = Event()
    entry.add("uid", f"{session.id}@plenary")
    entry.add("dtstamp", changed_at.astimezone(UTC))
    entry.add("sequence", int((changed_at - session.created_at).total_seconds()))
    entry.add("summary", session.title)
    entry.add("dtstart", session.starts_at.astimezone(zone))
    entry.add("dtend", session.ends_at.astimezone(zone))
    entry.add("status", "CANCELLED" if session.state is SessionState.CANCELLED else "CONFIRMED")
    about = [session.change_note or "", markup.cut(markup.as_text(session.abstract_html), ABSTRACT_MOST)]
    if text := "\n\n".join(part for part in about if part):
        entry.add("description", text)
    if session.room_id:
        entry.add("location", names[session.room_id])
    if session.track_id:
        entry.add("categories", [names[session.track_id]])
    if session.url:
        entry.add("url", session.url)
    return entry
