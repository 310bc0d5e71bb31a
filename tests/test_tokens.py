"""Tokens: looked up once in a moment, and good no longer than they should be."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from resolvers import accounts
from resolvers.accounts import LIFETIME, BadToken, ExpiredToken
from resolvers.context import REMEMBERED
from server import Service
from tests.conftest import ManualClock, make_service
from tests.device import Device, signed_in
from tests.test_accounts import SIGN_OUT, SIGN_OUT_EVERYWHERE
from tests.world import World


@pytest.fixture
async def device(world: World) -> Device:
    return await signed_in(world, await world.person("Ann"))


@pytest.fixture
async def other(database_url: str, clock: ManualClock, device: Device) -> AsyncIterator[Service]:
    """Another process on the same database."""
    service = make_service(database_url, clock)
    async with service.running():
        yield service


async def test_a_token_is_looked_up_once_in_a_moment(device: Device, monkeypatch: pytest.MonkeyPatch):
    looked_up: list[str] = []

    async def authenticate(db, token):
        looked_up.append(token)
        return await original(db, token)

    original = accounts.authenticate
    monkeypatch.setattr(accounts, "authenticate", authenticate)
    device.service.means.sign_ins.clear()
    for _ in range(3):
        await device.come_back()
    assert looked_up == [device.token]
    device.service.means.sign_ins.clear()
    await device.come_back()
    assert len(looked_up) == 2


@pytest.mark.parametrize("sign_out", [SIGN_OUT, SIGN_OUT_EVERYWHERE])
async def test_what_ends_it_here_is_known_here_at_once(device: Device, sign_out: str):
    await device.come_back()
    await device.do(sign_out)
    with pytest.raises(BadToken):
        await device.come_back()


async def test_what_ends_it_elsewhere_is_known_within_a_second(device: Device, other: Service):
    assert REMEMBERED < 1
    elsewhere = Device(other)
    elsewhere.token = device.token
    await elsewhere.come_back()
    await device.do(SIGN_OUT)

    async def refused() -> None:
        while True:
            await elsewhere.come_back()
            await asyncio.sleep(0.05)

    with pytest.raises(BadToken):
        await asyncio.wait_for(refused(), 30)


async def test_a_remembered_token_expires_in_time(device: Device, clock: ManualClock):
    await device.come_back()
    clock.advance(seconds=LIFETIME.total_seconds())
    with pytest.raises(ExpiredToken):
        await device.come_back()


async def test_a_bad_token_is_not_remembered(device: Device):
    device.service.means.sign_ins.clear()
    device.token = "garbage"
    with pytest.raises(BadToken):
        await device.come_back()
    assert len(device.service.means.sign_ins) == 0
