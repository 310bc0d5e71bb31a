"""Schedules as conference tools publish them: frab's XML, also called Pentabarf, read into plain data.

What is wrong is said with its line. Nothing in the file is believed: no document type, no entities, no network.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from resolvers import markup
from resolvers.form import EARLIEST, LATEST, LINK_MOST, is_link, time_zones

SIZE_MOST = 32 * 1024 * 1024
SESSIONS_MOST = 10_000
CHUNK = 64 * 1024
BLANKS: Any = re.compile(rb"\s*")
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
PROLOG = {b"<?": b"?>", b"<!--": b"-->"}
ID_MOST, NAME_MOST, TITLE_MOST, ABSTRACT_MOST = 100, 200, 300, 50_000
LONGEST = timedelta(days=31)


class Unreadable(Exception):
    """The file is no schedule, or not one that can be kept."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(f"line {max(line, 1)}: {message}" if line is not None else message)
        self.line = line


@dataclass(frozen=True)
class Person:
    id: str
    name: str


@dataclass(frozen=True)
class Talk:
    """One event of the file. `id` is what it goes by from one version of the file to the next."""

    id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    subtitle: str = ""
    abstract_html: str = ""
    language: str = ""
    url: str | None = None
    track: str = ""
    room: str = ""
    people: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Conference:
    """What the file says, in the order in which it says it."""

    acronym: str
    title: str
    time_zone: str
    talks: Sequence[Talk]


@dataclass
class _Day:
    date: str | None
    start: str | None
    line: int


@dataclass
class _Event:
    """As it is written: times are understood once all has been read."""

    line: int
    id: str
    texts: dict[str, str]
    lines: dict[str, int]
    people: tuple[Person, ...]
    room: str
    day: _Day | None


@dataclass
class _Notes:
    """What has been read so far."""

    conference: dict[str, str] = field(default_factory=dict)
    conference_line: int = 1
    events: list[_Event] = field(default_factory=list)
    day: _Day | None = None
    room: str = ""


def read(content: bytes) -> Conference:
    """The schedule. Raises Unreadable."""
    if len(content) > SIZE_MOST:
        raise too_large()
    notes = _Notes()
    try:
        for action, element in _elements(content):
            _note(notes, action, element)
    except etree.XMLSyntaxError as error:
        raise _malformed(error) from None
    return _understood(notes)


def _malformed(error: Any) -> Unreadable:
    """By the last entry of its log: what the parser finds at the end of a piece it says without a place."""
    entry = error.error_log.last_error
    line, message = (entry.line, entry.message) if entry else (error.lineno, error.msg)
    return Unreadable(f"this is no well-formed XML: {message}", line or 1)


def too_large() -> Unreadable:
    return Unreadable(f"the file is larger than {SIZE_MOST // (1024 * 1024)} MB", 1)


