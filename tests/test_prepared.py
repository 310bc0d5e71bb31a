"""Frames that are written as they are: whole, in order, never after the end, and only to whoever reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from schema.frames import PREPARED, text_head
from tests.client import until
from tests.started import DEADLINE, serving

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

MUCH = b"x" * 60_000


class App:
    """Hands its extension over."""

    def __init__(self) -> None:
        self.extension: Any = None
        self.send: Any = None
        self.is_gone = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        self.extension, self.send = scope["extensions"][PREPARED], send
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.is_gone.set()

    def write(self, text: bytes) -> bool:
        written: bool = self.extension["write"]((text_head(len(text)), text))
        return written


@asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[App, ClientConnection]]:
    app = App()
    async with (
        serving(app) as (_, port),
        connect(f"ws://127.0.0.1:{port}/", compression=None, max_size=None, **options) as client,
    ):
        await until(lambda: app.extension is not None)
        yield app, client


async def received(client: ClientConnection) -> Any:
    async with asyncio.timeout(DEADLINE):
        return await client.recv()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
async def test_a_text_of_any_length_arrives_whole(size: int) -> None:
    text = ("ä" * (size // 2) + "x" * (size % 2)).encode()
    async with connected() as (app, client):
        assert app.write(text)
        await app.send({"type": "websocket.send", "text": "next"})
        assert [await received(client), await received(client)] == [text.decode(), "next"]


async def test_what_is_written_comes_between_what_is_sent_and_never_inside() -> None:
    async with connected() as (app, client):

        async def send() -> None:
            for n in range(50):
                await app.send({"type": "websocket.send", "text": json.dumps({"sent": n, "with": "y" * 30_000})})

        async def write() -> None:
            for n in range(50):
                while not app.write(json.dumps({"written": n, "with": "x" * 30_000}).encode()):
                    await app.extension["writable"]()
                await asyncio.sleep(0)

        both = asyncio.gather(send(), write())
        heard = [json.loads(await received(client)) for _ in range(100)]
        await both
    for how in ("sent", "written"):
        assert [one[how] for one in heard if how in one] == list(range(50))


async def test_after_our_close_nothing_is_written_and_nobody_is_behind() -> None:
    async with connected() as (app, client):
        app.write(b"before")
        await app.send({"type": "websocket.close", "code": 4400})
        assert app.write(b"after")
        assert await received(client) == "before"
        with pytest.raises(ConnectionClosed):
            await received(client)
        assert client.close_code == 4400


async def test_after_their_close_nothing_is_written_and_nobody_is_behind() -> None:
    async with connected() as (app, client):
        await client.close()
        await app.is_gone.wait()
        assert app.write(b"after")
        with pytest.raises(ConnectionClosed):
            await received(client)
        assert client.close_code == 1000


async def test_one_who_does_not_read_is_written_no_more_than_there_is_room_for() -> None:
    async with connected(max_queue=1) as (app, client):
        written = 0
        while app.write(MUCH):
            written += 1
            await asyncio.sleep(0)
        assert written < 200
        assert not app.write(b"small")
        writable = asyncio.create_task(app.extension["writable"]())
        heard = [await received(client) for _ in range(written)]
        async with asyncio.timeout(DEADLINE):
            await writable
        assert app.write(b"last")
        assert (set(map(len, heard)), await received(client)) == ({len(MUCH)}, "last")


async def test_whoever_waits_to_write_to_one_who_vanishes_is_let_go() -> None:
    async with connected(max_queue=1) as (app, client):
        while app.write(MUCH):  # noqa: ASYNC110 - until it is full
            await asyncio.sleep(0)
        writable = asyncio.create_task(app.extension["writable"]())
        client.transport.abort()
        async with asyncio.timeout(DEADLINE):
            await app.is_gone.wait()
            await writable
        assert app.write(b"after")
