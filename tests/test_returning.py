"""Returning: whoever comes back with all the others asks the database for no more than they must."""

import asyncio
from typing import Any

import pytest

from resolvers.accounts import BadToken
from server import Service
from tests.client import settled
from tests.device import signed_in
from tests.started import SIGN_OUT_EVERYWHERE
from tests.traces import statements
from tests.world import World


async def test_a_token_that_was_found_good_is_not_asked_about_again(world: World):
    context = (device := await signed_in(world, await world.person("Ann"))).context()
    world.service.means.sign_ins.clear()
    await context.sign_in_with(device.token)
    with statements(world.service) as sent:
        watching = asyncio.create_task(context.signed_out())
        await asyncio.sleep(0.1)
        watching.cancel()
    assert sent == []


async def test_a_sign_in_that_ends_before_anybody_listens_has_ended(world: World):
    context = (device := await signed_in(world, await world.person("Ann"))).context()
    world.service.means.sign_ins.clear()
    await context.sign_in_with(device.token)
    await device.do(SIGN_OUT_EVERYWHERE)
    await settled(world.service)
    with pytest.raises(BadToken):
        await asyncio.wait_for(context.signed_out(), 5)


async def test_a_token_that_is_only_remembered_is_asked_about(world: World):
    device = await signed_in(world, await world.person("Ann"))
    await device.context().sign_in_with(device.token)
    context = device.context()
    await context.sign_in_with(device.token)
    with statements(world.service) as sent:
        watching = asyncio.create_task(context.signed_out())
        await asyncio.sleep(0.1)
        watching.cancel()
    assert sent != []


async def test_all_who_come_at_once_share_the_head_of_the_log(service: Service, monkeypatch: pytest.MonkeyPatch):
    asked, head = [], service.feed.head

    async def counted() -> Any:
        asked.append(1)
        return await head()

    monkeypatch.setattr(service.feed, "head", counted)
    assert len({found.epoch for found in await asyncio.gather(*(service.feed.recent_head() for _ in range(20)))}) == 1
    assert len(asked) == 1


async def test_a_head_that_could_not_be_read_is_asked_for_again(service: Service, monkeypatch: pytest.MonkeyPatch):
    async def failing() -> Any:
        raise OSError("away")

    with monkeypatch.context() as away:
        away.setattr(service.feed, "head", failing)
        with pytest.raises(OSError, match="away"):
            await service.feed.recent_head()
    assert (await service.feed.recent_head()).epoch == (await service.feed.head()).epoch
