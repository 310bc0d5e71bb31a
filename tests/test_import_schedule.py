"""`plenary import-schedule`, as an organiser uses it."""

import asyncio
import http.server
import re
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from commands import app, sources
from commands.sources import Address, File, Unreachable
from tests.programmes import document, event, in_room, small

Run = Callable[..., Result]
AS = ("--network", "Days", "--as", "org@example.com")
MEGABYTE = 1024 * 1024


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database and an organiser."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "ENVIRONMENT"):
        monkeypatch.delenv(f"PLENARY_{name}", raising=False)
    account = ("create-account", "--email", "org@example.com", "--name", "Org", "--network", "Home", "--password-stdin")
    for arguments in (("migrate",), account):
        assert CliRunner().invoke(app, arguments, input="correct horse battery\n").exit_code == 0
    return tmp_path


@pytest.fixture
def imported(home: Path) -> Run:
    def run(content: bytes | str, *arguments: str) -> Result:
        where = content if isinstance(content, str) else "schedule.xml"
        if isinstance(content, bytes):
            (home / "schedule.xml").write_bytes(content)
        return CliRunner().invoke(app, ["import-schedule", where, *(arguments or AS)])

    return run


def query(home: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(home / "var" / "plenary.db")) as connection:
        return connection.execute(statement).fetchall()


def everything(home: Path) -> str:
    with closing(sqlite3.connect(home / "var" / "plenary.db")) as connection:
        return "\n".join(connection.iterdump())


def test_it_prints_what_came_and_a_second_time_that_nothing_did(imported: Run, home: Path):
    first = imported(small())
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines() == [
        "Days 2026",
        "  sessions 30 added, 0 changed, 0 cancelled, 0 unchanged",
        "  tracks   3 added, 0 changed, 0 cancelled, 0 unchanged",
        "  rooms    3 added, 0 changed, 0 cancelled, 0 unchanged",
        "  people   10 added, 0 changed, 0 cancelled, 0 unchanged",
    ]
    before = everything(home)
    second = imported(small())
    assert second.exit_code == 0
    assert "0 added, 0 changed, 0 cancelled, 30 unchanged" in second.stdout
    assert everything(home) == before


def test_the_network_is_made_for_an_event_in_its_time_zone_and_the_organiser_owns_it(imported: Run, home: Path):
    assert imported(small()).exit_code == 0
    assert query(home, "SELECT name, kind, time_zone FROM network WHERE name <> 'Home'") == [
        ("Days", "EVENT", "Europe/Brussels")
    ]
    owners = "SELECT member.name, role FROM member JOIN network ON network.id = network_id WHERE network.name = 'Days'"
    assert query(home, owners) == [("Org", "OWNER")]


def test_boards_open_as_long_before_as_one_says(imported: Run, home: Path):
    assert imported(small(), *AS, "--opens-before", "2.5").exit_code == 0
    hours = "(julianday(starts_at) - julianday(opens_at)) * 24"
    joined = "session JOIN question_board AS board ON board.community_id = session.community_id"
    assert query(home, f"SELECT DISTINCT round({hours}, 3) FROM {joined}") == [(2.5,)]  # noqa: S608 - our own words


BAD = {
    "no file": ("nowhere.xml", "No such file"),
    "a folder": (".", "Is a directory"),
    "no XML": (b"BEGIN:VCALENDAR", "line 1: "),
    "a bomb": (b'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "a">]>\n<schedule/>', "line 2: a document type"),
    "no date": (document(in_room("Aula", event("a", date="", start=""))), "line 10: the event has no date"),
    "a half of one": (small()[:3_000], "line "),
    "too much": (b" " * (33 * MEGABYTE), "larger than 32 MB"),
    "another protocol": ("ftp://example.com/schedule.xml", "only http and https"),
    "no server": ("http://127.0.0.1:9/schedule.xml", "127.0.0.1:9"),
    "no address": ("http://[::1/schedule.xml", "http"),
}


@pytest.mark.parametrize(("content", "why"), BAD.values(), ids=BAD)
def test_what_is_refused_is_said_and_nothing_is_stored(imported: Run, home: Path, content: bytes | str, why: str):
    before = everything(home)
    result = imported(content)
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr
    assert "nothing was stored" in result.stderr
    assert "Traceback" not in result.output
    assert everything(home) == before


WHO = {
    "nobody of that e-mail": (
        ("--network", "Days", "--as", "none@example.com"),
        "There is no account of none@example.com",
    ),
    "no e-mail": (("--network", "Days", "--as", "none"), "as is not an e-mail address"),
    "no name": (("--network", " ", "--as", "org@example.com"), "network is empty"),
    "no administrator": (("--network", "Home", "--as", "plain@example.com"), "does not administer Home"),
    "a stranger": (("--network", "Days", "--as", "plain@example.com"), "does not administer Days"),
}


