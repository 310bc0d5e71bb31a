"""Servers to measure: each a process of its own, on a core of its own where there are two."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import asyncpg
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
PLENARY = [sys.executable, "-c", "from commands import main; main()"]
PASSWORD = "a password for this bench"  # noqa: S105 - of nobody
OWNER = ["--email", "ann@example.com", "--name", "Ann", "--network", "Expo", "--password-stdin"]
_numbers = count()
CORES = sorted(os.sched_getaffinity(0))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else the servers would outlive who measures them
LULL = 0.05  # seconds
SERVER_CORE, LOAD_CORE = {CORES[0]}, {CORES[-1]}


class Serving(NamedTuple):
    """A started server: where it listens, and the process to charge for it."""

    address: str
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that the process's threads have used, in user and kernel."""
        spent = (path.read_text().split()[0] for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"))
        return sum(map(int, spent)) / 1e9

    async def rest(self) -> None:
        """Wait until the process has nothing to do any more but to look at its clock."""
        spent = self.cpu()
        while True:
            await asyncio.sleep(LULL)
            spent, before = self.cpu(), spent
            if spent - before < LULL / 10:
                return

    def resident(self) -> float:
        """KiB of memory that the process has."""
        (line,) = (one for one in Path(f"/proc/{self.pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
        return float(line.split()[1])


@contextmanager
def started(command: list[str], **settings: Any) -> Iterator[Serving]:
    """The command's server, once it has printed its address."""
    serving = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **settings)  # noqa: S603 - our own
    os.sched_setaffinity(serving.pid, SERVER_CORE)
    try:
        words = (word for line in serving.stdout or [] for word in line.split())
        yield Serving(next(word for word in words if word.startswith("http://")), serving.pid)
    finally:
        serving.terminate()
        serving.wait()


def wide() -> Console:
    """A terminal as it is; a file takes whole tables."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def module(name: str, *arguments: str) -> AbstractContextManager[Serving]:
    return started([sys.executable, "-m", name, *arguments], cwd=ROOT)


def reference(name: str) -> AbstractContextManager[Serving]:
    return module("bench.references", name)


@contextmanager
def plenary(database: str = "", **set_: str) -> Iterator[Serving]:
    """The service as `plenary serve` runs it, on a fresh database, with one account: ann@example.com."""
    with fresh(database, **set_) as place:
        _run("create-account", *OWNER, **place)
        with serve(place) as serving:
            yield serving


@contextmanager
def fresh(database: str = "", **set_: str) -> Iterator[dict[str, Any]]:
    """Where to run the service's commands: a folder, and an environment that names a fresh database.

    A URL of PostgreSQL that names no database gets one for as long as this lasts.
    """
    with tempfile.TemporaryDirectory() as folder, _own(database) as own:
        url = own or f"sqlite+aiosqlite:///{folder}/plenary.db"
        chosen = {"DATABASE_URL": url, "SECRET_KEY": "k" * 32} | set_
        environment = os.environ | {f"PLENARY_{name}": value for name, value in chosen.items()}
        place: dict[str, Any] = {"env": environment | {"PYTHONPATH": str(ROOT)}, "cwd": folder}
        _run("migrate", **place)
        yield place


def serve(place: dict[str, Any], program: Sequence[str] = PLENARY) -> AbstractContextManager[Serving]:
    return started([*program, "serve", "--port", "0"], **place)


@contextmanager
def _own(database: str) -> Iterator[str]:
    if not database.startswith("postgresql") or urlsplit(database).path.strip("/"):
        yield database
        return
    name = f"plenary_bench_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_administer(database, f"CREATE DATABASE {name}"))
    try:
        yield f"{database.rstrip('/')}/{name}"
    finally:
        asyncio.run(_administer(database, f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(database: str, statement: str) -> None:
    connection = await asyncpg.connect(f"{database.replace('+asyncpg', '').rstrip('/')}/postgres")
    await connection.execute(statement)
    await connection.close()


def _run(*arguments: str, **settings: Any) -> None:
    quiet: dict[str, Any] = {"input": PASSWORD, "text": True, "stdout": subprocess.DEVNULL, **settings}
    subprocess.run([*PLENARY, *arguments], check=True, **quiet)  # noqa: S603 - our own
