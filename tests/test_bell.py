"""The bell: it rings from process to process, and whatever becomes of the broker, it rings again when that is back."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from broadcaster import Event
from broadcaster._backends.memory import MemoryBackend

from models import Database
from realtime import backends
from realtime.backends import backend
from realtime.bell import DEAF, Bell, bell
from realtime.relay import Relay
from tests.brokers import Broker
from tests.client import DEADLINE, until
from tests.redis_server import RedisServer
from tests.test_relay import Ear, run, write

SOON = 0.02
UP, DOWN = "the broker answers again", "the broker does not answer: "


async def soon(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(SOON)


async def ring_and_hear(here: Bell, there: Bell) -> None:
    """One rings until the other hears it: a bell that is up may still have rung before the other listened."""
    with there.listen() as rung:
        async with asyncio.timeout(DEADLINE):
            while not rung.is_set():
                here.ring(1)
                await asyncio.sleep(SOON)


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("redis", marks=pytest.mark.redis)]
)
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("postgres_url" if request.param == "postgres" else "redis_url"))


@pytest.fixture
def redis_url(redis: RedisServer) -> str:
    return redis.url


async def test_what_one_process_rings_the_others_hear_at_once(url: str) -> None:
    """With ticks of an hour, only the broker can have brought it."""
    bells = [Bell(partial(backend, url), tick=3_600) for _ in range(3)]
    async with bells[0] as here, bells[1] as one, bells[2] as other:
        with one.listen() as first, other.listen() as second:
            here.ring(7)
            async with asyncio.timeout(DEADLINE):
                await asyncio.gather(first.wait(), second.wait())
    await bell(url).probe()


async def test_what_a_process_rings_wakes_its_own_feed_once_and_without_the_broker() -> None:
    broker = Broker()
    async with Bell(broker, tick=3_600) as here:
        with here.listen() as rung:
            here.ring(1)
            assert rung.is_set(), "at once"
            rung.clear()
            await until(lambda: len(broker.taken) == 2 and broker.is_quiet)
            await asyncio.sleep(SOON)
            assert not rung.is_set(), "its own bell came back, and says nothing new"


async def test_a_thousand_rings_are_few_messages_and_the_last_is_among_them() -> None:
    broker = Broker()
    async with Bell(broker) as here:
        for position in range(1_000):
            here.ring(position)
        await until(lambda: broker.taken[-1].endswith(" 999"))
        assert len(broker.taken) == 2, "one to hear itself, one for all"


async def test_silence_is_broken_by_one_of_many() -> None:
    """Whoever hears another need not ring to hear itself: twenty idle processes do not send twenty messages a tick."""
    broker, tick = Broker(), 0.1
    async with AsyncExitStack() as stack:
        for number in range(20):
            await stack.enter_async_context(Bell(broker, tick=tick))
            await asyncio.sleep(tick / 20 * (number > 0))
        before = len(broker.taken)
        await asyncio.sleep(10 * tick)
        assert len(broker.taken) - before < 100, "not 200"


async def test_a_broker_that_is_down_at_the_start_is_told_once_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = Broker()
    broker.is_up = False
    async with Bell(broker, tick=SOON) as here:
        assert not here.is_up
        await asyncio.sleep(5 * SOON)
        assert caplog.messages == [DOWN + "ConnectionError"]
        broker.is_up = True
        await until(lambda: here.is_up)
        assert (broker.subscriptions, caplog.messages[1:]) == (1, [UP])
    assert broker.lines == set()


async def test_a_connection_that_is_silently_dead_is_noticed_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing raises: the broker takes what is rung, and nothing ever comes."""
    broker = Broker()
    async with Bell(broker, tick=SOON) as here:
        (dead,) = broker.lines
        broker.carries = lambda event: []
        await until(lambda: not here.is_up)
        broker.carries = lambda event: [event]
        await until(lambda: here.is_up)
        assert (len(broker.lines), broker.subscriptions) == (1, 1)
        assert dead not in broker.lines
    assert caplog.messages == [DOWN + "Deaf", UP]


