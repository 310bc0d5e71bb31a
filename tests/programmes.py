"""Schedules as files: written by ourselves, and the real one where it is there."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

REAL = Path(os.environ.get("PLENARY_SCHEDULE", Path(__file__).parents[2] / "shared/data/fosdem-2025-schedule.xml"))

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<schedule>
  <conference>
    <acronym>days-2026</acronym>
    <title>Days 2026</title>
    <time_zone_name>Europe/Brussels</time_zone_name>
  </conference>
  <day index="1" date="2026-03-05">
"""
TAIL = "  </day>\n</schedule>\n"


def event(id: str, *lines: str, **texts: str) -> str:
    """An event as the tools write it. `lines` are added as they are; an empty text leaves the element out."""
    said = {
        "date": "2026-03-05T10:00:00+01:00",
        "start": "10:00",
        "duration": "00:45",
        "title": f"Talk {id}",
        "track": "Main",
        "language": "en",
        "abstract": f"<p>About {id}</p>".replace("<", "&lt;"),
        **texts,
    }
    elements = [f"<{name}>{text}</{name}>" for name, text in said.items() if text]
    inner = "\n".join(f"        {line}" for line in (*elements, *lines))
    return f'      <event guid="{id}" id="1{id}">\n{inner}\n      </event>\n'


def persons(*names: str) -> str:
    return "<persons>" + "".join(f'<person id="{name.lower()}">{name}</person>' for name in names) + "</persons>"


def in_room(name: str, *events: str) -> str:
    return f'    <room name="{name}">\n{"".join(events)}    </room>\n'


def document(*rooms: str, head: str = HEAD) -> bytes:
    return (head + "".join(rooms) + TAIL).encode()


def small() -> bytes:
    """Thirty talks in three rooms, on three tracks, by ten people."""
    rooms: tuple[list[str], ...] = ([], [], [])
    for n in range(30):
        begins = f"{9 + n // 3:02}:00"
        said = {"date": f"2026-03-05T{begins}:00+01:00", "start": begins, "track": ("Main", "Rust", "Python")[n // 10]}
        rooms[n % 3].append(event(f"e{n}", persons(f"P{n % 10}", f"P{(n + 3) % 10}"), **said))
    return document(*(in_room(name, *events) for name, events in zip(("Aula", "Attic", "Cellar"), rooms, strict=True)))


@dataclass
class Planted:
    """The next version of a file, with so many differences."""

    content: bytes
    added: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)

    @property
    def all(self) -> set[str]:
        return self.added | self.changed | self.moved | self.cancelled


def plant(content: bytes) -> Planted:
    """Twenty differences, no two in one talk: every kind that there is."""
    root: Any = etree.fromstring(content)
    events = root.findall(".//event")[:18]
    planted = Planted(b"")
    for event, change in zip(events, [*CHANGES, *MOVES], strict=False):
        change(event)
        (planted.moved if change in MOVES else planted.changed).add(event.get("guid"))
    for event in events[16:18]:
        planted.cancelled.add(event.get("guid"))
        event.getparent().remove(event)
    for n in range(2):
        fresh = etree.fromstring(etree.tostring(events[n]))
        fresh.attrib.update({"guid": f"new-{n}", "id": f"new-{n}"})
        root.find(".//day/room").append(fresh)
        planted.added.add(f"new-{n}")
    planted.content = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return planted


def _put(name: str, text: str) -> Callable[[Any], None]:
    def put(event: Any) -> None:
        found = event.find(name)
        (etree.SubElement(event, name) if found is None else found).text = text

    return put


def _recast(event: Any) -> None:
    etree.SubElement(event.find("persons"), "person", id="new").text = "Nova"


_RENAMED, _RETOLD, _TRANSLATED = _put("title", "New"), _put("abstract", "<p>New</p>"), _put("language", "nl")
_ON_ANOTHER_TRACK = _put("track", "A new track")
_SHIFTED, _LENGTHENED = _put("date", "2026-03-06T08:15:00+01:00"), _put("duration", "03:05")
_ELSEWHERE = _put("room", "A new room")
CHANGES = [_RENAMED] * 3 + [_RETOLD] * 2 + [_TRANSLATED] + [_ON_ANOTHER_TRACK] * 2 + [_recast] * 2
MOVES = [_SHIFTED] * 3 + [_LENGTHENED] + [_ELSEWHERE] * 2
