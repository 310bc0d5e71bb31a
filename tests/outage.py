"""A line to PostgreSQL that a test can cut and mend: the database is away, and the process is not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy.engine import make_url

from tests.conftest import ManualClock, make_service
from tests.started import Door, started


class Wire:
    def __init__(self, url: str) -> None:
        self._there = make_url(url)
        self._ends: set[asyncio.StreamWriter] = set()
        self._is_cut = False

    async def lay(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return self._there.set(port=self.port).render_as_string(hide_password=False)

    def cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    async def take_up(self) -> None:
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        there, here = await asyncio.open_connection(self._there.host, self._there.port or 5432)
        self._ends |= {writer, here}
        try:
            await asyncio.gather(_pass(reader, here), _pass(there, writer))
        finally:
            self._ends -= {writer, here}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def with_wire(url: str, clock: ManualClock) -> AsyncIterator[tuple[Door, Wire]]:
    """A started service whose database is at the other end of a wire."""
    wire = Wire(url)
    await wire.lay()
    try:
        async with started(make_service(wire.url, clock)) as door:
            yield door, wire
    finally:
        await wire.take_up()
