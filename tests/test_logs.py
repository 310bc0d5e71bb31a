"""What a log line is made of, and what never gets into one."""

import asyncio
import json
import logging
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, SecretStr
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

import migrations
from commands import logs, tracebacks
from models.database import Database
from resolvers.passwords import Passwords
from schema import tracing
from schema.tracing import Trace
from server import Environment, LogFormat, LogLevel, Settings
from tests.lines import written
from tests.started import DEADLINE
from tests.world import Person, World

SECRET = "hunter2-the-secret"
log = logging.getLogger("plenary.tests")
SIGN_IN = """mutation ($email: String!, $password: String!) {
  signIn(input: {email: $email, password: $password}) { token }
}"""


class Strict(BaseModel):
    number: int


class Talkative(Exception):
    def __str__(self) -> str:
        return SECRET


def chained() -> None:
    try:
        int(SECRET)
    except ValueError as error:
        raise RuntimeError("something else") from error


def noted() -> None:
    error = RuntimeError("something else")
    error.add_note(SECRET)
    raise error


def raised(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


LEAKS: dict[str, Callable[[], Any]] = {
    "a number": lambda: int(SECRET),
    "a key": lambda: dict[str, str]()[SECRET],
    "an attribute": lambda: getattr(object(), SECRET),
    "a formatted text": raised(ValueError(f"cannot do {SECRET}")),
    "an OSError": raised(OSError(5, SECRET, SECRET)),
    "a path": lambda: open(f"/{SECRET}"),  # noqa: PTH123, SIM115
    "bytes": lambda: f"{SECRET}é".encode().decode("ascii"),
    "JSON": lambda: json.loads(SECRET),
    "a model": lambda: Strict(number=SECRET),  # type: ignore[arg-type]
    "its own text": raised(Talkative()),
    "a cause": chained,
    "a note": noted,
    "a group": raised(ExceptionGroup(SECRET, [ValueError(SECRET)])),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_traceback_says_where_and_not_with_what(leak: Callable[[], Any]) -> None:
    with written() as lines:
        try:
            leak()
        except Exception as error:
            name = type(error).__name__
            log.exception("it broke")
    line = lines.only("it broke")
    assert SECRET not in lines.text
    assert name in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_a_text_that_stands_in_the_code_is_told() -> None:
    def act() -> None:
        raise LookupError("the code says so itself")

    with pytest.raises(LookupError) as caught:
        act()
    assert tracebacks.told(caught.value).endswith("\nLookupError: the code says so itself")


def test_a_cause_is_told_before_what_it_led_to() -> None:
    with pytest.raises(RuntimeError) as caught:
        chained()
    told = tracebacks.told(caught.value)
    assert told.index("\nValueError\n") < told.index("\nRuntimeError: something else")


def test_what_goes_round_in_circles_comes_to_an_end() -> None:
    def deep(count: int) -> int:
        return deep(count + 1) + 1

    with pytest.raises(RecursionError) as caught:
        deep(0)
    caught.value.__cause__ = caught.value
    assert len(tracebacks.told(caught.value)) < 10_000


FAILURES = {
    "a row": "INSERT INTO secret VALUES (:value, NULL)",
    "a value twice": "INSERT INTO secret VALUES (:value, 1), (:value, 2)",
    "a missing table": "SELECT :value FROM nowhere",
}


@pytest.mark.parametrize("statement", FAILURES.values(), ids=FAILURES.keys())
async def test_a_databases_own_words_are_not_told(database: Database, statement: str) -> None:
    """PostgreSQL quotes keys, values and whole rows."""
    with written() as lines:
        try:
            async with database.write() as session:
                await session.execute(text("CREATE TEMPORARY TABLE secret (a TEXT UNIQUE, b INTEGER NOT NULL)"))
                await session.execute(text(statement), {"value": SECRET} if ":value" in statement else {})
        except Exception:
            log.exception("it broke")
    line = lines.only("it broke")
    assert SECRET not in lines.text
    assert "sqlstate" in line["exception"] or "SQLITE_" in line["exception"]


async def test_a_value_that_the_driver_does_not_take_is_not_told(database: Database) -> None:
    with written() as lines:
        try:
            async with database.write() as session:
                await session.execute(text("SELECT count(*) FROM head WHERE position = :value"), {"value": [SECRET]})
        except Exception:
            log.exception("it broke")
    lines.only("it broke")
    assert SECRET not in lines.text


async def test_a_bug_in_a_mutation_tells_nothing_of_its_input(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Passwords, _hash: str | None, password: str) -> bool:
        return bool(int(password))

    monkeypatch.setattr(Passwords, "verify", broken)
    with written() as lines:
        result = await world.nobody.execute(SIGN_IN, email=ann.account.email, password=SECRET)
    assert lines.only("bug")["trace_id"] == result.errors[0].extensions["traceId"]
    assert "int(password)" in lines.only("bug")["exception"]
    assert [needle for needle in (SECRET, ann.account.email) if needle in lines.text] == []


async def test_what_asyncio_says_of_a_lost_task_has_no_text_of_its_error() -> None:
    async def lost() -> None:
        int(SECRET)

    with written() as lines:
        task = asyncio.create_task(lost())
        await asyncio.wait({task})
        asyncio.get_running_loop().call_exception_handler(
            {"message": "Task exception was never retrieved", "exception": task.exception(), "future": task}
        )
    (line,) = (line for line in lines.all() if line["logger"] == "asyncio")
    assert (line["event"], SECRET in lines.text) == ("Task exception was never retrieved", False)


# --- the form of a line ----------------------------------------------------------------------------------------------


def test_a_line_of_a_library_is_on_one_line_and_bounded() -> None:
    for format_ in LogFormat:
        with written(format_=format_) as lines:
            logging.getLogger("other").warning("\x1b[2J %s\nlevel=forged", "x" * 5_000)
        assert len(lines.text.splitlines()) == 1
        assert len(lines.text) < 900
        assert ("\x1b[2J" in lines.text, "forged" in lines.text) == (False, False)


def test_a_line_knows_its_trace_and_no_fields_but_those_of_the_list() -> None:
    trace = tracing.enter(Trace())
    with written() as lines:
        log.warning("so it is", extra={"transport": "http", "token": SECRET})
    line = lines.only("so it is")
    assert line.keys() == {"event", "level", "logger", "timestamp", "trace_id", "transport"}
    assert line["trace_id"] == trace.id


def test_a_line_that_cannot_be_written_is_not_printed_instead(capfd: pytest.CaptureFixture[str]) -> None:
    with written():
        log.warning("two %s are wanted: %s", SECRET)  # noqa: PLE1206 - that is the point
    assert SECRET not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("environment", "format_", "level"),
    [
        (Environment.PRODUCTION, LogFormat.JSON, LogLevel.INFO),
        (Environment.DEVELOPMENT, LogFormat.CONSOLE, LogLevel.WARNING),
    ],
)
def test_the_environment_decides_on_form_and_level_unless_they_are_set(
    environment: Environment, format_: LogFormat, level: LogLevel
) -> None:
    key = SecretStr("k" * 32)
    settings = Settings(environment=environment, secret_key=key)
    assert (settings.log_format, settings.log_level) == (format_, level)
    for other in LogFormat:
        chosen = Settings(environment=environment, secret_key=key, log_format=other, log_level=LogLevel.DEBUG)
        assert (chosen.log_format, chosen.log_level) == (other, LogLevel.DEBUG)


def test_the_console_is_for_reading() -> None:
    with written(format_=LogFormat.CONSOLE) as lines:
        try:
            int(SECRET)
        except ValueError:
            log.exception("it broke")
    first, *rest = lines.text.splitlines()
    assert "it broke" in first
    assert "Traceback" not in first
    assert rest[-1].strip() == "ValueError"


# --- the program -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(folder: Path, *options: str, **settings: str) -> AsyncIterator[tuple[str, list[str]]]:
    """The address of a `plenary serve` in production, and, at the end, what it has written."""
    url = f"sqlite+aiosqlite:///{folder}/plenary.db"
    await migrations.upgrade(url)
    chosen = {"DATABASE_URL": url, "ENVIRONMENT": "production", "SECRET_KEY": "k" * 32, **settings}
    program = Path(sys.executable).parent / "plenary"
    process = await asyncio.create_subprocess_exec(
        program,
        *("serve", "--port", "0", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {f"PLENARY_{name}": value for name, value in chosen.items()},
        cwd=folder,
    )
    said: list[str] = []
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            line = (await process.stdout.readline()).decode()
        yield line.split()[-1].removesuffix("/graphql"), said
    finally:
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(60):
            _, written = await process.communicate()
        said.extend(written.decode().splitlines())


@pytest.mark.slow
async def test_the_program_writes_json_and_neither_secrets_nor_queries_nor_addresses(tmp_path: Path) -> None:
    async with serving(tmp_path, "--access-log", LOG_LEVEL="debug") as (address, said):
        query = {"query": f'query Q {{ node(id: "{SECRET}") {{ id }} }}', "variables": json.dumps({"x": SECRET})}
        headers = {"graphql-require-preflight": "1"}
        async with httpx.AsyncClient(base_url=address, timeout=DEADLINE, headers=headers) as client:
            assert (await client.get("/graphql", params=query)).status_code == 200
            body = {"query": SIGN_IN, "variables": {"email": f"{SECRET}@example.com", "password": SECRET}}
            assert (await client.post("/graphql", json=body)).json()["data"]["signIn"] == {"token": None}
            bad = await client.post("/graphql", json=body, headers={"authorization": f"Bearer {SECRET}"})
            assert bad.status_code == 401
            assert (await client.get("/metrics", params={"token": SECRET})).status_code == 404
        there = f"{address.replace('http', 'ws', 1)}/graphql?token={SECRET}"
        async with connect(there, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {SECRET}"}}))
            await socket.wait_closed()
        port = int(address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GARBAGE {SECRET}\r\n\r\n".encode())
        await reader.read()
        writer.close()
    lines = [json.loads(line) for line in said]
    assert [needle for needle in (SECRET, "127.0.0.1", "Bearer") if needle in "\n".join(said)] == []
    requests = [(line["method"], line["path"], line["status"]) for line in lines if line["event"] == "request"]
    assert requests == [
        ("GET", "/graphql", 200),
        ("POST", "/graphql", 200),
        ("POST", "/graphql", 401),
        ("GET", "/metrics", 404),
    ]
    told = [(line["operation"], line["type"], line["outcome"]) for line in lines if line["event"] == "operation"]
    assert told == [("Q", "query", "NOT_FOUND"), (None, "mutation", "UNAUTHENTICATED")]
    assert all(line.keys() >= {"event", "level", "logger", "timestamp"} for line in lines)


@pytest.mark.slow
async def test_the_program_has_no_access_log_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as (address, said), httpx.AsyncClient(base_url=address, timeout=DEADLINE) as client:
        await client.post("/graphql", json={"query": "{ __typename }"})
        await client.get("/health/live")
    assert said == []


# --- what is written of it -------------------------------------------------------------------------------------------

OPERATING = (Path(__file__).parent.parent / "docs" / "operating.md").read_text()


def test_the_documentation_knows_every_field_of_a_line() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", OPERATING.partition("| field |")[2].partition("Levels:")[0], re.MULTILINE)
    assert set(listed) == set(logs.FIELDS)


def test_the_documentation_knows_the_settings_and_their_defaults() -> None:
    rows = re.findall(r"^\| `PLENARY_(\w+)` \| (.+?) \|", OPERATING, re.MULTILINE)
    written = {name.lower(): default for name, default in rows}
    key = SecretStr("k" * 32)
    production = Settings(environment=Environment.PRODUCTION, secret_key=key)
    development = Settings(environment=Environment.DEVELOPMENT, secret_key=key)
    assert written == {
        "log_format": f"`{production.log_format}` in production, `{development.log_format}` in development",
        "log_level": f"`{production.log_level}` in production, `{development.log_level}` in development",
        "log_retention_hours": f"`{production.log_retention_hours:g}`",
        "log_retention_changes": f"`{production.log_retention_changes}`",
        "metrics_token": "none" if not production.metrics_token.get_secret_value() else "some",
        "otlp_endpoint": production.otlp_endpoint or "none",
    }
