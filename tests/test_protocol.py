"""graphql-transport-ws from the handshake to the acknowledgement, pings, and who is waited for how long."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from resolvers import accounts
from server import Settings
from tests.started import ANN, NOBODY, VIEWER, Door, tracebacks
from tests.world import Person, World

INIT = '{"type": "connection_init"}'


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


# --- the handshake -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("anything",)], ids=["none", "legacy", "unknown"])
async def test_only_graphql_transport_ws_is_spoken(door: Door, protocols: tuple[str, ...]) -> None:
    async with door.socket(protocols=protocols) as socket:
        assert await socket.closed() == 4406


async def test_of_several_protocols_ours_is_taken(door: Door) -> None:
    async with door.socket(protocols=("graphql-ws", "graphql-transport-ws")) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY


# --- connection_init -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {}}, {"payload": {"any": ["thing"]}}], ids=str)
async def test_connection_init_is_acknowledged(door: Door, payload: Any) -> None:
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", **payload})
        assert await socket.receive() == {"type": "connection_ack"}


async def test_who_does_not_say_connection_init_in_time_is_closed_with_4408(door: Door) -> None:
    sockets = door.service.sockets
    assert Settings().init_seconds == 5
    assert sockets.connection_init_wait_timeout == timedelta(seconds=5)
    sockets.connection_init_wait_timeout = timedelta(seconds=0.2)
    async with door.socket() as socket, door.socket() as talkative, door.socket() as other:
        await other.init()
        for _ in range(3):  # saying something else is not saying it
            await talkative.send({"type": "ping"})
        assert await socket.closed() == 4408
        assert await talkative.closed() == 4408
        assert await other.ask(VIEWER) == NOBODY


async def test_saying_connection_init_twice_closes_with_4429(door: Door) -> None:
    async with door.signed_in() as socket:
        await socket.send(INIT)
        assert await socket.closed() == 4429
    async with door.socket() as socket:
        await socket.send(INIT)
        await socket.send(INIT)
        assert await socket.closed() == 4429


async def test_subscribing_before_the_acknowledgement_closes_with_4401(door: Door) -> None:
    async with door.socket() as socket:
        await socket.subscribe("1", VIEWER)
        assert await socket.closed() == 4401


async def test_a_bug_while_somebody_signs_in_closes_with_1013_and_tells_nothing(
    door: Door, ann: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = await door.sign_in(ann)

    async def broken(*_arguments: Any) -> None:
        raise RuntimeError("the secret of the house")

    with monkeypatch.context() as patch:
        patch.setattr(accounts, "authenticate", broken)
        async with door.socket() as socket:
            await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
            assert await socket.closed() == 1013
            assert "secret" not in socket.reason
    assert [record.name for record in caplog.records if record.exc_info] == ["plenary.bugs"]
    async with door.signed_in(token) as socket:
        assert await socket.ask(VIEWER) == ANN


# --- pings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False], ids=["before connection_init", "after it"])
async def test_a_ping_is_answered_with_its_own_payload(door: Door, is_first: bool) -> None:
    payload = {"any": "thing", "ä": [1, 2.5, None, {"\U0001f600": True}]}
    async with door.socket() as socket:
        if not is_first:
            await socket.init()
        await socket.send({"type": "ping", "payload": payload})
        assert await socket.receive() == {"type": "pong", "payload": payload}
        await socket.send({"type": "ping", "payload": {}})
        assert await socket.receive() == {"type": "pong", "payload": {}}
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
        await socket.send('{"type": "ping", "payload": {"half": "\\ud800"}}')
        assert (await socket.receive())["payload"] == {"half": "?"}


@pytest.mark.parametrize("payload", [{}, {"payload": None}, {"payload": {"any": "thing"}}], ids=str)
async def test_a_pong_that_nobody_asked_for_is_ignored(door: Door, payload: Any) -> None:
    async with door.socket() as socket:
        await socket.send({"type": "pong", **payload})
        await socket.init()
        await socket.send({"type": "pong", **payload})
        assert await socket.ask(VIEWER) == NOBODY


async def test_all_frames_are_text(door: Door) -> None:
    async with door.socket() as socket:
        await socket.send(INIT)
        await socket.send({"type": "ping"})
        await socket.subscribe("1", VIEWER)
        await socket.subscribe("2", "{")
        frames = [await socket.receive_raw() for _ in range(5)]
    assert all(isinstance(frame, str) for frame in frames)
    types = sorted(json.loads(frame)["type"] for frame in frames)
    assert types == ["complete", "connection_ack", "error", "next", "pong"]


async def test_a_client_that_closes_leaves_nothing_behind(
    door: Door, ann: Person, caplog: pytest.LogCaptureFixture
) -> None:
    for token in (None, await door.sign_in(ann)):
        async with door.signed_in(token) as socket:
            assert await socket.ask(VIEWER) == (ANN if token else NOBODY)
    async with asyncio.timeout(10):
        while door.server.server_state.tasks:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)
    assert not door.service.live.delivery._bells.topics
    assert not door.service.caps["sockets"]._open
    assert tracebacks(caplog) == []
