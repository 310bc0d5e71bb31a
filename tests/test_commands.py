"""The console program, as a person at a terminal uses it."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from commands import app
from resolvers import accounts
from resolvers.context import Context
from schema.root import build
from server import Service, Settings

PASSWORD = "correct horse battery"
DEADLINE = 60.0
NO_POSTGRES = "postgresql+asyncpg://plenary:sesame@127.0.0.1:1/plenary"
ROLES = {
    "employee",
    "guest",
    "support agent",
    "developer",
    "responder",
    "moderator",
    "speaker",
    "attendee",
    "anonymous attendee",
    "display",
}

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, as after a fresh clone."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "BROKER_URL", "SECRET_KEY", "ENVIRONMENT"):
        monkeypatch.delenv(f"PLENARY_{name}", raising=False)
    return tmp_path


@pytest.fixture
def plenary(home: Path) -> Run:
    def run(*arguments: str, typed: str = "", **settings: str) -> Result:
        environment = {f"PLENARY_{name.upper()}": value for name, value in settings.items()}
        return CliRunner().invoke(app, arguments, input=typed, env=environment)

    return run


@pytest.fixture
def migrated(plenary: Run, home: Path) -> Path:
    assert plenary("migrate").exit_code == 0
    return home / "var" / "plenary.db"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder, made once: it takes some seconds."""
    folder = tmp_path_factory.mktemp("demo") / "var"
    settings = {"PLENARY_DATABASE_URL": f"sqlite+aiosqlite:///{folder}/plenary.db", "PLENARY_SECRET_KEY": "k" * 32}
    for command in ("migrate", "demo"):
        result = CliRunner().invoke(app, [command], env=settings)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def demo(filled: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the demo's folder at var/."""
    monkeypatch.setenv("PLENARY_SECRET_KEY", "k" * 32)
    return Path(shutil.copytree(filled, home / "var"))


def query(database: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement).fetchall()


def everything(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize("command", ["serve", "demo", "migrate"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("database_url", "postgresql://plenary:sesame@db/plenary"),
        ("database_url", "postgresql+asyncpg://plenary:sesame@db:port/plenary"),
        ("database_url", "sqlite+aiosqlite://"),
        ("broker_url", "smoke://plenary:sesame@hill"),
        ("environment", "sesame"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(plenary, command, name, value):
    result = plenary(command, **{name: value})
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"PLENARY_{name.upper()}: must ")
    assert "sesame" not in result.output


@pytest.mark.parametrize("key", ["", "short"])
def test_production_wants_a_secret_key(plenary, home, key):
    result = plenary("serve", environment="production", secret_key=key)
    assert result.exit_code == 2
    assert result.stderr.startswith("PLENARY_SECRET_KEY: must ")
    assert not (home / "var").exists()


def test_the_program_tells_its_version_and_its_commands(plenary):
    assert re.fullmatch(r"plenary \d+\.\d+\.\d+\n", plenary("--version").stdout)
    told = plenary("--help").stdout
    for command in ("serve", "demo", "migrate", "create-account", "export-schema", "doctor"):
        assert command in told
        assert plenary(command, "--help").exit_code == 0


def test_the_exported_schema_is_the_schema(plenary):
    assert plenary("export-schema").stdout == build(sort_schema=True).as_str() + "\n"


def test_migrating_twice_is_migrating_once(plenary, home):
    assert "Applied 0001" in plenary("migrate").stdout
    before = everything(home / "var" / "plenary.db")
    again = plenary("migrate")
    assert (again.exit_code, "Applied" in again.stdout) == (0, False)
    assert everything(home / "var" / "plenary.db") == before


def test_the_doctor_says_what_a_fresh_clone_lacks(plenary, home):
    result = plenary("doctor")
    assert result.exit_code == 1
    assert re.search(r"^problem +database .*`plenary migrate`$", result.stdout, re.MULTILINE)
    assert re.search(r"^ok +broker ", result.stdout, re.MULTILINE)
    assert not (home / "var" / "plenary.db").exists()


def test_the_doctor_finds_a_migrated_database_well(plenary, migrated):
    result = plenary("doctor")
    assert result.exit_code == 0
    states = [line.split()[:2] for line in result.stdout.splitlines()]
    looked_at = ("settings", "database", "migrations", "head", "letters", "broker", "mail")
    assert states == [["ok", name] for name in looked_at]


def test_the_doctor_finds_an_empty_database_not_migrated(plenary, migrated):
    migrated.unlink()
    migrated.touch()
    result = plenary("doctor")
    assert result.exit_code == 1
    assert re.search(r"^problem +migrations .*`plenary migrate`$", result.stdout, re.MULTILINE)


def test_the_doctor_misses_the_head_row(plenary, migrated):
    query(migrated, "DELETE FROM head")
    result = plenary("doctor")
    assert result.exit_code == 1
    assert re.search(r"^problem +head row ", result.stdout, re.MULTILINE)


def test_the_doctor_tells_no_password(plenary):
    result = plenary("doctor", database_url=NO_POSTGRES)
    assert result.exit_code == 1
    assert "postgresql+asyncpg://127.0.0.1:1/plenary does not answer" in result.stdout
    assert "sesame" not in result.output


def test_the_doctor_names_a_bad_setting(plenary):
    result = plenary("doctor", broker_url="smoke://plenary:sesame@hill")
    assert result.exit_code == 2
    assert result.stdout.startswith("problem  settings    PLENARY_BROKER_URL: must ")
    assert "sesame" not in result.output


@pytest.mark.parametrize("command", [["serve"], ["demo"]])
def test_nothing_starts_without_its_tables(plenary, command):
    result = plenary(*command)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "`plenary migrate`" in line


@pytest.mark.parametrize("command", ["serve", "demo", "migrate"])
def test_a_database_that_is_down_is_one_line(plenary, command):
    result = plenary(command, database_url=NO_POSTGRES)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "postgresql+asyncpg://127.0.0.1:1/plenary" in line
    assert "sesame" not in result.output


def test_a_port_that_is_taken_is_one_line(plenary, migrated):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = plenary("serve", "--port", str(port))
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Cannot listen on 127.0.0.1 port {port}: ")


def test_bots_need_the_demo(plenary, migrated):
    result = plenary("serve", "--bots")
    assert result.exit_code == 1
    assert "`plenary demo`" in result.stderr


def create(plenary: Run, email: str, network: str = "Acme", *more: str, typed: str = PASSWORD) -> Result:
    arguments = ("--email", email, "--name", "Ann", "--network", network, "--password-stdin", *more)
    return plenary("create-account", *arguments, typed=typed)


async def sign_in(database: Path, email: str) -> accounts.Started:
    settings = Settings(database_url=f"sqlite+aiosqlite:///{database}", secret_key=SecretStr("k" * 32))
    service = Service(settings)
    try:
        return await accounts.sign_in(Context(service.means), email=email, password=PASSWORD)
    finally:
        await service.database.close()


def test_an_account_made_by_hand_can_sign_in(plenary, migrated):
    result = create(plenary, "Ann@example.com")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["Account", "Network", "Member"]
    assert asyncio.run(sign_in(migrated, "ann@example.com")).account.display_name == "Ann"
    assert query(migrated, "SELECT network.name, role, member.kind FROM member JOIN network") == [
        ("Acme", "OWNER", "INTERNAL")
    ]


def test_the_second_account_joins_the_same_network(plenary, migrated):
    create(plenary, "ann@example.com")
    create(plenary, "bob@example.com", "Acme", "--role", "MEMBER")
    assert query(migrated, "SELECT count(*) FROM network") == [(1,)]
    assert query(migrated, "SELECT role FROM member ORDER BY created_at") == [("OWNER",), ("MEMBER",)]


def test_somebody_with_an_account_keeps_it_in_a_second_network(plenary, migrated):
    create(plenary, "ann@example.com")
    assert create(plenary, "ann@example.com", "Expo", typed="").exit_code == 0
    assert query(migrated, "SELECT count(*) FROM account") == [(1,)]
    assert query(migrated, "SELECT count(*) FROM member") == [(2,)]
    asyncio.run(sign_in(migrated, "ann@example.com"))


def test_somebody_cannot_be_in_a_network_twice(plenary, migrated):
    create(plenary, "ann@example.com")
    before = everything(migrated)
    result = create(plenary, "ann@example.com")
    assert (result.exit_code, result.stderr) == (1, "ann@example.com is a member of Acme already.\n")
    assert everything(migrated) == before


@pytest.mark.parametrize(
    ("email", "network", "password", "flaw"),
    [
        ("nobody", "Acme", PASSWORD, "email is not an e-mail address"),
        ("ann@example.com", " ", PASSWORD, "network is empty"),
        ("ann@example.com", "Acme", "short", "password needs between 10 and 200 characters"),
    ],
)
def test_an_account_that_cannot_be_is_refused(plenary, migrated, email, network, password, flaw):
    before = everything(migrated)
    result = create(plenary, email, network, typed=password)
    assert (result.exit_code, result.stderr) == (2, f"{flaw}\n")
    assert everything(migrated) == before


def test_the_demo_is_for_development(plenary, home):
    result = plenary("demo", environment="production", secret_key="k" * 32)
    assert result.exit_code == 1
    assert "development" in result.stderr
    assert not (home / "var").exists()


def test_a_second_demo_changes_nothing(plenary, demo):
    before, file = everything(demo / "plenary.db"), (demo / "demo.json").read_text()
    result = plenary("demo")
    assert result.exit_code == 0, result.output
    assert "is there; nothing was changed" in result.stdout
    assert everything(demo / "plenary.db") == before
    assert (demo / "demo.json").read_text() == file


def test_the_sign_ins_of_the_demo_are_for_their_owner_alone(demo):
    assert stat.S_IMODE((demo / "demo.json").stat().st_mode) == 0o600
    sign_ins = json.loads((demo / "demo.json").read_text())["signIns"]
    assert {sign_in["role"] for sign_in in sign_ins} >= ROLES
    assert len({sign_in["role"] for sign_in in sign_ins}) == len(sign_ins)


def test_a_lost_file_of_the_demo_is_written_anew(plenary, demo):
    known = json.loads((demo / "demo.json").read_text())
    (demo / "demo.json").unlink()
    result = plenary("demo")
    assert result.exit_code == 0, result.output
    written = json.loads((demo / "demo.json").read_text())
    assert {key: written[key] for key in ("networks", "communities", "boards")} == {
        key: known[key] for key in ("networks", "communities", "boards")
    }
    assert query(demo / "plenary.db", "SELECT count(*) FROM network") == [(2,)]
    assert query(demo / "plenary.db", "SELECT count(*) FROM kiosk_key WHERE revoked_at IS NULL") == [(1,)]


def test_a_demo_that_was_broken_off_says_so(plenary, migrated):
    create(plenary, "ida.halden@halden.example", "Halden Instruments")
    result = plenary("demo")
    assert result.exit_code == 1
    assert "begin with an empty database" in result.stderr


def test_the_demo_has_something_of_everything(demo):
    def states(table: str) -> set[str]:
        return {state for (state,) in query(demo / "plenary.db", f"SELECT DISTINCT state FROM {table}")}  # noqa: S608

    assert states("question") == {"PENDING", "VISIBLE", "ANSWERED", "REJECTED", "WITHDRAWN"}
    assert states("escalation") == {"PULL", "PUSHED", "RESOLVED"}
    assert query(demo / "plenary.db", "SELECT count(*) FROM question WHERE on_screen") == [(1,)]
    seen = query(demo / "plenary.db", "SELECT DISTINCT visibility FROM community")
    assert {visibility for (visibility,) in seen} == {"OPEN", "PRIVATE", "HIDDEN"}
    assert query(demo / "plenary.db", "SELECT count(*) FROM content WHERE published_at > datetime('now')") == [(0,)]


def test_bots_use_the_public_api_alone():
    bots = Path(__file__).parent.parent / "commands" / "bots"
    below = re.compile(r"^(from|import) (models|realtime|resolvers|schema|server)\b", re.MULTILINE)
    assert [file.name for file in bots.glob("*.py") if below.search(file.read_text())] == []


@asynccontextmanager
async def serving(*options: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """The address of a started `plenary serve`, which is ended by Ctrl-C."""
    program = Path(sys.executable).parent / "plenary"
    pipe = asyncio.subprocess.PIPE
    quiet = os.environ | {"PLENARY_LOG_LEVEL": "error"}  # on a busy machine some operations are slow, and told
    process = await asyncio.create_subprocess_exec(
        program, "serve", "--port", "0", *options, stdout=pipe, stderr=pipe, env=quiet
    )
    assert process.stdout
    try:
        async with asyncio.timeout(DEADLINE):
            line = (await process.stdout.readline()).decode()
        yield line.split()[-1], process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            _, said = await process.communicate()
    assert (process.returncode, said.decode()) == (0, "")


async def follow(socket: ClientConnection, token: str, board: str) -> None:
    await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
    document = "subscription ($id: ID!) { questionBoard(id: $id) { __typename } }"
    payload = {"query": document, "variables": {"id": board}}
    await socket.send(json.dumps({"type": "subscribe", "id": "board", "payload": payload}))


@pytest.mark.slow
async def test_with_bots_a_board_moves_by_itself(demo):
    known = json.loads((demo / "demo.json").read_text())
    (token,) = [sign_in["token"] for sign_in in known["signIns"] if sign_in["role"] == "attendee"]
    async with serving("--bots", "--bot-pace", "0.05") as (address, _):
        url = address.replace("http", "ws", 1)
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as client:
            await follow(client, token, known["boards"]["keynote"])
            wanted = {"Added", "Changed", "Counters"}
            async with asyncio.timeout(DEADLINE):
                while wanted:
                    message = json.loads(await client.recv())
                    if message["type"] == "next":
                        wanted.discard(message["payload"]["data"]["questionBoard"]["__typename"])
    assert query(demo / "plenary.db", "SELECT count(*) FROM escalation") >= [(4,)]
