"""Programs for Node.js: installed once, run with what they are given, and what they report."""

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BIN = HERE / "node_modules" / ".bin"
DEADLINE = 100.0
NODE = 20


@dataclass
class Check:
    name: str
    ok: bool
    message: str = ""


class Report(list[Check]):
    def passed(self, *names: str) -> None:
        """Every check is there, and each of them is well."""
        failures = [f"{check.name}: {check.message}" for check in self if not check.ok]
        assert not failures, "\n\n".join([f"{len(failures)} of {len(self)} checks failed", *failures])
        assert [check.name for check in self] == list(names)


def demand_node() -> None:
    """Where there is no Node.js, or an old one, a test is skipped visibly; on CI it fails."""
    found = shutil.which("node") if shutil.which("npm") else None
    version = subprocess.check_output([found, "--version"], text=True) if found else "v0"  # noqa: S603 - our own words
    if int(version.removeprefix("v").split(".")[0]) < NODE:
        message = f"Node.js {NODE} or newer, with npm, is not on this machine"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


def install() -> None:
    """What package-lock.json locks, once for all test processes."""
    with (HERE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make = [str(shutil.which("make")), "--silent", "modules"]
        done = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stdout + done.stderr


async def run(*command: str | Path, cwd: Path = HERE, deadline: float = DEADLINE) -> tuple[int, str, str]:
    """A program of node_modules or a script of ours, to its end."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(deadline):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, out.decode(), err.decode()


async def report(program: str, **given: Any) -> Report:
    """What a program of clients/ reports, a line for each check."""
    code, out, err = await run("node", HERE / "clients" / program, json.dumps(given))
    assert code == 0, out + err
    return Report(Check(**json.loads(line)) for line in out.splitlines())
