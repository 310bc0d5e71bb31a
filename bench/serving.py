"""Servers to measure: each a process of its own, on a core of its own where there are two."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PLENARY = [sys.executable, "-c", "from commands import main; main()"]
PASSWORD = "a password for this bench"  # noqa: S105 - of nobody
OWNER = ["--email", "ann@example.com", "--name", "Ann", "--network", "Expo", "--password-stdin"]
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = {CORES[0]}, {CORES[-1]}


class Serving(NamedTuple):
    """A started server: where it listens, and the process to charge for it."""

    address: str
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that the process has used, in user and kernel."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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


def reference(name: str) -> AbstractContextManager[Serving]:
    return started([sys.executable, "-m", "bench.references", name], cwd=ROOT)


@contextmanager
def plenary(database: str = "", **set_: str) -> Iterator[Serving]:
    """The service as `plenary serve` runs it, on a fresh database, with one account: ann@example.com."""
    with tempfile.TemporaryDirectory() as folder:
        url = database or f"sqlite+aiosqlite:///{folder}/plenary.db"
        chosen = {"DATABASE_URL": url, "SECRET_KEY": "k" * 32} | set_
        environment = os.environ | {f"PLENARY_{name}": value for name, value in chosen.items()}
        settings: dict[str, Any] = {"env": environment | {"PYTHONPATH": str(ROOT)}, "cwd": folder}
        _run("migrate", **settings)
        _run(
            *["create-account", "--email", "ann@example.com", "--name", "Ann", "--network", "Expo", "--password-stdin"],
            **settings,
        )
        with started([*PLENARY, "serve", "--port", "0"], **settings) as serving:
            yield serving


def _run(*arguments: str, **settings: Any) -> None:
    quiet: dict[str, Any] = {"input": PASSWORD, "text": True, "stdout": subprocess.DEVNULL, **settings}
    subprocess.run([*PLENARY, *arguments], check=True, **quiet)  # noqa: S603 - our own