async def test_a_broker_that_takes_its_time_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.bell.PATIENCE", SOON)

    class Hanging(MemoryBackend):
        async def connect(self) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(DEADLINE), Bell(lambda: Hanging("")) as here:
        here.ring(1)
        assert not here.is_up


class Bad:
    """Drops a third of the bells, doubles a third, and brings the others late, behind later ones."""

    def __init__(self) -> None:
        self._random = random.Random(5)
        self._held: list[Event] = []

    def __call__(self, event: Event) -> Sequence[Event]:
        held, self._held = self._held, []
        match self._random.randrange(3):
            case 0:
                return held
            case 1:
                return [event, *held, event]
        self._held = [event]
        return held


@pytest.mark.slow
async def test_with_a_broker_that_drops_doubles_and_reorders_every_process_hears_all_once_in_order(
    database: Database,
) -> None:
    broker = Broker()
    broker.carries = Bad()
    rows: list[UUID] = []
    async with Bell(broker, tick=SOON) as one, Bell(broker, tick=SOON) as other:
        relays = [Relay(database, one, tick=SOON), Relay(database, other, tick=SOON)]
        database.committed = lambda _: random.choice(relays).nudge()

        async def write_many() -> None:
            for _ in range(100):
                rows.append(uuid4())
                await write(database, rows[-1])

        async def heard() -> None:
            async with Ear(database, one, tick=0.1) as first, Ear(database, other, tick=0.1) as second:
                await write_many()
                assert await first.until(100) == await second.until(100) == list(enumerate(rows, 1))

        await run(relays, heard())


@pytest.mark.postgres
async def test_when_postgres_ends_the_listening_connection_another_takes_its_place(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    make = partial(backend, postgres_url)
    control = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    listening = "SELECT {} FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()"
    async with Bell(make, tick=SOON) as here, Bell(make, tick=SOON) as there:
        await control.execute(listening.format("pg_terminate_backend(pid)"), backends.NAME)
        await until(lambda: caplog.messages.count(UP) == 2)
        await ring_and_hear(here, there)
        await ring_and_hear(there, here)
        assert await control.fetchval(listening.format("count(*)"), backends.NAME) == 2
    await control.close()


@pytest.mark.slow
@pytest.mark.redis
async def test_redis_is_stopped_and_started_and_each_process_has_one_subscription(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    make = partial(backend, redis.url)
    async with Bell(make, tick=0.1) as here, Bell(make, tick=0.1) as there:
        for _ in range(2):
            await ring_and_hear(here, there)
            await redis.stop()
            await until(lambda: not here.is_up and not there.is_up)
            await redis.start()
            await until(lambda: here.is_up and there.is_up)
            await ring_and_hear(there, here)
            assert await redis.subscriptions() == 2

    async def nobody_listens() -> bool:
        return await redis.subscriptions() == 0

    await soon(nobody_listens)
    assert [record.name for record in caplog.records if record.name != "plenary.bell"] == []


@pytest.mark.redis
async def test_redis_may_be_started_last(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path)
    async with Bell(partial(backend, redis.url), tick=SOON) as here:
        assert not here.is_up
        await redis.start()
        await until(lambda: here.is_up)
        assert await redis.subscriptions() == 1
    await redis.stop()


async def test_a_bell_that_never_hears_is_given_up_after_some_ticks() -> None:
    broker = Broker()
    broker.carries = lambda event: []
    async with asyncio.timeout(DEADLINE), Bell(broker, tick=SOON) as here:
        assert not here.is_up
        assert len(broker.taken) >= DEAF


@pytest.mark.parametrize(
    "url",
    ["", "memory", "kafka://x", "redis:sesame", "redis://x:sesame/0", "postgresql://x:sesame/y", "rediss://[sesame"],
)
def test_what_is_no_broker_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^must be") as error:
        bell(url)
    assert "sesame" not in str(error.value)
