"""`plenary serve --workers`, as started by a person: real processes, which a test may stop, go on with and kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from tests.client import DEADLINE
from tests.conftest import SECRET
from tests.started import Door
from tests.world import World

STARTS = 60.0  # seconds that a start may take on a busy machine


class Program:
    def __init__(self, process: asyncio.subprocess.Process, port: int, world: World, errors: Path) -> None:
        self.process = process
        self._errors = errors
        self.door = Door(world.service, None, port)  # type: ignore[arg-type] # its server is in other processes

    def said(self) -> list[str]:
        """The lines on its standard error so far."""
        return self._errors.read_text().splitlines()

    def workers(self) -> list[int]:
        """Their process ids."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """Whoever comes meanwhile comes to this one: the others are stopped."""
        others = [pid for pid in self.workers() if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    async def until(self, count: int, *, without: set[int] = frozenset()) -> list[int]:  # type: ignore[assignment]
        """Wait for so many workers, none of them one of these."""
        async with asyncio.timeout(STARTS):
            while len(found := self.workers()) != count or without & set(found):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        return found

    async def end(self, by: signal.Signals = signal.SIGTERM) -> tuple[int | None, str]:
        """The exit code, and what was said on standard error."""
        if self.process.returncode is None:
            self.process.send_signal(by)
        async with asyncio.timeout(DEADLINE):
            await self.process.communicate()
        return self.process.returncode, self._errors.read_text()


@asynccontextmanager
async def serving(folder: Path, world: World, *options: str, **settings: Any) -> AsyncIterator[Program]:
    """Once it listens. Whatever is left of it at the end is ended."""
    chosen = {"log_level": "error", "secret_key": SECRET, "drain_seconds": 2} | settings
    errors = folder / "errors"
    with errors.open("wb") as said:  # into a pipe that nobody reads, a process that has much to say would wait
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "plenary"),
            *("serve", "--port", "0", *options),
            env=os.environ | {f"PLENARY_{name.upper()}": str(value) for name, value in chosen.items()},
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
        )
    assert process.stdout
    try:
        async with asyncio.timeout(STARTS):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("Plenary listens on "), errors.read_text()
        yield Program(process, int(line.rpartition(":")[2].partition("/")[0]), world, errors)
    finally:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(DEADLINE):
                await process.communicate()
