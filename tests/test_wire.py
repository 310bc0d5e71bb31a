"""The wire: what stands still is cut, and whoever is slow holds little."""

import asyncio
import json
from typing import Any

import pytest

from schema import http, wire
from schema.frames import QUEUED
from tests.application import GET, RECEIVES, Application, gone, lines, socket_at
from tests.client import until
from tests.conftest import ManualClock, make_service
from tests.raw import PING, Raw, frame, raw
from tests.started import serving, started, tracebacks

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


# --- requests that are not finished --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "drip"),
    [(b"", b""), (b"GET", b""), (b"GET /small HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n"), (b"", b"\r\n")],
    ids=["not a byte", "three bytes", "headers without end", "empty lines"],
)
async def test_a_request_that_is_not_whole_in_time_is_cut(
    first: bytes, drip: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Application(), headers=0.3) as (server, port), raw(port) as connection:
        await connection.send(first)
        ending = asyncio.create_task(connection.ended())
        while not ending.done():
            connection.writer.write(drip)
            await asyncio.wait([ending], timeout=0.02)
        assert ending.result() == b""
        await gone(server)
    assert tracebacks(caplog) == []


async def test_a_connection_that_is_used_again_has_its_time_again(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Application(), headers=0.5) as (server, port), raw(port) as connection:
        async with asyncio.timeout(10):
            for _ in range(4):
                await connection.send(GET % b"small")
                await connection.reader.readuntil(b"small\r\n0\r\n\r\n")
                await asyncio.sleep(0.2)
        await connection.send(b"GET /sm")
        assert await connection.ended() == b""
        await gone(server)
    assert tracebacks(caplog) == []


async def test_headers_of_more_than_64_kib_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Application()) as (server, port):
        async with raw(port) as connection:
            await connection.send(GET[:-2] % b"small" + b"name: value\r\n" * 5_050)
            assert (await connection.ended()).startswith(b"HTTP/1.1 400")
        async with raw(port) as connection:
            sending = asyncio.create_task(connection.send(GET[:-2] % b"small" + b"name: value\r\n" * 100_000))
            assert len(await connection.ended()) < 1_000
            await asyncio.gather(sending, return_exceptions=True)
        await gone(server)
    assert tracebacks(caplog) == []


