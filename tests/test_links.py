"""Links by mail: they sign in once, soon, and asking for one tells nobody whether there is an account."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.cookies import SimpleCookie
from typing import Any

import pytest
from sqlalchemy import event

from models import AccountState, Letter, LetterState, SignInLink
from resolvers import accounts, attendees
from resolvers.context import Context
from resolvers.links import LIFETIME
from server import Service
from tests import documents as do
from tests.conftest import ManualClock
from tests.device import Device
from tests.invited import only
from tests.letterbox import arrived, rows, token
from tests.started import Door
from tests.traces import count
from tests.unchanged import everything, nothing_happens
from tests.world import PASSWORD, Person, World, gid

ANN = "ann@example.com"
NOBODY = "nobody@example.com"


async def link(world: World, email: str = ANN) -> str:
    """The token that is sent to whoever asks for one."""
    assert await Device(world.service).do(do.REQUEST_SIGN_IN_LINK, email=email) == {"problems": []}
    return token((await arrived(world.service))[-1])


async def sign_in(world: World, secret: str) -> Any:
    return await Device(world.service).payload(do.SIGN_IN_WITH_LINK, token=secret)


def code(payload: Any) -> str:
    return str(payload["problems"][0]["code"]) if payload["problems"] else "OK"


@contextmanager
def sent_to(service: Service) -> Iterator[list[str]]:
    """The statements of readers and writers, but for the relay's."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "head" not in statement and "change" not in statement:
            sent.append(statement)

    engines = (service.database._reading.sync_engine, service.database._writing.sync_engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def test_a_link_signs_in_once_like_a_password(world: World, ann: Person) -> None:
    secret = await link(world, " Ann@Example.com ")
    payload = await sign_in(world, secret)
    assert (code(payload), payload["account"]["id"]) == ("OK", gid(ann.account))
    device = Device(world.service)
    device.token = payload["token"]
    await device.come_back()
    assert device.viewer == ann.principal_id
    async with nothing_happens(world.service):
        again = await sign_in(world, secret)
    assert (code(again), again["token"]) == ("INVALID", None)


async def test_a_link_used_and_an_unknown_one_answer_the_same(world: World, ann: Person) -> None:
    secret = await link(world)
    await sign_in(world, secret)
    assert await sign_in(world, secret) == await sign_in(world, "plenary_link_unknown")


async def test_of_two_who_use_a_link_at_once_one_signs_in(world: World, ann: Person) -> None:
    secret = await link(world)
    answers = await asyncio.gather(*(sign_in(world, secret) for _ in range(4)))
    assert sorted(map(code, answers)) == ["INVALID"] * 3 + ["OK"]


async def test_a_link_is_good_for_a_quarter_of_an_hour_from_when_it_was_asked_for(
    world: World, ann: Person, clock: ManualClock
) -> None:
    secret = await link(world)
    clock.advance(seconds=LIFETIME.total_seconds())
    assert code(await sign_in(world, secret)) == "INVALID"
    secret = await link(world)
    clock.advance(seconds=LIFETIME.total_seconds() - 1)
    assert code(await sign_in(world, secret)) == "OK"


async def test_a_cookie_keeps_it_as_it_keeps_a_sign_in(door: Door) -> None:
    world = await World.make(door.service)
    await world.person("Ann")
    secret = await link(world)
    query = "mutation ($t: String!) { signInWithLink(token: $t, cookie: true) { token problems { code } } }"
    async with door.http(origin=door.origin) as client:
        response = await client.post("/graphql", json={"query": query, "variables": {"t": secret}})
    assert response.json()["data"] == {"signInWithLink": {"token": None, "problems": []}}
    (cookie,) = SimpleCookie(response.headers["set-cookie"]).values()
    assert cookie["httponly"]
    assert cookie.value.startswith("plenary_sign_in_")


async def test_where_no_cookie_can_be_kept_the_link_stays_good(world: World, ann: Person) -> None:
    secret = await link(world)
    query = "mutation ($t: String!) { signInWithLink(token: $t, cookie: true) { token problems { code } } }"
    assert code(await Device(world.service).payload(query, t=secret)) == "INVALID"
    assert code(await sign_in(world, secret)) == "OK"


@pytest.mark.parametrize("state", [None, AccountState.SUSPENDED, AccountState.ERASED])
async def test_where_there_is_no_active_account_the_same_is_answered_and_nothing_is_sent(
    world: World, ann: Person, state: AccountState | None
) -> None:
    if state:
        await world.change(ann.account, state=state)
    email = ANN if state else NOBODY
    known = await Device(world.service).payload(do.REQUEST_SIGN_IN_LINK, email="bob@example.com")
    assert await Device(world.service).payload(do.REQUEST_SIGN_IN_LINK, email=email) == known == {"problems": []}
    assert await arrived(world.service) == []
    assert {letter.state for letter in await rows(world.service)} == {LetterState.VOID}
    assert {letter.sealed for letter in await rows(world.service)} == {None}
    assert await count(world.service, SignInLink) == 0


async def test_asking_is_the_same_work_whether_or_not_there_is_an_account(world: World, ann: Person) -> None:
    device = Device(world.service)
    await device.do(do.REQUEST_SIGN_IN_LINK, email="first@example.com")
    seen = []
    for email in (ANN, NOBODY):
        with sent_to(world.service) as statements:
            await device.do(do.REQUEST_SIGN_IN_LINK, email=email)
        seen.append(statements)
    known, unknown = seen
    assert known == unknown
    assert [one for one in known if "account" in one] == []
    sizes = {len(letter.sealed or b"") for letter in await rows(world.service)}
    assert len(sizes) == 1, "the row is of one size, too"


@pytest.mark.parametrize("email", [ANN, NOBODY])
async def test_whoever_asks_gets_five_in_five_minutes_and_keeps_nobody_else_from_asking(
    world: World, ann: Person, email: str, clock: ManualClock
) -> None:
    for _ in range(5):
        await Device(world.service, "192.0.2.9").do(do.REQUEST_SIGN_IN_LINK, email=email)
    async with nothing_happens(world.service):
        limited = await Device(world.service, "192.0.2.9").payload(do.REQUEST_SIGN_IN_LINK, email=email.upper())
    assert (code(limited), limited["problems"][0]["retryAfter"]) == ("LIMITED", 300)
    await Device(world.service, "192.0.2.9").do(do.REQUEST_SIGN_IN_LINK, email="bob@example.com")
    await Device(world.service, "192.0.2.1").do(do.REQUEST_SIGN_IN_LINK, email=email)
    clock.advance(seconds=301)
    await Device(world.service, "192.0.2.9").do(do.REQUEST_SIGN_IN_LINK, email=email)


async def test_an_account_has_five_links_waiting_whoever_asks_and_more_when_they_are_over(
    world: World, ann: Person, clock: ManualClock
) -> None:
    for n in range(7):
        await Device(world.service, f"192.0.2.{n}").do(do.REQUEST_SIGN_IN_LINK, email=ANN)
    sent = await arrived(world.service)
    assert len(sent) == 5
    assert code(await sign_in(world, token(sent[0]))) == "OK"
    clock.advance(seconds=LIFETIME.total_seconds() + 1)
    await Device(world.service, "192.0.2.9").do(do.REQUEST_SIGN_IN_LINK, email=ANN)
    assert len(await arrived(world.service)) == 6


async def test_a_hundred_in_five_minutes_limit_whoever_asks(world: World) -> None:
    device = Device(world.service)
    codes = [code(await device.payload(do.REQUEST_SIGN_IN_LINK, email=f"n{n}@example.com")) for n in range(101)]
    assert codes == ["OK"] * 100 + ["LIMITED"]


@pytest.mark.parametrize(
    "email",
    [
        *("", "ann", "ann@example.com\nBcc: bob@example.com", "a@b@c", "\x00@example.com"),
        "=?utf-8?q?ann?=@example.com",  # in a header, that is Ann
    ],
)
async def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    async with nothing_happens(world.service):
        assert code(await Device(world.service).payload(do.REQUEST_SIGN_IN_LINK, email=email)) == "INVALID"


async def test_the_database_never_holds_the_token_but_sealed_and_then_its_hash(world: World, ann: Person) -> None:
    await Device(world.service).do(do.REQUEST_SIGN_IN_LINK, email=ANN)
    before = repr(await everything(world.service))
    (letter,) = await arrived(world.service)
    assert token(letter) not in before + repr(await everything(world.service))
    granted = await only(world, SignInLink)
    assert granted.token_hash == hashlib.sha256(token(letter).encode()).digest()


async def test_a_letter_that_is_tried_again_grants_one_link(world: World, ann: Person, clock: ManualClock) -> None:
    await Device(world.service).do(do.REQUEST_SIGN_IN_LINK, email=ANN)
    letter = await only(world, Letter)
    for _ in range(2):
        assert await world.service.post._compose(letter) is not None
    assert await count(world.service, SignInLink) == 1


async def test_a_link_to_an_account_that_was_suspended_meanwhile_is_not_valid(world: World, ann: Person) -> None:
    secret = await link(world)
    await world.change(ann.account, state=AccountState.SUSPENDED)
    async with nothing_happens(world.service):
        assert code(await sign_in(world, secret)) == "INVALID"


async def test_whoever_signs_out_everywhere_or_changes_the_password_voids_links(world: World, ann: Person) -> None:
    ctx = Context(world.service.means, ann.principal_id)
    for end in (accounts.sign_out_everywhere, partial(accounts.change_password, current=PASSWORD, new="x" * 12)):
        secret = await link(world)
        await end(ctx)
        async with nothing_happens(world.service):
            assert code(await sign_in(world, secret)) == "INVALID"


async def test_a_link_that_somebody_made_for_an_attendee_signs_into_no_account(world: World, ann: Person) -> None:
    async with world.service.database.write() as session:
        made, secret = attendees.new_link(_At(world.now), ann.principal_id)  # type: ignore[arg-type]
        made.created_at = world.now
        session.add(made)
    assert code(await sign_in(world, secret)) == "INVALID"


class _At:
    def __init__(self, now: Any) -> None:
        self.now = now
