"""Schedules as conference tools publish them: what is understood, and what is refused with its line."""

from datetime import UTC, datetime
from typing import Any

import pytest

from resolvers import frab
from resolvers.frab import Person, Unreadable
from tests.programmes import HEAD, document, event, in_room, persons


def only(content: bytes) -> Any:
    (talk,) = frab.read(content).talks
    return talk


def test_an_event_is_read_with_all_that_it_says():
    said = {
        "title": "Caf&#233; &amp; &lt;b&gt;", "subtitle": "Sub", "language": "fr", "url": "https://example.com/1",
        "abstract": "&lt;p onclick='x'&gt;A&lt;script&gt;b&lt;/script&gt;&lt;/p&gt;",
        "description": "<![CDATA[<em>C</em>]]>",
    }  # fmt: skip
    read = frab.read(document(in_room("Aula", event("a", persons("Ruth", "Sofia"), **said))))
    assert (read.acronym, read.title, read.time_zone) == ("days-2026", "Days 2026", "Europe/Brussels")
    (talk,) = read.talks
    assert (talk.id, talk.title, talk.subtitle, talk.language, talk.url) == (
        "a", "Café & <b>", "Sub", "fr", "https://example.com/1"
    )  # fmt: skip
    assert talk.abstract_html == "<p>A</p>\n<em>C</em>"
    assert (talk.starts_at, talk.ends_at) == (
        datetime(2026, 3, 5, 9, 0, tzinfo=UTC), datetime(2026, 3, 5, 9, 45, tzinfo=UTC)
    )  # fmt: skip
    assert (talk.track, talk.room) == ("Main", "Aula")
    assert talk.people == (Person("ruth", "Ruth"), Person("sofia", "Sofia"))


TIMES = {
    "an offset": ({"date": "2026-07-05T10:00:00+05:30"}, (2026, 7, 5, 4, 30)),
    "Zulu": ({"date": "2026-07-05T10:00:00Z"}, (2026, 7, 5, 10, 0)),
    "the time zone of the conference, in summer": ({"date": "2026-07-05T10:00:00"}, (2026, 7, 5, 8, 0)),
    "and in winter": ({"date": "2026-01-05T10:00:00"}, (2026, 1, 5, 9, 0)),
    "the day and the start": ({"date": ""}, (2026, 3, 5, 9, 0)),
    "a start of one digit": ({"date": "", "start": "9:30"}, (2026, 3, 5, 8, 30)),
    "and with seconds": ({"date": "", "start": "9:30:00"}, (2026, 3, 5, 8, 30)),
    "a start with an offset": ({"date": "", "start": "10:00+05:00"}, (2026, 3, 5, 5, 0)),
    "a date that is a day, and the start": ({"date": "2026-03-06"}, (2026, 3, 6, 9, 0)),
}


@pytest.mark.parametrize(("said", "expected"), TIMES.values(), ids=TIMES)
def test_a_time_is_told_by(said: dict[str, str], expected: tuple[int, ...]):
    assert only(document(in_room("Aula", event("a", **said)))).starts_at == datetime(*expected, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_what_begins_before_the_change_of_day_belongs_to_the_night_before():
    head = HEAD.replace("</conference>", "<day_change>06:00:00</day_change></conference>")
    late = event("a", date="", start="01:30")
    assert only(document(in_room("Aula", late), head=head)).starts_at == datetime(2026, 3, 6, 0, 30, tzinfo=UTC)


def test_a_day_may_bring_the_offset_for_its_times():
    head = HEAD.replace("    <time_zone_name>Europe/Brussels</time_zone_name>\n", "").replace(
        'date="2026-03-05"', 'date="2026-03-05" start="2026-03-05T09:00:00-04:00"'
    )
    said = event("a", date="", start="10:00")
    assert only(document(in_room("Aula", said), head=head)).starts_at == datetime(2026, 3, 5, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "minutes"), [("00:05", 5), ("1:30", 90), ("24:00", 1440), ("00:20:00", 20)])
