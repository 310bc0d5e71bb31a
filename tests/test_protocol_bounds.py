"""What one socket, one account and one address may have: messages a second, operations and sockets at a time."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from resolvers.budgets import Budget
from resolvers.caps import Most
from resolvers.context import ViewerKind
from resolvers.passwords import Passwords
from schema.wire import Patience
from server import Service, Settings
from tests.client import event_of, operations, until
from tests.conftest import ManualClock
from tests.lines import written
from tests.started import NOBODY, VIEWER, Door, Socket, started, tracebacks
from tests.world import World, gid

ACTIVITY = "subscription ($id: ID!) { communityActivity(communityId: $id)" + event_of("... on Topic { title }") + "}"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copy(sqlite_template, tmp_path / "plenary.db")
    return f"sqlite+aiosqlite:///{tmp_path / 'plenary.db'}"


@asynccontextmanager
async def bounded(url: str, clock: ManualClock, **settings: Any) -> AsyncIterator[Door]:
    known = Settings(database_url=url, secret_key=SecretStr("a secret for tests, long enough"), **settings)
    async with started(Service(known, clock, Passwords(memory_kib=8, passes=1), {"flush": 0.02}, 3_600.0)) as door:
        yield door


async def follow(door: Door, socket: Socket, *ids: str, **variables: Any) -> None:
    """Each is live before the next begins."""
    for id in ids:
        count = len(operations(door.service))
        await socket.subscribe(id, ACTIVITY, **variables)
        await until(lambda count=count: len(operations(door.service)) > count)  # type: ignore[misc]


async def limited(socket: Socket, id: str) -> str:
    """The message of the error that says so."""
    answer = await socket.receive()
    assert (answer["type"], answer["id"]) == ("error", id), answer
    (error,) = answer["payload"]
    assert error["extensions"]["code"] == "LIMITED"
    return str(error["message"])


def test_what_is_not_set_is_bounded_all_the_same() -> None:
    settings = Settings()
    assert (settings.sockets, settings.live_operations) == (Most(100, 10_000), Most(1_000, 50_000))
    assert (settings.socket_operations, settings.socket_messages, settings.init_seconds) == (100, 100, 5)
    assert settings.patience == Patience(headers=10, unread=30, ping=20, goodbye=5, drain=10, sweep=1)


@pytest.mark.parametrize("name", ["socket_operations", "socket_messages", "unread_seconds", "ping_seconds"])
def test_a_bound_of_nothing_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PLENARY_{name.upper()}", "0")
    with pytest.raises(ValidationError, match=name):
        Settings()


@pytest.mark.parametrize(
    ("message", "few"),
    [({"type": "complete", "id": "1"}, {"socket_messages": 2}), ({"type": "ping"}, {}), ({"type": "pong"}, {})],
    ids=["completes", "pings", "pongs"],
)
async def test_too_many_messages_close_the_socket_with_4429(
    database_url: str, clock: ManualClock, message: Any, few: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with bounded(database_url, clock, **few) as door, door.signed_in() as socket, door.signed_in() as other:
        for _ in range(120):
            await socket.send(message)
        assert await socket.closed() == 4429
        assert socket.reason == "Too many messages"
        assert await other.ask(VIEWER) == NOBODY
    assert tracebacks(caplog) == []


async def test_messages_in_moderation_go_on_and_on(database_url: str, clock: ManualClock) -> None:
    async with bounded(database_url, clock, socket_messages=20) as door, door.signed_in() as socket:
        for n in range(240):
            await socket.send({"type": "complete", "id": "1"})
            await asyncio.sleep(0.051 if n > 180 else 0)  # what may come at once is 200
        await socket.nothing()


async def test_one_operation_too_many_of_a_socket_is_an_error_and_the_others_go_on(
    database_url: str, clock: ManualClock
) -> None:
    async with bounded(database_url, clock, socket_operations=3) as door:
        world = await World.make(door.service)
        ann = await world.person("Ann")
        id = gid(await world.community(owner=ann))
        token = await door.sign_in(ann)
        async with door.signed_in(token) as socket, door.signed_in(token) as other:
            await follow(door, socket, "1", "2", "3", id=id)
            await socket.subscribe("4", ACTIVITY, id=id)
            assert await limited(socket, "4") == "At most 3 operations of one socket at a time."
            await follow(door, other, "4", id=id)
            await socket.send({"type": "complete", "id": "2"})
            await until(lambda: len(operations(door.service)) == 3)
            await follow(door, socket, "4", id=id)
            await socket.nothing()


async def test_operations_of_one_account_are_counted_over_all_its_sockets(
    database_url: str, clock: ManualClock
) -> None:
    async with bounded(database_url, clock, live_operations=Most(3, 100)) as door:
        world = await World.make(door.service)
        ann, bob = await world.person("Ann"), await world.person("Bob")
        id = gid(await world.community(owner=ann))
        token = await door.sign_in(ann)
        async with door.signed_in(await door.sign_in(ann)) as one, door.signed_in(token) as two:
            await follow(door, one, "1", "2", id=id)
            await follow(door, two, "1", id=id)
            await two.subscribe("2", ACTIVITY, id=id)
            assert await limited(two, "2") == "At most 3 live operations by one account at a time."
            async with door.signed_in(await door.sign_in(bob)) as bobs:
                await follow(door, bobs, "1", id=id)
        await until(lambda: not operations(door.service))
        async with door.signed_in(token) as socket:
            await follow(door, socket, "1", "2", "3", id=id)


async def test_what_a_cap_refuses_on_a_socket_is_logged_with_its_code_and_charged_nothing(
    database_url: str, clock: ManualClock
) -> None:
    available = "{ rateLimit { available } }"
    async with bounded(database_url, clock, live_operations=Most(1, 100)) as door:
        world = await World.make(door.service)
        ann = await world.person("Ann")
        id = gid(await world.community(owner=ann))
        door.service.execution._budgets._now = lambda: 1_000.0  # nothing comes back meanwhile
        async with door.signed_in(await door.sign_in(ann)) as socket:
            await follow(door, socket, "1", id=id)
            left = (await socket.ask(available))["rateLimit"]["available"]
            with written() as lines:
                await socket.subscribe("2", ACTIVITY, id=id)
                assert await limited(socket, "2") == "At most 1 live operations by one account at a time."
            assert (await socket.ask(available))["rateLimit"]["available"] == left
    (line,) = lines.operations
    assert (line["type"], line["transport"], line["outcome"]) == ("subscription", "websocket", "LIMITED")
    assert line.get("cost", 0) == 0


async def test_all_that_one_account_follows_is_bounded_by_its_points_until_it_follows_less(
    database_url: str, clock: ManualClock
) -> None:
    async with bounded(database_url, clock) as door:
        world = await World.make(door.service)
        ann = await world.person("Ann")
        id = gid(await world.community(owner=ann))
        async with door.signed_in(await door.sign_in(ann)) as one, door.signed_in(await door.sign_in(ann)) as two:
            await follow(door, one, "1", id=id)
            (held,) = door.service.execution._budgets._held.values()
            door.service.execution._budgets._budgets = dict.fromkeys(ViewerKind, Budget(held, 1_000))
            await two.subscribe("2", ACTIVITY, id=id)
            assert (await limited(two, "2")).endswith(f"all that you follow may take {held:,}, and takes {held:,}.")
            await one.send({"type": "complete", "id": "1"})
            await until(lambda: not door.service.execution._budgets._held)
            await follow(door, two, "2", id=id)
        await until(lambda: not door.service.execution._budgets._held)


@asynccontextmanager
async def many(door: Door, count: int, token: str | None) -> AsyncIterator[list[Socket]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(door.signed_in(token)) for _ in range(count)]


async def test_one_account_has_only_so_many_sockets_and_the_next_may_try_again(
    database_url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with bounded(database_url, clock, sockets=Most(3, 100)) as door:
        world = await World.make(door.service)
        ann, bob = await world.person("Ann"), await world.person("Bob")
        tokens = [await door.sign_in(person) for person in (ann, ann, bob)]
        async with many(door, 3, tokens[0]) as sockets:
            for token in tokens[:2]:
                async with door.socket() as socket:
                    await socket.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
                    assert await socket.closed() == 1013
                    assert socket.reason == "At most 3 sockets by one account at a time."
            async with door.signed_in(tokens[2]), door.signed_in():
                pass
            assert (await sockets[0].ask(VIEWER))["viewer"]["account"] == {"email": "ann@example.com"}
        await until(lambda: not door.service.caps["sockets"]._open)
        async with many(door, 3, tokens[1]):
            pass
    assert tracebacks(caplog) == []


async def test_one_address_has_only_so_many_sockets_also_before_they_say_who_they_are(
    database_url: str, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with bounded(database_url, clock, sockets=Most(100, 3)) as door:
        async with door.socket(), door.socket(), door.socket() as last:
            async with door.socket() as socket:
                assert await socket.closed() == 1013
                assert socket.reason == "At most 3 sockets from one address at a time."
            await last.init()
            assert await last.ask(VIEWER) == NOBODY
        await until(lambda: not door.service.caps["sockets"]._open)
        async with many(door, 3, None):
            pass
    assert tracebacks(caplog) == []


async def test_a_trusted_address_has_as_many_sockets_as_it_likes(database_url: str, clock: ManualClock) -> None:
    hall = bounded(database_url, clock, sockets=Most(1, 1), trusted_addresses="127.0.0.0/8")
    async with hall as door, many(door, 5, None) as sockets:
        assert await sockets[-1].ask(VIEWER) == NOBODY
