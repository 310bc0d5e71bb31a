"""Accounts: signing in and out, and what limits those who guess."""

import asyncio
import hashlib
import logging
from datetime import timedelta

import pytest
from argon2 import extract_parameters
from sqlmodel import col, select

from models import AccountState, MemberKind, NetworkRole, SignIn
from resolvers import accounts, policy
from resolvers.accounts import LIFETIME, BadToken, ExpiredToken
from server import Service
from tests.conftest import ManualClock
from tests.device import Device, code_of, signed_in
from tests.tables import table
from tests.unchanged import nothing_happens
from tests.world import PASSWORD, World, gid

SIGN_OUT = "mutation { signOut { account { email } problems { code message } } }"
SIGN_OUT_EVERYWHERE = "mutation { signOutEverywhere { account { email } problems { code } } }"
VIEWER = "{ viewer { account { email } networks { name } signedInUntil } }"


async def test_signing_in_tells_a_token_that_speaks_for_the_account(world: World) -> None:
    ann = await world.person("Ann")
    device = await signed_in(world, ann)
    assert device.viewer == ann.principal_id
    viewer = (await device.ask(VIEWER))["viewer"]
    assert viewer["account"] == {"email": "ann@example.com"}
    assert viewer["networks"] == [{"name": "Halden"}]
    assert viewer["signedInUntil"] == (world.now + LIFETIME).isoformat()


async def test_nobody_is_no_viewer(world: World) -> None:
    assert await world.nobody.ask(VIEWER) == {"viewer": None}


async def test_an_e_mail_is_known_in_whatever_case_it_is_typed(world: World) -> None:
    await world.person("Ann")
    assert await code_of(Device(world.service), "  Ann@Example.COM ", PASSWORD) == "OK"


async def test_a_wrong_password_and_an_unknown_e_mail_answer_the_same(world: World) -> None:
    await world.person("Ann")
    device = Device(world.service)
    async with nothing_happens(world.service):
        wrong = await device.try_to_sign_in("ann@example.com")
        unknown = await device.try_to_sign_in("nobody@example.com")
        odd = [await device.try_to_sign_in(email) for email in ("", "\x00", "\ud800@example.com", "x" * 10_000)]
    assert wrong["problems"][0]["code"] == "UNAUTHENTICATED"
    assert all(answer == wrong for answer in (unknown, *odd))


async def test_an_unknown_e_mail_costs_one_hash_like_a_known_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.person("Ann")
    verified: list[str] = []
    passwords = world.service.passwords
    matches = passwords._matches

    def watched(hashed: str, given: str) -> bool:
        verified.append(hashed)
        return matches(hashed, given)

    monkeypatch.setattr(passwords, "_matches", watched)
    device = Device(world.service)
    await device.try_to_sign_in("ann@example.com")
    await device.try_to_sign_in("nobody@example.com")
    known, unknown = map(extract_parameters, verified)
    assert known == unknown


async def test_after_five_failures_an_account_is_limited_from_that_address_even_with_the_right_password(
    world: World, clock: ManualClock
) -> None:
    await world.person("Ann")
    await world.person("Bob")
    device = Device(world.service)
    assert [await code_of(device, "ann@example.com") for _ in range(5)] == ["UNAUTHENTICATED"] * 5
    async with nothing_happens(world.service):
        limited = await device.try_to_sign_in("ANN@example.com", PASSWORD)
    (problem,) = limited["problems"]
    assert (limited["token"], problem["code"], problem["retryAfter"]) == (None, "LIMITED", 300)
    assert await code_of(device, "bob@example.com", PASSWORD) == "OK"
    assert await code_of(Device(world.service, "192.0.2.2"), "ann@example.com", PASSWORD) == "OK"
    clock.advance(seconds=299)
    assert await code_of(device, "ann@example.com", PASSWORD) == "LIMITED"
    clock.advance(seconds=2)
    assert await code_of(device, "ann@example.com", PASSWORD) == "OK"


async def test_successes_are_never_limited_and_cost_nothing(world: World) -> None:
    await world.person("Ann")
    device = Device(world.service)
    assert [await code_of(device, "ann@example.com") for _ in range(4)] == ["UNAUTHENTICATED"] * 4
    assert [await code_of(device, "ann@example.com", PASSWORD) for _ in range(30)] == ["OK"] * 30


async def test_a_hundred_failures_limit_an_address_whatever_the_e_mail(world: World) -> None:
    await world.person("Ann")
    device = Device(world.service)
    codes = {await code_of(device, f"{n}@example.com") for n in range(100)}
    assert codes == {"UNAUTHENTICATED"}
    assert await code_of(device, "ann@example.com", PASSWORD) == "LIMITED"
    assert await code_of(Device(world.service, "192.0.2.2"), "ann@example.com", PASSWORD) == "OK"


async def test_failures_are_counted_by_field_not_by_request(world: World) -> None:
    await world.person("Ann")
    wrong = 'signIn(input: {email: "ann@example.com", password: "wrong"}) { problems { code } }'
    document = "mutation {" + " ".join(f"a{n}: {wrong}" for n in range(7)) + "}"
    answers = (await Device(world.service).ask(document)).values()
    assert [answer["problems"][0]["code"] for answer in answers] == ["UNAUTHENTICATED"] * 5 + ["LIMITED"] * 2


async def test_guesses_that_come_at_once_are_limited_like_those_that_come_one_by_one(world: World) -> None:
    await world.person("Ann")
    device = Device(world.service)
    codes = await asyncio.gather(*(code_of(device, "ann@example.com") for _ in range(30)))
    assert codes.count("UNAUTHENTICATED") == 5
    assert codes.count("LIMITED") == 25