def test_a_duration_is_hours_and_minutes(text: str, minutes: int):
    talk = only(document(in_room("Aula", event("a", duration=text))))
    assert (talk.ends_at - talk.starts_at).total_seconds() == 60 * minutes


def test_an_event_without_guid_goes_by_its_id_and_a_person_without_id_by_name():
    bare = event("a", "<persons><person>Ruth</person></persons>").replace('guid="a" ', "")
    talk = only(document(in_room("Aula", bare)))
    assert (talk.id, talk.people) == ("1a", (Person("Ruth", "Ruth"),))


def test_what_is_too_long_is_cut_and_what_is_no_address_is_left_out():
    long = event("a", title="x" * 400, url="javascript:alert(1)", abstract="&lt;b&gt;" * 30_000 + "x" * 60_000)
    talk = only(document(in_room("y" * 300, long)))
    assert (len(talk.title), talk.title[-1], len(talk.room), talk.url) == (300, "…", 200, None)
    assert len(talk.abstract_html) <= 50_000


FINE = document(in_room("Aula", event("a"))).decode()
BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
REFUSED: dict[str, tuple[str, int, str]] = {
    "nothing": ("", 1, "no well-formed XML"),
    "blanks": ("\n\n  \n", 4, "no well-formed XML"),
    "JSON": ('{"schedule": {}}', 1, "no well-formed XML"),
    "another root": (FINE.replace("schedule>", "agenda>"), 2, "<agenda>"),
    "HTML": ("<html>\n<p>404</p></html>", 1, "<html>"),
    "an unclosed element": (FINE.replace("</title>", "", 1), 7, "no well-formed XML"),
    "half of the file": (FINE[: FINE.index("<track>")], 15, "no well-formed XML"),
    "two roots": (FINE + "<schedule/>", 22, "no well-formed XML"),
    "an unknown entity": (FINE.replace("Talk a", "&nbsp;"), 14, "no well-formed XML"),
    "a bomb": (FINE.replace("<schedule>", f'<!DOCTYPE s [<!ENTITY l0 "ha">{BOMB}]>\n<schedule>').replace(
        "Talk a", "&l9;"), 2, "document type"),
    "a bomb in an attribute": (
        FINE.replace("<schedule>", f'<!DOCTYPE s [<!ENTITY l0 "ha">{BOMB}]>\n<schedule x="&l9;">'), 2, "document type"),
    "a file of this machine": (
        FINE.replace("<schedule>", '<!DOCTYPE s [\n<!ENTITY x SYSTEM "file:///etc/passwd">\n]>\n<schedule>').replace(
            "Talk a", "&x;"), 2, "document type"),
    "a document type elsewhere": (FINE.replace("<schedule>", '<!DOCTYPE s SYSTEM "http://127.0.0.1:1/x">\n<schedule>'),
                                  2, "document type"),
    "a control character": (FINE.replace("Talk a", "\x01"), 14, "no well-formed XML"),
    "no acronym": (
        FINE.replace("<acronym>days-2026</acronym>", "").replace("<title>Days 2026</title>", ""), 3, "acronym"),
    "no such time zone": (FINE.replace("Europe/Brussels", "Europe/Atlantis"), 3, "'Europe/Atlantis'"),
    "a path for a time zone": (FINE.replace("Europe/Brussels", "../../etc/passwd"), 3, "no time zone"),
    "no event": (HEAD + "  </day>\n</schedule>", 3, "no event"),
    "no title": (FINE.replace("<title>Talk a</title>", ""), 10, "no title"),
    "an empty title": (FINE.replace("Talk a", "  "), 14, "no title"),
    "no duration": (FINE.replace("<duration>00:45</duration>", ""), 10, "no duration"),
    "a wrong duration": (FINE.replace("00:45", "three quarters"), 13, "'three quarters'"),
    "a duration of nothing": (FINE.replace("00:45", "00:00"), 13, "'00:00'"),
    "an endless duration": (FINE.replace("00:45", "999:00"), 13, "'999:00'"),
    "no date and no start": (
        FINE.replace("<date>2026-03-05T10:00:00+01:00</date>", "").replace("<start>10:00</start>", ""), 10, "no date"),
    "a wrong date": (FINE.replace("2026-03-05T10", "2026-02-31T10"), 11, "'2026-02-31T10:00:00+01:00'"),
    "a wrong start": (
        FINE.replace("<date>2026-03-05T10:00:00+01:00</date>", "").replace(">10:00<", ">25:00<"), 12, "25:00"),
    "the end of all calendars": (
        FINE.replace("2026-03-05T10:00:00+01:00", "9999-12-31T23:30:00+00:00"), 11, "out of range"),
    "the begin of all calendars": (
        FINE.replace("2026-03-05T10:00:00+01:00", "0001-01-01T00:00:00+00:00"), 11, "out of range"),
    "a date beyond them": (
        FINE.replace("2026-03-05T10:00:00+01:00", "9999-12-31T23:30:00-12:00"), 11, "out of range"),
    "a day without a start": (
        FINE.replace("2026-03-05T10:00:00+01:00", "2026-03-05").replace("<start>10:00</start>", ""), 11, "no day"),
    "a wrong change of day": (FINE.replace("</conference>", "<day_change>noon</day_change></conference>"), 3, "'noon'"),
    "an encoding that is none": (FINE.replace("UTF-8", "KLINGON-8"), 1, "no well-formed XML"),
    "a depth without end": (FINE.replace("Talk a", "<b>" * 5_000), 14, "no well-formed XML"),
    "a time in no zone": (
        FINE.replace("<time_zone_name>Europe/Brussels</time_zone_name>", "").replace("10:00:00+01:00", "10:00:00"),
        11, "no offset"),
    "no id": (FINE.replace('guid="a" id="1a"', ""), 10, "guid"),
    "a long id": (FINE.replace('guid="a"', f'guid="{"a" * 101}"'), 10, "guid"),
    "one id twice": (document(in_room("Aula", event("a"), event("b"), event("a"))).decode(), 28, "line 10"),
    "a person's long id": (
        document(in_room("Aula", event("a", f'<persons><person id="{"a" * 101}">R</person></persons>'))).decode(),
        18, "person's id"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "why"), REFUSED.values(), ids=REFUSED)
