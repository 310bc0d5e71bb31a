"""A Redis server of a test's own, which it can stop and start again."""

import asyncio
import os
import shutil
import socket
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from realtime.bell import CHANNEL
from tests.client import DEADLINE


class RedisServer:
    def __init__(self, folder: Path) -> None:
        if not shutil.which("redis-server"):
            message = "redis-server is not installed"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        options = ("--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder))
        quiet = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec("redis-server", *options, stdout=quiet)
        async with asyncio.timeout(DEADLINE):
            while not await self._answers():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """At once, as when its machine fails."""
        self._process.kill()
        await self._process.wait()

    async def _answers(self) -> bool:
        async with Redis.from_url(self.url) as client:
            try:
                return bool(await client.ping())
            except RedisError:
                return False

    async def subscriptions(self) -> int:
        async with Redis.from_url(self.url) as client:
            ((_, count),) = await client.pubsub_numsub(CHANNEL)
            return int(count)
