"""What a session says of itself: its form, its place and time, and the words in which a change is told."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col

from models import (
    BoardState,
    Community,
    Content,
    ContentKind,
    Kind,
    Member,
    Network,
    QuestionBoard,
    Room,
    Session,
    Track,
    VisitorRights,
)
from realtime import topics
from resolvers import boards, codes, markup
from resolvers.form import Form, form
from resolvers.session import Transaction

ABSTRACT_MOST = 50_000
LONGEST = timedelta(days=31)
OPENS_BEFORE = timedelta(hours=24)

P = TypeVar("P", Track, Room)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What is said about a session. What is None is left out; an empty text takes away what was there."""

    title: str | None = None
    subtitle: str | None = None
    abstract_html: str | None = None
    language: str | None = None
    url: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    track: str | None = None
    room: str | None = None
    speakers: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Slot:
    """When and where."""

    starts_at: datetime
    ends_at: datetime
    room_id: UUID | None


def checked(draft: Draft) -> Draft:
    """The draft as it can be stored."""
    with form() as check:
        return replace(
            draft,
            title=check.optional(check.text, "title", draft.title, most=300),
            subtitle=check.optional(check.text, "subtitle", draft.subtitle, most=300, least=0),
            abstract_html=None if draft.abstract_html is None else _abstract(check, draft.abstract_html),
            language=check.optional(check.text, "language", draft.language, most=16, least=0),
            url=check.link("url", draft.url) if draft.url else draft.url,
            starts_at=check.moment("startsAt", draft.starts_at),
            ends_at=check.moment("endsAt", draft.ends_at),
            track=check.optional(check.text, "track", draft.track, most=200, least=0),
            room=check.optional(check.text, "room", draft.room, most=200, least=0),
            speakers=None if draft.speakers is None else _names(check, draft.speakers),
        )


def _abstract(check: Form, value: str) -> str:
    return check.text("abstractHtml", markup.sanitised(value), most=ABSTRACT_MOST, least=0)


def _names(check: Form, names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > 50:  # noqa: PLR2004 - said in the same breath
        check.flaw("speakers", "speakers has more than 50 entries")
    return tuple(check.text("speakers", name, most=200) for name in names)


def check_times(starts_at: datetime, ends_at: datetime) -> None:
    with form() as check:
        if ends_at <= starts_at:
            check.flaw("endsAt", "endsAt is not after startsAt")
        elif ends_at - starts_at > LONGEST:
            check.flaw("endsAt", f"a session lasts at most {LONGEST.days} days")


def slot(session: Session) -> Slot:
    return Slot(session.starts_at, session.ends_at, session.room_id)


async def write(tx: Transaction, session: Session, draft: Draft) -> bool:
    """Put into the session what the draft says; whether that changed anything. Speakers are elsewhere."""
    wanted: dict[str, Any] = {
        "title": draft.title,
        "subtitle": draft.subtitle,
        "abstract_html": draft.abstract_html,
        "language": draft.language,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if draft.url is not None:
        wanted["url"] = draft.url or None
    if draft.track is not None:
        wanted["track_id"] = await place(tx, Track, session.network_id, draft.track)
    if draft.room is not None:
        wanted["room_id"] = await place(tx, Room, session.network_id, draft.room)
    changed = {name: value for name, value in wanted.items() if getattr(session, name, None) != value}
    for name, value in changed.items():
        setattr(session, name, value)
    return bool(changed)


async def place(tx: Transaction, what: type[P], network_id: UUID, name: str) -> UUID | None:
    """The track or room of this name, made if there is none."""
    if not name:
        return None
    await tx.add_once(what(network_id=network_id, name=name))
    found: UUID = await tx.find(what.id, what.network_id == network_id, what.name == name)
    return found


def new_board(session: Session, *, opens_at: datetime, now: datetime) -> QuestionBoard:
    """Each session has one: with a code on the wall, and open in good time."""
    is_open = opens_at <= now
    return QuestionBoard(
        network_id=session.network_id,
        community_id=session.community_id,
        title=markup.cut(session.title, 200),
        state=BoardState.OPEN if is_open else BoardState.SCHEDULED,
        opens_at=opens_at,
        opened_at=now if is_open else None,
        join_code=codes.new(),
        visitors=VisitorRights.ASK_AND_VOTE,
    )


async def follow_up(tx: Transaction, session: Session, community: Community, *, was: Slot, title: str) -> None:
    """What goes with a session: the names that still were its own, and boards that have yet to open."""
    moved_by = session.starts_at - was.starts_at
    if session.title != title and community.name == markup.cut(title, 100):
        community.name = markup.cut(session.title, 100)
        tx.announce([topics.community_activity(community.id)], Kind.ROW, community)
    if session.title == title and not moved_by:
        return
    for board in await tx.lock_all(QuestionBoard, col(QuestionBoard.community_id) == community.id):
        is_named = session.title != title and board.title == markup.cut(title, 200)
        is_waiting = bool(moved_by) and board.state is BoardState.SCHEDULED and board.opens_at is not None
        if is_named:
            board.title = markup.cut(session.title, 200)
        if is_waiting and board.opens_at:
            board.opens_at += moved_by
        if is_named or is_waiting:
            boards.tell(tx, board)


async def says_moved(tx: Transaction, session: Session, was: Slot) -> str:
    """From when and where to when and where, in the time of the place."""
    network = await tx.find(Network, Network.id == session.network_id)
    zone = ZoneInfo(network.time_zone) if network else ZoneInfo("UTC")
    rooms = [id for id in (was.room_id, session.room_id) if id]
    names = {room.id: room.name for room in await tx.find_all(Room, col(Room.id).in_(rooms))} if rooms else {}
    before, after = [_told(each, zone, names) for each in (was, slot(session))]
    return f"Moved from {before} to {after}."


def _told(each: Slot, zone: ZoneInfo, names: dict[UUID, str]) -> str:
    begins, ends = each.starts_at.astimezone(zone), each.ends_at.astimezone(zone)
    when = f"{begins:%a} {begins.day} {begins:%b}, {begins:%H:%M} to {ends:%H:%M}"
    return f"{when}, {names[each.room_id]}" if each.room_id else when


def notice(session: Session, author: Member, *, what: str, body: str, now: datetime) -> Content:
    """The post that tells those who plan to come."""
    return Content(
        network_id=session.network_id,
        community_id=session.community_id,
        author_id=author.id,
        kind=ContentKind.POST,
        title=markup.cut(f"{what}: {session.title}", 200),
        body=body,
        published_at=now,
    )
