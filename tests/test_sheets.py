"""What the console does for the doors of a conference: attendees from a file, and sheets to be printed."""

import asyncio
import csv
import io
import re
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from commands import app
from commands.sheets import Sheet, render
from models import Admits, Network, QuestionBoard, Room, Session, SessionState, VisitorRights
from server import Service, Settings
from tests.world import World

Run = Callable[..., Result]
BASE = "https://ask.example.org/j/"


@pytest.fixture
def plenary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program in a folder of its own, with a network that Ann owns."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, arguments, input=typed)

    assert run("migrate").exit_code == 0
    owner = ("--email", "ann@example.com", "--name", "Ann", "--network", "Expo", "--password-stdin")
    assert run("create-account", *owner, typed="correct horse battery").exit_code == 0
    return run


def query(statement: str) -> list[Any]:
    with closing(sqlite3.connect("var/plenary.db")) as connection:
        return connection.execute(statement).fetchall()


def import_(plenary: Run, text: str | bytes, *more: str, organiser: str = "ann@example.com") -> Result:
    file = Path("attendees.csv")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return plenary("import-attendees", str(file), "--network", "Expo", "--as", organiser, *more)


# --- attendees -----------------------------------------------------------------------------------------------------


def test_each_line_of_the_file_has_its_line_in_the_report(plenary):
    done = import_(plenary, "\ufeffname;email\r\nKarin;karin@example.org\r\n;nobody@example.org\r\n")
    assert done.exit_code == 0, done.output
    report = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(line["line"], line["email"], line["outcome"]) for line in report] == [
        ("2", "karin@example.org", "ADDED"),
        ("3", "nobody@example.org", "REFUSED"),
    ]
    assert report[0]["sign_in_token"].startswith("plenary_link_")
    assert report[1]["message"] == "name is empty"
    assert done.stderr.strip() == "1 added, 0 updated, 0 unchanged, 1 refused"
    assert query("SELECT kind, name FROM member ORDER BY created_at") == [("INTERNAL", "Ann"), ("EXTERNAL", "Karin")]


def test_a_rehearsal_stores_nothing(plenary):
    done = import_(plenary, "name,email\nKarin,karin@example.org\n", "--dry-run")
    assert "ADDED" in done.stdout
    assert query("SELECT count(*) FROM attendee") == [(0,)]


@pytest.mark.parametrize(
    ("text", "organiser", "said"),
    [
        ("name\nKarin\n", "ann@example.com", "names no column email"),
        (b"name,email\nK\xe4rin,k@example.org\n", "ann@example.com", "not in UTF-8"),
        ("name,email\n", "bob@example.com", "no account of bob@example.com"),
    ],
)
def test_a_bad_list_or_organiser_gets_one_clear_line(plenary, text, organiser, said):
    refused = import_(plenary, text, organiser=organiser)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert query("SELECT count(*) FROM attendee") == [(0,)]


def test_whoever_does_not_administer_the_network_imports_nothing(plenary):
    other = ("--email", "bob@example.com", "--name", "Bob", "--network", "Expo", "--role", "MEMBER", "--password-stdin")
    plenary("create-account", *other, typed="correct horse battery")
    refused = import_(plenary, "name,email\nKarin,karin@example.org\n", organiser="bob@example.com")
    assert refused.exit_code == 2
    assert "does not administer Expo" in refused.stderr


def test_a_file_that_is_not_there_is_named(plenary):
    refused = plenary("import-attendees", "no.csv", "--network", "Expo", "--as", "ann@example.com")
    assert (refused.exit_code, refused.stderr) == (2, "no.csv: No such file or directory.\n")


# --- sheets --------------------------------------------------------------------------------------------------------