async def test_headers_of_60_kib_and_a_body_of_any_size_are_read() -> None:
    head = b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n" + b"name: value\r\n" * 4_000 + b"\r\n"
    async with serving(Application()) as (_server, port), raw(port) as connection:
        await connection.send(head + bytes(1_000_000) + GET % b"small")
        async with asyncio.timeout(10):
            assert (await connection.reader.readuntil(b"small\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200")
            assert (await connection.reader.readuntil(b"small\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_who_asks_on_and_on_without_reading_the_answers_is_refused() -> None:
    async with serving(Application()) as (_server, port), raw(port) as connection:
        await connection.send(GET % b"patient" + GET % b"small" * 1_000)
        answer = await connection.ended()
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_few_requests_may_come_at_once() -> None:
    async with serving(Application()) as (_server, port), raw(port) as connection:
        await connection.send(GET % b"small" * wire.PIPELINED)
        async with asyncio.timeout(10):
            for _ in range(wire.PIPELINED):
                await connection.reader.readuntil(b"small\r\n0\r\n\r\n")


async def test_a_body_that_comes_too_slowly_is_408(
    sqlite_template: Any, tmp_path: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert http.READ_DEADLINE == 10
    monkeypatch.setattr(http, "READ_DEADLINE", 0.3)
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    async with at(sqlite_template, clock) as door, raw(door.port) as connection:
        await connection.send(head)
        ending = asyncio.create_task(connection.ended())
        while not ending.done():
            connection.writer.write(b"x")
            await asyncio.wait([ending], timeout=0.02)
        assert ending.result().startswith(b"HTTP/1.1 408")


async def test_the_rest_of_a_body_that_nobody_wants_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    async with serving(Application(), headers=0.3) as (server, port), raw(port) as connection:
        await connection.send(head)
        ending = asyncio.create_task(connection.ended())
        while not ending.done():
            connection.writer.write(b"x")
            await asyncio.wait([ending], timeout=0.02)
        assert ending.result().startswith(b"HTTP/1.1 200")
        await gone(server)
    assert tracebacks(caplog) == []


def at(template: Any, clock: ManualClock, **patience: float) -> Any:
    return started(make_service(f"sqlite+aiosqlite:///{template}", clock), **patience)


# --- readers that are slow -----------------------------------------------------------------------------------------


async def sip(connection: Raw) -> int:
    """Read a byte now and then until the other end has had enough. Returns how many came."""
    count = 0
    async with asyncio.timeout(20):
        while True:
            try:
                if not await connection.reader.read(1):
                    return count
            except ConnectionError:
                return count
            count += 1
            await asyncio.sleep(0.02)


async def test_who_takes_nothing_is_cut_also_if_little_waits(caplog: pytest.LogCaptureFixture) -> None:
    app = Application()
    async with serving(app, unread=0.5) as (server, port), raw(port, receives=RECEIVES) as connection:
        await connection.send(GET % b"stream")
        (line,) = await lines(server, 1)
        while not line.transport.get_write_buffer_size():
            line.transport.write(b"x" * 1_000)  # as much as the kernel takes, and a little
            await asyncio.sleep(0)
        assert line.transport.get_write_buffer_size() < wire.LOW
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await gone(server)
        assert app.ended == ["stream"]
    assert tracebacks(caplog) == []


@pytest.mark.parametrize("path", ["large", "torrent"])
async def test_a_reader_of_a_byte_now_and_then_is_cut_and_its_task_ends(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = Application()
    async with serving(app, unread=0.5) as (server, port), raw(port, receives=RECEIVES) as connection:
        await connection.send(GET % path.encode())
        sipping = asyncio.create_task(sip(connection))
        await until(lambda: app.ended == [path])
        await gone(server)
        sipping.cancel()
    assert tracebacks(caplog) == []


async def test_a_stream_that_nobody_reads_holds_64_kib_and_a_piece() -> None:
    async with serving(Application()) as (server, port), raw(port, receives=RECEIVES) as connection:
        await connection.send(GET % b"torrent")
        (line,) = await lines(server, 1)
        await until(lambda: line.transport.get_write_buffer_size() > wire.HIGH)
        for _ in range(100):
            await asyncio.sleep(0.001)
            assert line.transport.get_write_buffer_size() <= wire.HIGH + 2 * 10_100


async def test_a_slow_reader_who_keeps_reading_gets_everything() -> None:
    async with serving(Application(), unread=0.5) as (server, port), raw(port) as connection:
        await connection.send(GET % b"torrent")
        (line,) = await lines(server, 1)
        async with asyncio.timeout(30):
            for _ in range(40):
                await until(lambda: line.transport.get_write_buffer_size() > wire.HIGH)
                await connection.reader.readexactly(100_000)
                await asyncio.sleep(0.05)


async def test_a_socket_that_is_not_read_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    app = Application()
    async with serving(app, unread=0.5) as (server, port), socket_at(port, receives=RECEIVES) as connection:
        await connection.send(frame(1, b"[10000, 200]"))
        (line,) = await lines(server, 1)
        await until(lambda: line.transport.get_write_buffer_size() > wire.HIGH)
        assert line.transport.get_write_buffer_size() <= wire.HIGH + 2 * 10_100
        sipping = asyncio.create_task(sip(connection))
        await until(lambda: app.ended == ["graphql"])
        await gone(server)
        sipping.cancel()
    assert tracebacks(caplog) == []


async def test_a_socket_for_which_too_much_waits_is_closed_with_1013(caplog: pytest.LogCaptureFixture) -> None:
    size = 100_000
    async with serving(Application()) as (server, port):
        async with socket_at(port, receives=RECEIVES) as connection:
            await connection.send(frame(1, json.dumps([size, 2 * QUEUED // size]).encode()))
            assert (await connection.closed()).code == 1013
        await gone(server)
    assert tracebacks(caplog) == []


async def test_pings_of_one_who_does_not_read_are_not_answered_without_end() -> None:
    async with serving(Application()) as (server, port), socket_at(port, receives=RECEIVES) as connection:
        await connection.send(frame(1, b"[1000000, 1]"))
        (line,) = await lines(server, 1)
        await until(lambda: line.transport.get_write_buffer_size() > wire.HIGH)
        held = line.transport.get_write_buffer_size()
        connection.writer.write(frame(PING, bytes(125)) * 100_000)
        for _ in range(100):
            await asyncio.sleep(0.001)
            assert line.transport.get_write_buffer_size() <= held + 64 * 1024
