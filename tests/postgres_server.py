"""A PostgreSQL cluster of a test's own, which it can stop and start again as when its machine fails."""

import asyncio
import os
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.client import DEADLINE

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
OWNER = "postgres"  # the server refuses to be root's


class PostgresServer:
    def __init__(self) -> None:
        if not BINARIES:
            message = "PostgreSQL's own programs are not installed"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        self._folder = Path(tempfile.mkdtemp(prefix="plenary-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(self._folder, OWNER, OWNER)
            self._as = {"user": OWNER, "group": OWNER, "extra_groups": []}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}/postgres"

    async def create(self) -> None:
        await self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        await self.start()

    async def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        await self._run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    async def crash(self) -> None:
        """No goodbye to anybody, and a recovery at the next start."""
        await self._run("pg_ctl", "stop", "-m", "immediate", "-D", "data")

    async def remove(self) -> None:
        await self.crash()
        shutil.rmtree(self._folder)

    async def _run(self, program: str, *arguments: str) -> None:
        quiet = asyncio.subprocess.DEVNULL
        running = await asyncio.create_subprocess_exec(
            str(BINARIES[-1] / program), *arguments, cwd=self._folder, stdout=quiet, stderr=quiet, **self._as
        )
        async with asyncio.timeout(DEADLINE):
            assert await running.wait() == 0, program