async def _furnish() -> None:
    """Two talks with codes, one cancelled, and one to which no visitor can come."""
    service = Service(Settings())
    async with service.database.read() as session:
        world = World(service, (await session.scalars(select(Network))).one())
    await _talk(world, '<script>alert(1)</script> & "more"', "CODE2345", hour=9)
    await _talk(world, "Later", "CODE6789", hour=22)
    await _talk(world, "Off", "CODE2222", hour=10, state=SessionState.CANCELLED)
    await _talk(world, "Closed shop", "CODE3333", hour=11, visitors=VisitorRights.NONE)
    await world.change(world.network, time_zone="Europe/Brussels")
    await service.database.close()


async def _talk(
    world: World, title: str, code: str, *, hour: int, visitors: VisitorRights = VisitorRights.ASK, **columns: Any
) -> None:
    community = await world.community(title, admits=Admits.EXTERNALS)
    room = Room(network_id=world.network.id, name=f"Room {hour} <b>")
    starts_at = datetime(2027, 2, 6, hour, 30, tzinfo=UTC)
    talk = Session(
        network_id=world.network.id,
        community_id=community.id,
        room_id=room.id,
        title=title,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        **columns,
    )
    board = QuestionBoard(network_id=world.network.id, community_id=community.id, title=title, join_code=code)
    board.visitors = visitors
    await world.add(room, talk, board)


def test_a_page_for_each_session_to_which_visitors_can_come(plenary):
    asyncio.run(_furnish())
    done = plenary("qr-sheets", "--network", "Expo", "--url", BASE, "--out", "sheets.html")
    assert done.exit_code == 0, done.output
    page = Path("sheets.html").read_text()
    assert page.count("<section>") == page.count("<svg") == 2
    assert "CODE-2345" in page
    assert "https://ask.example.org/j/CODE2345" in page
    assert "Saturday 6 February 2027, 10:30 to 11:30" in page
    assert "Saturday 6 February 2027, 23:30 to Sunday 7 February 2027, 00:30" in page
    assert [name for name in ("Off", "Closed shop", "CODE-2222", "CODE-3333") if name in page] == []
    assert page.index("CODE-2345") < page.index("CODE-6789")


def test_what_people_wrote_is_text_on_the_page_and_the_page_asks_nobody_for_anything(plenary):
    asyncio.run(_furnish())
    plenary("qr-sheets", "--network", "Expo", "--url", BASE, "--out", "sheets.html")
    page = Path("sheets.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;" in page
    assert "Room 9 &lt;b&gt;" in page
    assert re.findall(r"<(?:script|link|img|iframe|b)\b", page) == []
    assert re.findall(r"\b(?:src|href)\s*=|url\(|@import", page) == []


def test_the_qr_code_holds_the_address():
    """Two addresses make two drawings, one address always the same."""
    one, same, other = [render("T", [Sheet("T", (), holds)]) for holds in ("a", "a", "b")]
    assert one == same
    assert one != other


def test_a_page_for_each_attendee_holds_the_ticket_and_is_for_its_owners_eyes(plenary):
    import_(plenary, "name,email\nZoe <i>,zoe@example.org\nAda,ada@example.org\n")
    Path("t.html").touch(mode=0o644)
    done = plenary("qr-sheets", "--network", "Expo", "--out", "t.html", "--tickets")
    assert done.exit_code == 0, done.output
    page = Path("t.html").read_text()
    assert page.count("<svg") == 2
    assert page.index("<h1>Ada</h1>") < page.index("<h1>Zoe &lt;i&gt;</h1>")
    assert "example.org" not in page
    assert stat.S_IMODE(Path("t.html").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--network", "Nowhere", "--url", BASE, "--out", "s.html"), "no network Nowhere"),
        (("--network", "Expo", "--out", "s.html"), "--url"),
        (("--network", "Expo", "--url", "javascript:alert(1)", "--out", "s.html"), "--url"),
        (("--network", "Expo", "--url", BASE, "--out", "no/s.html"), "no/s.html: No such file or directory"),
    ],
)
def test_what_cannot_be_printed_is_said_in_one_line(plenary, arguments, said):
    refused = plenary("qr-sheets", *arguments)
    assert refused.exit_code == 2
    assert said in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not Path("s.html").exists()