@pytest.mark.parametrize(("arguments", "why"), WHO.values(), ids=WHO)
def test_it_runs_as_an_administrator(imported: Run, home: Path, arguments: tuple[str, ...], why: str):
    plain = ("create-account", "--email", "plain@example.com", "--name", "P", "--network", "Home", "--role", "MEMBER")
    assert CliRunner().invoke(app, [*plain, "--password-stdin"], input="correct horse battery\n").exit_code == 0
    if "Days" in why:
        assert imported(small()).exit_code == 0
    before = everything(home)
    result = imported(small(), *arguments)
    assert (result.exit_code, why in result.stderr) == (2, True), result.stderr
    assert everything(home) == before


# --- over HTTP -----------------------------------------------------------------------------------------------------


class Site(http.server.ThreadingHTTPServer):
    """Serves one schedule, and counts how often it was really sent."""

    content = small()
    tag = '"one"'
    sent = 0
    is_endless = False


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/schedule.xml")
            self.end_headers()
        elif self.path != "/schedule.xml":
            self.send_error(404)
        elif self.headers.get("If-None-Match") == self.server.tag:
            self.send_response(304)
            self.end_headers()
        else:
            self.send_response(200)
            self.send_header("ETag", self.server.tag)
            self.end_headers()
            self.server.sent += 1
            self.wfile.write(self.server.content)
            while self.server.is_endless:
                self.wfile.write(b" " * MEGABYTE)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(("127.0.0.1", 0), Handler) as site:
        site.handle_error = lambda *_: None  # type: ignore[method-assign]  # whoever hangs up is no error
        thread = threading.Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield site
        site.is_endless = False
        site.shutdown()
        thread.join()


def address(site: Site, path: str = "schedule.xml") -> str:
    return f"http://127.0.0.1:{site.server_port}/{path}"


@pytest.mark.parametrize("path", ["schedule.xml", "moved"])
def test_an_address_is_read_like_a_file(imported: Run, site: Site, path: str):
    result = imported(address(site, path))
    assert (result.exit_code, "30 added" in result.stdout) == (0, True), result.stderr


def test_what_is_not_there_is_said_with_its_status(imported: Run, site: Site):
    result = imported(address(site, "nothing.xml"))
    assert (result.exit_code, "answers 404" in result.stderr) == (2, True)


def test_an_endless_answer_is_cut_off(imported: Run, site: Site):
    site.is_endless = True
    result = imported(address(site))
    assert (result.exit_code, "larger than 32 MB" in result.stderr) == (2, True)


async def test_what_has_not_changed_is_not_sent_again(site: Site):
    source = Address(address(site))
    assert await source.read() == site.content
    assert await source.read() is None
    assert site.sent == 1
    site.content, site.tag = b"new", '"two"'
    assert await source.read() == b"new"


async def test_a_file_is_read_when_it_has_changed(tmp_path: Path):
    source = File(tmp_path / "schedule.xml")
    with pytest.raises(Unreachable):
        await source.read()
    source.path.write_bytes(b"one")
    assert [await source.read(), await source.read()] == [b"one", None]
    source.path.write_bytes(b"three")
    assert await source.read() == b"three"


async def test_a_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as hung, pytest.raises(Unreachable, match="Timeout"):
        await Address(f"http://127.0.0.1:{hung.getsockname()[1]}/").read()


# --- and watched ---------------------------------------------------------------------------------------------------


async def test_a_watched_file_is_followed_and_what_is_broken_is_only_said(home: Path):
    """The organiser saves the file three times: better, broken, and right again. Ctrl-C ends it quietly."""
    path = home / "schedule.xml"
    path.write_bytes(small())
    # Whoever starts the tests in the background has Ctrl-C ignored, and so would the command.
    run = "import commands, signal; signal.signal(signal.SIGINT, signal.default_int_handler); commands.main()"
    command = [sys.executable, "-c", run, "import-schedule", str(path), *AS]
    process = await asyncio.create_subprocess_exec(
        *command, "--watch", "--every", "0.2",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd=home, env={"PYTHONPATH": str(Path(__file__).parent.parent), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert process.stdout
    assert process.stderr
    out, errors = process.stdout, process.stderr

    async def until(stream: asyncio.StreamReader, pattern: str) -> None:
        async with asyncio.timeout(60):
            while not re.search(pattern, (await stream.readline()).decode()):
                pass

    await until(out, "sessions 30 added")
    await until(out, "people")
    path.write_bytes(small().replace(b"Talk e7<", b"Speech e7<"))
    await until(out, "sessions 0 added, 1 changed, 0 cancelled, 29 unchanged")
    path.write_bytes(small()[:3_000])
    await until(errors, "Nothing was stored. line ")
    path.write_bytes(small())
    await until(out, "sessions 0 added, 1 changed, 0 cancelled, 29 unchanged")
    process.send_signal(2)
    async with asyncio.timeout(30):
        await process.wait()
    assert b"Traceback" not in await errors.read()
