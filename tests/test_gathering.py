"""Gathering: who asks at once is answered at once, and never with what was known before they asked."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from resolvers.gathering import SIZES, Gathering


class Table:
    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.gate = asyncio.Event()

    async def load(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.asked.append(keys)
        await self.gate.wait()
        if -1 in keys:
            raise OSError("away")
        return {key: str(key) for key in keys if key < 1_000}


@pytest.fixture
def table() -> Table:
    return Table()


async def _asked(gathering: Gathering[int, str], *keys: int) -> list[asyncio.Task[str | None]]:
    tasks = [asyncio.create_task(gathering.get(key)) for key in keys]
    await asyncio.sleep(0.01)
    return tasks


async def test_all_who_come_while_one_look_up_runs_share_the_next(table: Table):
    gathering: Gathering[int, str] = Gathering(table.load)
    (first,) = await _asked(gathering, 0)
    others = await _asked(gathering, *range(20))
    table.gate.set()
    assert await asyncio.gather(first, *others) == ["0", *map(str, range(20))]
    assert [set(keys) for keys in table.asked] == [{0}, set(range(20))]


async def test_a_look_up_has_one_of_a_few_sizes(table: Table):
    gathering: Gathering[int, str] = Gathering(table.load)
    table.gate.set()
    await asyncio.gather(*(gathering.get(n) for n in range(200)))
    await asyncio.gather(*(gathering.get(n) for n in range(3)))
    assert {len(keys) for keys in table.asked} <= set(SIZES)


async def test_what_is_not_there_is_none(table: Table):
    table.gate.set()
    assert await Gathering(table.load).get(1_000) is None


async def test_a_failure_is_theirs_who_asked_together_and_the_next_are_answered(table: Table):
    gathering: Gathering[int, str] = Gathering(table.load)
    table.gate.set()
    failed = await asyncio.gather(gathering.get(-1), gathering.get(1), return_exceptions=True)
    assert [type(one) for one in failed] == [OSError, OSError]
    assert await gathering.get(1) == "1"


async def test_one_who_gives_up_does_not_take_the_others_along(table: Table):
    gathering: Gathering[int, str] = Gathering(table.load)
    one, other = await _asked(gathering, 1, 2)
    one.cancel()
    table.gate.set()
    assert await asyncio.wait_for(other, 5) == "2"
