"""How connections end: by a ping that nobody answers, and with the server, one after the other."""

import asyncio
from itertools import pairwise

import pytest

from tests.application import GET, RECEIVES, Application, gone, lines, socket_at
from tests.client import until
from tests.raw import CLOSE, PING, PONG, UPGRADE, Raw, frame, raw
from tests.started import serving, tracebacks

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


# --- pings ---------------------------------------------------------------------------------------------------------


async def test_who_answers_no_ping_is_closed_with_4499(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Application(), ping=0.1) as (server, port):
        async with socket_at(port) as connection:
            assert (await connection.frame()).opcode == PING
            assert (await connection.closed()).code == 4499
        await gone(server)
    assert tracebacks(caplog) == []


async def test_who_answers_pings_stays() -> None:
    async with serving(Application(), ping=0.05) as (_server, port), socket_at(port) as connection:
        for _ in range(10):
            opcode, payload = await connection.frame()
            assert opcode == PING
            await connection.send(frame(PONG, payload))


async def test_whoever_answers_neither_ping_nor_close_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Application(), ping=0.1, goodbye=0.1) as (server, port), socket_at(port) as connection:
        await gone(server)
        assert b"No answer to a ping" in await connection.ended()
    assert tracebacks(caplog) == []


# --- how a server ends ---------------------------------------------------------------------------------------------


async def test_sockets_are_closed_with_1012_one_after_the_other(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    async with serving(Application(), drain=2) as (server, port):
        connections = [await Raw.connect(port) for _ in range(40)]
        for connection in connections:
            await connection.upgrade()
        server.should_exit = True
        began = loop.time()

        async def closed(connection: Raw) -> tuple[float, int]:
            found = await connection.frame()
            return loop.time() - began, found.code

        ends = await asyncio.gather(*map(closed, connections))
        assert {code for _, code in ends} == {1012}
        moments = sorted(moment for moment, _ in ends)
        assert moments[-1] - moments[0] > 0.5
        assert max(after - before for before, after in pairwise(moments)) < 1
        for connection in connections:
            await connection.send(frame(CLOSE, (1012).to_bytes(2)))
            connection.writer.transport.abort()
    assert tracebacks(caplog) == []


async def test_a_request_that_has_begun_is_answered_and_streams_end(caplog: pytest.LogCaptureFixture) -> None:
    app = Application()
    async with serving(app) as (server, port), raw(port) as asking, raw(port) as idle, raw(port) as streaming:
        await asking.send(GET % b"patient")
        await streaming.send(GET % b"stream")
        await streaming.reader.readuntil(b":\n\n")
        await lines(server, 3)
        server.should_exit = True
        assert await idle.ended() == b""
        assert await streaming.ended() == b"\r\n"  # and no last chunk: a stream that was cut, and is resumed
        app.may_answer.set()
        assert b"small" in await asking.ended()
    assert sorted(app.ended) == ["patient", "stream"]
    assert tracebacks(caplog) == []


async def test_a_request_on_its_way_to_a_server_that_ends_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    app = Application()
    app.may_answer.set()
    async with serving(app) as (server, port), raw(port) as new, raw(port) as known, raw(port) as upgrading:
        await known.send(GET % b"patient")
        await known.reader.readuntil(b"small")
        await lines(server, 3)
        server.should_exit = True
        await until(lambda: not server.servers[0].is_serving())
        for connection in (new, known):
            await connection.send(GET % b"patient")
            answer = await connection.ended()
            assert b"connection: close" in answer
            assert b"small" in answer
        await upgrading.send(UPGRADE.encode())
        assert await upgrading.ended() == b""
    assert app.ended == ["patient"] * 3
    assert tracebacks(caplog) == []


async def test_a_stream_that_begins_while_a_server_ends_ends_with_it() -> None:
    loop = asyncio.get_running_loop()
    async with serving(Application(), drain=8) as (server, port), raw(port) as late:
        await lines(server, 1)
        began = loop.time()
        server.should_exit = True
        await until(lambda: not server.servers[0].is_serving())
        await late.send(GET % b"stream")
        assert b":\n\n" in await late.ended()
        assert loop.time() - began < 5


async def test_who_does_not_go_is_cut_when_the_time_is_over(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    ending = serving(Application(), drain=0.5, goodbye=60)
    async with ending as (server, port), socket_at(port), raw(port, receives=RECEIVES) as slow:
        await slow.send(GET % b"large")
        await lines(server, 2)
        began = loop.time()
        server.should_exit = True
        await gone(server)
        assert loop.time() - began < 5
    assert tracebacks(caplog) == []