def _elements(content: bytes) -> Iterator[tuple[str, Any]]:
    """Beginnings and ends of elements, while the content is fed piece by piece."""
    parser = etree.XMLPullParser(
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    _check_prolog(content)
    is_rooted = False
    for start in range(0, len(content), CHUNK):
        parser.feed(content[start : start + CHUNK])
        for action, element in parser.read_events():
            if not is_rooted:
                _check_root(element)
                is_rooted = True
            yield action, element
    parser.close()


def _check_prolog(content: bytes) -> None:
    """Before the parser sees it: a document type is what bombs are made of."""
    at = len(codecs.BOM_UTF8) if content.startswith(codecs.BOM_UTF8) else 0
    while True:
        at = BLANKS.match(content, at).end()
        end = next((end for begin, end in PROLOG.items() if content.startswith(begin, at)), None)
        found = -1 if end is None else content.find(end, at)
        if end is None or found < 0:
            break
        at = found + len(end)
    if content.startswith(b"<!DOCTYPE", at):
        raise _typed(content.count(b"\n", 0, at) + 1)


def _check_root(root: Any) -> None:
    if root.getroottree().docinfo.doctype:  # in an encoding in which the prolog could not be read
        raise _typed(1)
    if root.tag != "schedule":
        raise Unreadable(
            f"the file begins with <{markup.cut(str(root.tag), 50)}>, not with <schedule>", root.sourceline
        )


def _typed(line: int) -> Unreadable:
    return Unreadable("a document type is not accepted, nor are the entities it may define", line)


def _note(notes: _Notes, action: str, element: Any) -> None:
    match action, element.tag:
        case "start", "day":
            notes.day = _Day(element.get("date"), element.get("start"), element.sourceline)
        case "start", "room" if _is_in(element, "day"):
            notes.room = (element.get("name") or "").strip()
        case "end", "conference":
            notes.conference = {child.tag: _text(child) for child in element}
            notes.conference_line = element.sourceline
        case "end", "event":
            notes.events.append(_event(element, notes))
            element.clear()
            if len(notes.events) > SESSIONS_MOST:
                raise Unreadable(f"there are more than {SESSIONS_MOST:,} events", element.sourceline)


def _is_in(element: Any, tag: str) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag == tag


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()


def _event(element: Any, notes: _Notes) -> _Event:
    children = {child.tag: child for child in reversed(element) if isinstance(child.tag, str)}
    id = (element.get("guid") or element.get("id") or "").strip()
    if not id or len(id) > ID_MOST:
        raise Unreadable(f"an event needs a guid or an id of at most {ID_MOST} characters", element.sourceline)
    return _Event(
        line=element.sourceline,
        id=id,
        texts={tag: _text(child) for tag, child in children.items()},
        lines={tag: child.sourceline for tag, child in children.items()},
        people=tuple(_people(children.get("persons"))),
        room=_text(children["room"]) if "room" in children else notes.room,
        day=notes.day,
    )


def _people(persons: Any) -> Iterator[Person]:
    """Each once. Who has no id goes by their name."""
    seen = set()
    for element in persons if persons is not None else ():
        name = _text(element)
        id = (element.get("id") or element.get("guid") or name).strip()
        if len(id) > ID_MOST:
            raise Unreadable(f"a person's id has more than {ID_MOST} characters", element.sourceline)
        if name and id not in seen:
            seen.add(id)
            yield Person(id, markup.cut(name, NAME_MOST))


def _understood(notes: _Notes) -> Conference:
    said, line = notes.conference, notes.conference_line
    acronym = said.get("acronym") or said.get("title") or ""
    if not acronym or len(acronym) > ID_MOST:
        raise Unreadable(f"the conference needs an acronym of at most {ID_MOST} characters", line)
    if not notes.events:
        raise Unreadable("there is no event in it", line)
    zone_name = said.get("time_zone_name", "")
    if zone_name and zone_name not in time_zones():
        raise Unreadable(f"{markup.cut(zone_name, 50)!r} is no time zone of the IANA database", line)
    times = _Times(ZoneInfo(zone_name) if zone_name else None, _day_change(said.get("day_change", ""), line))
    lines: dict[str, int] = {}
    for event in notes.events:
        if event.id in lines:
            raise Unreadable(f"the id {event.id!r} is also that of the event in line {lines[event.id]}", event.line)
        lines[event.id] = event.line
    talks = [_talk(event, times) for event in notes.events]
    return Conference(acronym, markup.cut(said.get("title") or acronym, NAME_MOST), zone_name or "UTC", talks)


def _talk(event: _Event, times: "_Times") -> Talk:
    title = event.texts.get("title", "")
    if not title:
        raise Unreadable("the event has no title", event.lines.get("title", event.line))
    starts_at = times.start(event)
    ends_at = starts_at + _duration(event)
    parts = dict.fromkeys(part for tag in ("abstract", "description") if (part := event.texts.get(tag, "")))
    url = event.texts.get("url", "")
    return Talk(
        id=event.id,
        title=markup.cut(title, TITLE_MOST),
        starts_at=starts_at,
        ends_at=ends_at,
        subtitle=markup.cut(event.texts.get("subtitle", ""), TITLE_MOST),
        abstract_html=_harmless("\n".join(parts)),
        language=event.texts.get("language", "")[:16],
        url=url if len(url) <= LINK_MOST and is_link(url) else None,
        track=markup.cut(event.texts.get("track", ""), NAME_MOST),
        room=markup.cut(event.room, NAME_MOST),
        people=event.people,
    )


def _harmless(text: str) -> str:
    """Cleaned. What is too long is cut, and what the cut left open is closed again."""
    cleaned = markup.sanitised(text)
    most = ABSTRACT_MOST
    while len(cleaned) > ABSTRACT_MOST:
        most -= 1_000
        cleaned = markup.sanitised(cleaned[:most])
    return cleaned


def _duration(event: _Event) -> timedelta:
    """Hours and minutes; some tools add seconds."""
    text, line = event.texts.get("duration", ""), event.lines.get("duration", event.line)
    if not text:
        raise Unreadable("the event has no duration", line)
    if not re.fullmatch(r"\d{1,3}:[0-5]\d(:[0-5]\d)?", text, re.ASCII):
        raise Unreadable(f"{markup.cut(text, 50)!r} is no duration like 00:45", line)
    lasts = _clock(text)
    if not timedelta() < lasts <= LONGEST:
        raise Unreadable(f"{text!r} is no duration between a minute and {LONGEST.days} days", line)
    return lasts


def _clock(text: str) -> timedelta:
    hours, minutes, *seconds = map(int, text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds[0] if seconds else 0)


def _day_change(text: str, line: int) -> time:
    if not text:
        return time()
    try:
        return _time(text).replace(tzinfo=None)
    except ValueError:
        raise Unreadable(f"the day change {markup.cut(text, 50)!r} is no time of day", line) from None


def _time(text: str) -> time:
    """Some tools write 9:30."""
    return time.fromisoformat(f"0{text}" if text[1:2] == ":" else text)


@dataclass(frozen=True)
class _Times:
    """How the times of this file are meant. What begins before `day_change` belongs to the night of the day before."""

    zone: ZoneInfo | None
    day_change: time

    def start(self, event: _Event) -> datetime:
        if on := event.texts.get("date"):
            line = event.lines["date"]
            if DAY.fullmatch(on):
                return self._placed(self._on(on, event.texts.get("start", ""), line), event.day, line)
            return self._placed(self._moment(event.texts["date"], line), event.day, line)
        line = event.lines.get("start", event.line)
        if event.day is None or not event.day.date or not event.texts.get("start"):
            raise Unreadable("the event has no date, nor a start on a day with a date", line)
        begins = self._on(event.day.date, event.texts["start"], line)
        is_night = begins.time() < self.day_change
        return self._placed(begins, event.day, line, later=timedelta(days=int(is_night)))

    def _on(self, day: str, start: str, line: int) -> datetime:
        try:
            return datetime.combine(date.fromisoformat(day), _time(start))
        except ValueError:
            text = markup.cut(f"{day} {start}", 50)
            raise Unreadable(f"{text!r} is no day and time of day", line) from None

    def _moment(self, text: str, line: int) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable(f"{markup.cut(text, 50)!r} is no date like 2026-02-01T10:30:00+01:00", line) from None

    def _placed(self, moment: datetime, day: _Day | None, line: int, *, later: timedelta = timedelta()) -> datetime:
        """In UTC: by its own offset, by the time zone of the conference, or by the offset of its day."""
        zone = moment.tzinfo or self.zone or self._zone_of(day)
        if zone is None:
            raise Unreadable("the time has no offset, and the file names no time zone", line)
        try:
            placed = (moment + later).replace(tzinfo=zone).astimezone(UTC)
        except OverflowError:
            placed = None
        if placed is None or not EARLIEST <= placed <= LATEST:
            raise Unreadable("the time is out of range", line)
        return placed

    def _zone_of(self, day: _Day | None) -> Any:
        return self._moment(day.start, day.line).tzinfo if day and day.start else None