def test_refused_with_the_line(text: str, line: int, why: str):
    with pytest.raises(Unreadable) as refusal:
        frab.read(text.encode())
    assert why in str(refusal.value)
    assert (refusal.value.line, f"line {line}: " in str(refusal.value)) == (line, True)


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_other_encodings_are_read_and_hide_no_document_type(encoding: str):
    text = FINE.replace("UTF-8", "UTF-16" if encoding == "utf-16" else encoding.removesuffix("-sig"))
    text = text.replace("Talk a", "Café")
    assert only(text.encode(encoding)).title == "Café"
    typed = text.replace("<schedule>", '<!DOCTYPE s [<!ENTITY l0 "ha">]>\n<schedule>')
    with pytest.raises(Unreadable, match="document type"):
        frab.read(typed.encode(encoding))


def test_a_file_that_is_too_large_is_not_even_parsed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frab, "_elements", lambda _content: pytest.fail("it was parsed"))
    with pytest.raises(Unreadable, match="larger than 32 MB"):
        frab.read(b" " * (frab.SIZE_MOST + 1))


def test_more_events_than_anybody_can_hold_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(frab, "SESSIONS_MOST", 2)
    with pytest.raises(Unreadable, match="more than 2 events"):
        frab.read(document(in_room("Aula", *(event(f"e{n}") for n in range(3)))))


def test_the_line_is_right_in_a_long_file():
    many = [event(f"e{n}") for n in range(8_000)]
    content = document(in_room("Aula", *many)).replace(b"Talk e7999", b"  ")
    line = content[: content.index(b"<title>  </title>")].count(b"\n") + 1
    with pytest.raises(Unreadable, match=f"line {line}: "):
        frab.read(content)