async def test_a_suspended_account_cannot_sign_in_and_its_tokens_are_good_no_longer(world: World) -> None:
    ann = await world.person("Ann")
    device = await signed_in(world, ann)
    wrong = await device.try_to_sign_in("nobody@example.com")
    await world.change(ann.account, state=AccountState.SUSPENDED)
    async with nothing_happens(world.service):
        assert await device.try_to_sign_in("ann@example.com", PASSWORD) == wrong
    world.service.means.sign_ins.clear()  # as a second later
    with pytest.raises(BadToken):
        await device.come_back()


async def test_signing_out_ends_this_sign_in_alone(world: World) -> None:
    ann = await world.person("Ann")
    here, there = await signed_in(world, ann), await signed_in(world, ann)
    assert (await here.do(SIGN_OUT))["account"] == {"email": "ann@example.com"}
    with pytest.raises(BadToken):
        await here.come_back()
    await there.come_back()
    assert there.viewer == ann.principal_id


async def test_signing_out_everywhere_ends_every_sign_in_of_this_account_alone(world: World) -> None:
    ann, bob = await world.person("Ann"), await world.person("Bob")
    devices = [await signed_in(world, ann) for _ in range(3)]
    other = await signed_in(world, bob)
    await devices[0].do(SIGN_OUT_EVERYWHERE)
    for device in devices:
        with pytest.raises(BadToken):
            await device.come_back()
    await other.come_back()
    assert other.viewer == bob.principal_id


@pytest.mark.parametrize("document", [SIGN_OUT, SIGN_OUT_EVERYWHERE])
async def test_nobody_cannot_sign_out(world: World, document: str) -> None:
    async with nothing_happens(world.service):
        assert (await world.nobody.problem(document))["code"] == "UNAUTHENTICATED"


async def test_a_sign_in_expires_by_the_clock(world: World, clock: ManualClock) -> None:
    device = await signed_in(world, await world.person("Ann"))
    clock.advance(seconds=LIFETIME.total_seconds() - 1)
    await device.come_back()
    clock.advance(seconds=1)
    with pytest.raises(ExpiredToken):
        await device.come_back()


async def test_an_ended_sign_in_is_bad_even_when_it_would_have_expired(world: World, clock: ManualClock) -> None:
    device = await signed_in(world, await world.person("Ann"))
    await device.do(SIGN_OUT)
    clock.advance(days=31)
    with pytest.raises(BadToken) as refusal:
        await device.come_back()
    assert not isinstance(refusal.value, ExpiredToken)


@pytest.mark.parametrize("token", ["", "garbage", "plenary_sign_in_", "\x00", "\ud800", "ä" * 1_000])
async def test_what_is_no_token_is_bad(service: Service, token: str) -> None:
    with pytest.raises(BadToken):
        await Device(service).context().sign_in_with(token)


async def test_the_database_holds_no_token_but_its_hash(world: World) -> None:
    device = await signed_in(world, await world.person("Ann"))
    async with world.service.database.read() as session:
        (row,) = (await session.scalars(select(SignIn))).all()
    assert row.token_hash == hashlib.sha256(device.token.encode()).digest()
    assert device.token not in repr(row.model_dump())
    assert len(device.token) >= len("plenary_sign_in_") + 43


async def test_two_sign_ins_have_different_tokens(world: World) -> None:
    ann = await world.person("Ann")
    assert (await signed_in(world, ann)).token != (await signed_in(world, ann)).token


async def test_no_secret_is_in_a_log_or_in_what_a_debugger_prints(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ann = await world.person("Ann")
    device = await signed_in(world, ann)
    await device.try_to_sign_in("ann@example.com", "a secret guess")
    context = device.context()
    started = await accounts.sign_in(context, email="ann@example.com", password=PASSWORD)
    printed = " ".join([caplog.text, repr(context), repr(started), repr(world.service), str(world.service.settings)])
    key = world.service.settings.secret_key.get_secret_value()
    assert [
        secret for secret in (PASSWORD, "a secret guess", device.token, started.token, key) if secret in printed
    ] == []


@table(policy.see_account)
@pytest.mark.parametrize(
    ("who", "sees"),
    [("self", True), ("colleague", False), ("administrator", False), ("guest", False), ("nobody", False)],
)
async def test_an_account_is_seen_by_the_person_whose_it_is(world: World, who: str, sees: bool) -> None:
    ann = await world.person("Ann")
    viewers = {
        "self": ann.client,
        "colleague": (await world.person("Bob")).client,
        "administrator": (await world.person("Cyd", role=NetworkRole.ADMIN)).client,
        "guest": (await world.person("Dan", MemberKind.GUEST)).client,
        "nobody": world.nobody,
    }
    node = "query ($id: ID!) { node(id: $id) { ... on Account { email } } }"
    if sees:
        assert await viewers[who].ask(node, id=gid(ann.account)) == {"node": {"email": "ann@example.com"}}
    else:
        assert await viewers[who].refused(node, id=gid(ann.account)) == "NOT_FOUND"


async def test_ended_sign_ins_keep_when_they_ended(world: World, clock: ManualClock) -> None:
    device = await signed_in(world, await world.person("Ann"))
    clock.advance(minutes=5)
    await device.do(SIGN_OUT)
    async with world.service.database.read() as session:
        ended = (await session.scalars(select(col(SignIn.ended_at)))).one()
    assert device.row
    assert ended == world.now
    assert ended - device.row.created_at == timedelta(minutes=5)
