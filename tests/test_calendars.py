"""A schedule as a calendar, and what in it collides."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from models import Room, SessionState, Track, Visibility
from tests.world import Person, World, gid

SCHEDULE = """query ($id: ID!, $mine: Boolean!) { schedule(networkId: $id, mine: $mine) {
  ics overlaps { one { title } other { title } } } }"""
DAY = datetime(2026, 3, 28, 9, tzinfo=UTC)  # the day before the clocks of Europe go forward


async def schedule(world: World, person: Person, *, mine: bool = True) -> Any:
    return (await person.client.ask(SCHEDULE, id=gid(world.network), mine=mine))["schedule"]


async def plan(world: World, person: Person, title: str, starts_at: datetime, hours: float = 1, **columns: Any) -> Any:
    community = await world.community(title, owner=person)
    return await world.session(
        community, title, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours), **columns
    )


async def test_my_schedule_is_a_calendar_in_the_time_of_the_place(world: World, ann: Person, bob: Person):
    await world.change(world.network, time_zone="Europe/Brussels")
    track, room = [what(network_id=world.network.id, name=what.__name__) for what in (Track, Room)]
    await world.add(track, room)
    session = await plan(
        world, ann, "Straße & <talk>; 100%, \\n", DAY, track_id=track.id, room_id=room.id,
        abstract_html="<p>One &amp; two</p>", url="https://example.com/x",
    )  # fmt: skip
    later = await plan(world, ann, "Later", DAY + timedelta(days=1), state=SessionState.CANCELLED, change_note="Ill")
    await plan(world, bob, "Bob's", DAY)
    calendar: Any = Calendar.from_ical((await schedule(world, ann))["ics"])
    first, second = calendar.walk("VEVENT")
    assert (str(first["SUMMARY"]), str(first["LOCATION"]), str(first["STATUS"])) == (session.title, "Room", "CONFIRMED")
    assert (str(first["DESCRIPTION"]), str(first["URL"])) == ("One & two", "https://example.com/x")
    assert first["CATEGORIES"].cats == ["Track"]
    assert DAY.astimezone(ZoneInfo("Europe/Brussels")) == first.DTSTART
    assert [(e.DTSTART.hour, e.DTSTART.utcoffset()) for e in (first, second)] == [
        (10, timedelta(hours=1)),
        (11, timedelta(hours=2)),
    ]
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Brussels"]
    assert (str(second["STATUS"]), str(second["DESCRIPTION"])) == ("CANCELLED", "Ill")
    assert [str(event["UID"]) for event in (first, second)] == [f"{row.id}@plenary" for row in (session, later)]


async def test_an_entry_keeps_its_id_and_counts_up_when_its_session_moves(world: World, ann: Person, clock: Any):
    session = await plan(world, ann, "Talk", DAY)

    async def entry() -> Any:
        (found,) = Calendar.from_ical((await schedule(world, ann))["ics"]).walk("VEVENT")
        return found

    before = await entry()
    assert await entry() == before
    clock.advance(hours=1)
    await world.change(session, starts_at=DAY + timedelta(hours=1), changed_at=world.now)
    after = await entry()
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert timedelta(hours=1) == after.DTSTART - before.DTSTART


async def test_what_collides_of_my_sessions_is_told_in_pairs(world: World, ann: Person, bob: Person):
    await plan(world, ann, "Long", DAY, hours=3)
    await plan(world, ann, "Within", DAY + timedelta(hours=1))
    await plan(world, ann, "Right after within", DAY + timedelta(hours=2))
    await plan(world, ann, "Off", DAY, state=SessionState.CANCELLED)
    await plan(world, ann, "Evening", DAY + timedelta(hours=8))
    await plan(world, bob, "Bob's", DAY)
    expected = [("Long", "Within"), ("Long", "Right after within")]
    for mine in (True, False):
        pairs = (await schedule(world, ann, mine=mine))["overlaps"]
        assert [(pair["one"]["title"], pair["other"]["title"]) for pair in pairs] == expected
    assert (await schedule(world, bob))["overlaps"] == []


async def test_the_calendar_holds_what_the_viewer_may_see_and_no_more(world: World, ann: Person, bob: Person):
    hidden = await world.community(owner=ann, visibility=Visibility.HIDDEN)
    await world.session(hidden, "Secret")
    await plan(world, ann, "Open", DAY)
    shown = [(await schedule(world, person, mine=False))["ics"] for person in (ann, bob)]
    assert [("Secret" in ics, "Open" in ics) for ics in shown] == [(True, True), (False, True)]
