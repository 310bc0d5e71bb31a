"""Passwords: changed by who knows the old one, hashed, and never guessed for long."""

import threading
from typing import Any

import pytest
from argon2 import extract_parameters
from sqlmodel import select

from models import Account
from resolvers.accounts import BadToken
from resolvers.passwords import Passwords
from tests.device import Device, code_of, signed_in
from tests.unchanged import nothing_happens
from tests.world import PASSWORD, World

CHANGE_PASSWORD = """mutation ($current: String!, $new: String!) {
  changePassword(input: {currentPassword: $current, newPassword: $new}) { account { email } problems { code field } }
}"""
NEW_PASSWORD = "a new and better one"


async def test_changing_the_password_ends_the_other_sign_ins(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob")
    here, there, other = await signed_in(world, ann), await signed_in(world, ann), await signed_in(world, bob)
    await here.do(CHANGE_PASSWORD, current=PASSWORD, new=NEW_PASSWORD)
    with pytest.raises(BadToken):
        await there.come_back()
    for device in (here, other):
        await device.come_back()
    assert await code_of(Device(world.service), "ann@example.com", PASSWORD) == "UNAUTHENTICATED"
    assert await code_of(Device(world.service), "ann@example.com", NEW_PASSWORD) == "OK"


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("not the password", NEW_PASSWORD, "currentPassword"),
        (PASSWORD, "x" * 9, "newPassword"),
        (PASSWORD, "x" * 201, "newPassword"),
    ],
)
async def test_a_password_is_not_changed_without_the_old_one_or_to_a_bad_one(
    world: World, current: str, new: str, field: str
) -> None:
    device = await signed_in(world, await world.person("Ann"))
    async with nothing_happens(world.service):
        problem = await device.problem(CHANGE_PASSWORD, current=current, new=new)
    assert problem == {"code": "INVALID", "field": ["input", field]}
    await device.come_back()


async def test_a_password_may_be_of_any_characters(world: World) -> None:
    ann = await world.person("Ann")
    device = await signed_in(world, ann)
    password = PASSWORD
    for odd in ("  white space counts  ", "ключ\x00🔑 of ten", "\ud800" * 10):
        await device.do(CHANGE_PASSWORD, current=password, new=odd)
        assert await code_of(Device(world.service), "ann@example.com", odd) == "OK"
        password = odd


async def test_nobody_and_a_kiosk_have_no_password_to_change(world: World) -> None:
    kiosk, _key, _token = await world.kiosk(await world.board(await world.community()))
    async with nothing_happens(world.service):
        for client, code in ((world.nobody, "UNAUTHENTICATED"), (kiosk, "INVALID")):
            problem = await client.problem(CHANGE_PASSWORD, current=PASSWORD, new=NEW_PASSWORD)
            assert problem["code"] == code


async def test_the_database_holds_no_password_but_its_hash(world: World) -> None:
    await world.person("Ann")
    async with world.service.database.read() as session:
        (account,) = (await session.scalars(select(Account))).all()
    assert account.password_hash.startswith("$argon2id$")
    assert PASSWORD not in account.password_hash


async def test_passwords_are_hashed_at_the_parameters_of_owasp() -> None:
    hashed = await Passwords().hash(PASSWORD)
    found = extract_parameters(hashed)
    assert hashed.startswith("$argon2id$")
    assert (found.memory_cost, found.time_cost, found.parallelism) == (19 * 1024, 2, 1)


async def test_two_hashes_of_one_password_differ() -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    first, second = await passwords.hash(PASSWORD), await passwords.hash(PASSWORD)
    assert first != second
    assert await passwords.verify(first, PASSWORD)
    assert not await passwords.verify(first, "not the password")
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify("no hash at all", PASSWORD)


async def test_hashing_leaves_the_event_loop_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(memory_kib=8, passes=1)
    threads = set()
    real = passwords._hasher

    class Watched:
        def hash(self, password: Any) -> str:
            threads.add(threading.get_ident())
            return real.hash(password)

        def verify(self, hashed: str, password: Any) -> bool:
            threads.add(threading.get_ident())
            return real.verify(hashed, password)

    monkeypatch.setattr(passwords, "_hasher", Watched())
    assert await passwords.verify(await passwords.hash(PASSWORD), PASSWORD)
    assert threads
    assert threading.get_ident() not in threads


async def test_guessing_the_current_password_is_limited(world: World) -> None:
    ann = await world.person("Ann")
    change = """mutation ($current: String!) {
      changePassword(input: {currentPassword: $current, newPassword: "a new one, long"}) { problems { code } }
    }"""
    codes = [(await ann.client.problem(change, current=f"guess {n}"))["code"] for n in range(7)]
    assert codes == ["INVALID"] * 5 + ["LIMITED"] * 2
