"""Backends: by which broker broadcaster carries the bell, named by a URL."""

import asyncio
from typing import Any

from broadcaster import BroadcastBackend, Event
from broadcaster._backends.memory import MemoryBackend
from broadcaster._backends.redis import RedisBackend as BroadcasterRedisBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from models.database import connect

OF_SQLALCHEMY = ("prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback")
NAME = "plenary bell"


class RedisBackend(BroadcasterRedisBackend):
    """broadcaster's, which leaves its listener behind, and may have it look before there is a subscription."""

    async def connect(self) -> None:
        try:
            await super().connect()
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        await super().disconnect()

    async def subscribe(self, channel: str) -> None:
        await self._pubsub.subscribe(channel)
        self._ready.set()


class PostgresBackend(BroadcastBackend):
    """LISTEN and NOTIFY, on a connection of its own. The URL may be the database's."""

    def __init__(self, url: str) -> None:
        address = make_url(url).set(drivername="postgresql+asyncpg")
        _, options = address.get_dialect()().create_connect_args(address)
        self._options = {name: value for name, value in options.items() if name not in OF_SQLALCHEMY}
        self._heard: asyncio.Queue[Event] = asyncio.Queue()

    async def connect(self) -> None:
        self._connection = await connect(**self._options, server_settings={"application_name": NAME})

    async def disconnect(self) -> None:
        self._connection.terminate()

    async def subscribe(self, channel: str) -> None:
        await self._connection.add_listener(channel, self._hear)

    async def unsubscribe(self, channel: str) -> None:
        await self._connection.remove_listener(channel, self._hear)

    async def publish(self, channel: str, message: Any) -> None:
        await self._connection.execute("SELECT pg_notify($1, $2)", channel, message)

    async def next_published(self) -> Event:
        return await self._heard.get()

    def _hear(self, _connection: object, _pid: int, channel: str, message: str) -> None:
        self._heard.put_nowait(Event(channel, message))


BACKENDS = {
    "memory": MemoryBackend,
    "redis": RedisBackend,
    "rediss": RedisBackend,
    "postgresql": PostgresBackend,
    "postgresql+asyncpg": PostgresBackend,
}


def backend(url: str) -> BroadcastBackend:
    """ValueError, without the URL, which may hold a password."""
    scheme, separator, _ = url.partition("://")
    if scheme not in BACKENDS or not separator:
        raise ValueError("must begin with memory://, redis://, rediss:// or postgresql://")
    try:
        return BACKENDS[scheme](url)
    except (ValueError, ArgumentError) as error:
        raise ValueError("must be a broker's URL; its port, if any, is a number") from error
