"""The post: letters leave once they are committed, in the end, and never by two at a time, to a real mail server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from models import Letter, LetterState, NetworkRole
from realtime import smtp
from realtime.post import BATCH, FIRST, KEPT, LEASE, LONGEST, TRIES
from realtime.smtp import Away
from resolvers import letters
from resolvers.context import Context
from resolvers.invitations import INVITATION, LIFETIME
from server import Service
from tests import documents as do
from tests.client import until
from tests.conftest import ManualClock, make_service
from tests.invited import NEW, invited, sign_up
from tests.lines import written
from tests.mail_server import MailServer, mail_server
from tests.unchanged import everything, nothing_happens
from tests.world import Person, World, gid

SENDER = "Plenary <plenary@halden.example>"


SENT, VOID = LetterState.SENT, LetterState.VOID


@pytest.fixture
async def mail() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


def posting(database_url: str, clock: ManualClock, mail: MailServer) -> Service:
    url = SecretStr(f"smtp+plain://127.0.0.1:{mail.port}")
    return make_service(database_url, clock, {"smtp_url": url, "mail_from": SENDER})


@pytest.fixture
async def service(database_url: str, clock: ManualClock, mail: MailServer) -> AsyncIterator[Service]:
    service = posting(database_url, clock, mail)
    async with service.running():
        yield service


def _nothing() -> None:
    pass


async def rows(service: Service) -> list[Letter]:
    async with service.database.read() as session:
        return list(await session.scalars(select(Letter).order_by(col(Letter.email))))


async def row(service: Service) -> Letter:
    (letter,) = await rows(service)
    return letter


async def test_an_invitation_arrives_as_text_and_as_a_page_and_leaves_nothing_behind(
    world: World, owner: Person, mail: MailServer
) -> None:
    _, token = await invited(world, owner)
    assert token not in repr(await everything(world.service))
    assert await world.service.post.deliver() == 1
    (letter,) = mail.letters
    assert mail.recipients == [NEW]
    assert (letter["From"], letter["To"]) == (SENDER, NEW)
    assert letter["Subject"] == "Owner invites you to Halden"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Date"].datetime == world.now.replace(microsecond=0)
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    assert letter.get_content_type() == "multipart/alternative"
    assert token in text.get_content()
    assert token in page.get_content()
    found = await row(world.service)
    assert (found.state, found.sealed, found.tries) == (SENT, None, 1)
    assert letter["Message-ID"] == f"<{found.id.hex}@halden.example>"
    assert (await sign_up(world, token))["problems"] == []
    assert await world.service.post.deliver() == 0


async def test_what_is_rolled_back_sends_nothing(world: World, mail: MailServer) -> None:
    ctx = Context(world.service.means)
    async with nothing_happens(world.service):
        with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is what raises
            async with ctx.transaction() as tx:
                await letters.post(tx, ctx.means, INVITATION, to=NEW, token="t")
                raise RuntimeError
        assert await world.service.post.deliver() == 0
    assert mail.raw == []


async def test_a_letter_that_is_not_taken_now_is_taken_later_as_the_same(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    await invited(world, owner)
    mail.answers.append("451 not now")
    await world.service.post.deliver()
    waiting = await row(world.service)
    assert (waiting.state, waiting.reason, mail.raw) == (LetterState.WAITING, "DATA 451", [])
    assert FIRST / 2 <= waiting.due_at - world.now <= FIRST * 1.5
    assert await world.service.post.deliver() == 0
    clock.advance(seconds=(waiting.due_at - world.now).total_seconds())
    assert await world.service.post.deliver() == 1
    assert ((await row(world.service)).state, len(mail.raw)) == (SENT, 1)


async def test_delays_grow_up_to_an_hour_and_in_the_end_it_is_given_up(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    await invited(world, owner)
    mail.refusals[NEW] = "450 greylisted"
    for tried in range(TRIES):
        waiting = await row(world.service)
        clock.advance(seconds=max((waiting.due_at - world.now).total_seconds(), 0))
        assert await world.service.post.deliver() == 1
        found = await row(world.service)
        usual = min(FIRST * 2**tried, LONGEST)
        if tried < TRIES - 1:
            assert usual / 2 <= found.due_at - world.now <= usual * 1.5
    assert (found.state, found.reason, found.sealed) == (LetterState.GIVEN_UP, "RECIPIENT 450", None)


async def test_a_recipient_who_is_refused_is_not_tried_again_and_holds_nobody_up(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        await invited(world, owner, email)
    mail.refusals["b@example.com"] = "550 nobody of that name: b@example.com"
    assert await world.service.post.deliver() == 3
    states = {letter.email[0]: (letter.state, letter.reason, letter.sealed) for letter in await rows(world.service)}
    refused = (LetterState.REFUSED, "RECIPIENT 550", None)
    assert states == {"a": (SENT, None, None), "b": refused, "c": (SENT, None, None)}
    clock.advance(days=1)
    assert await world.service.post.deliver() == 0


async def test_a_sender_who_is_refused_is_our_mistake_and_no_letter_is_lost_by_it(
    world: World, owner: Person, mail: MailServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> str:
        return "550 not from here"

    monkeypatch.setattr(mail, "handle_MAIL", refuse, raising=False)
    await invited(world, owner)
    for _ in range(TRIES + 1):
        with pytest.raises(Away):
            await world.service.post.deliver()
        clock.advance(hours=1.5)
    found = await row(world.service)
    assert (found.state, found.reason) == (LetterState.WAITING, "SenderRefused 550")


async def test_a_server_that_always_vanishes_says_nothing_about_a_letter(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    await invited(world, owner)
    await world.change(await row(world.service), tries=1_000)
    mail.answers.append("vanish")
    with pytest.raises(Away):
        await world.service.post.deliver()
    assert (await row(world.service)).state is LetterState.WAITING
    clock.advance(hours=2)
    await world.service.post.deliver()
    assert (await row(world.service)).state is SENT


async def test_a_server_that_reads_a_letter_before_it_answers_gets_it_once(
    world: World, owner: Person, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "ANSWER", 0.2)
    take = mail.handle_DATA

    async def read(*what: Any) -> str:
        await asyncio.sleep(0.5)
        return await take(*what)

    monkeypatch.setattr(mail, "handle_DATA", read)
    await invited(world, owner)
    await world.service.post.deliver()
    assert ((await row(world.service)).state, len(mail.raw)) == (SENT, 1)


async def test_while_the_server_is_gone_letters_wait_and_leave_when_it_is_back(
    world: World, owner: Person, mail: MailServer
) -> None:
    await invited(world, owner)
    await mail.stop()
    with pytest.raises(Away):
        await world.service.post.deliver()
    waiting = await row(world.service)
    assert (waiting.state, waiting.tries, waiting.due_at) == (LetterState.WAITING, 0, world.now)
    await mail.start()
    await world.service.post.deliver()
    assert (await row(world.service)).state is SENT


async def test_the_process_looks_by_itself_and_goes_on_after_the_server_was_gone(
    database_url: str, clock: ManualClock, mail: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    service = posting(database_url, clock, mail)
    service.tick = 0.01
    world = await World.make(service)
    owner = await world.person("Owner", role=NetworkRole.OWNER)
    await mail.stop()
    await invited(world, owner)
    async with service.running():
        await until(lambda: "the mail server does not take letters now (ConnectError)" in caplog.text)
        await mail.start()
        await until(lambda: bool(mail.raw))
        assert not service.is_closing


async def test_a_server_that_vanishes_in_the_middle_leaves_the_rest_as_it_was(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        await invited(world, owner, email)
        clock.advance(seconds=1)
    mail.answers.extend(["250 taken", "vanish"])
    with pytest.raises(Away):
        await world.service.post.deliver()
    one, other, last = await rows(world.service)
    assert (one.state, other.state, last.state) == (SENT, LetterState.WAITING, LetterState.WAITING)
    assert (other.tries, last.tries) == (1, 0)
    assert (other.due_at > world.now, last.due_at) == (True, world.now)


async def test_a_process_that_dies_between_sending_and_noting_leaves_it_to_be_sent_again_as_the_same(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    """Whoever sends at least once must let the reader's server tell the second from another: by its Message-ID."""
    await invited(world, owner)
    delivering = asyncio.create_task(world.service.post.deliver())

    def die() -> None:
        delivering.cancel()

    mail.taking = die
    with pytest.raises(asyncio.CancelledError):
        await delivering
    mail.taking = _nothing
    assert (len(mail.raw), (await row(world.service)).state) == (1, LetterState.WAITING)
    assert await world.service.post.deliver() == 0
    clock.advance(seconds=LEASE.total_seconds())
    assert await world.service.post.deliver() == 1
    first, second = mail.raw
    assert first == second
    assert (await row(world.service)).state is SENT


async def test_of_several_who_deliver_at_once_each_letter_is_sent_by_one(
    world: World, owner: Person, mail: MailServer, database_url: str, clock: ManualClock
) -> None:
    count = 3 * BATCH
    for n in range(count):
        await invited(world, owner, f"n{n}@example.com")
    others = [posting(database_url, clock, mail) for _ in range(2)]

    async def deliver(service: Service) -> None:
        while await service.post.deliver():
            pass

    await asyncio.gather(*(deliver(service) for service in (world.service, *others)))
    await deliver(world.service)
    assert Counter(Counter(mail.recipients).values()) == {1: count}
    assert {letter.state for letter in await rows(world.service)} == {SENT}
    for other in others:
        await other.database.close()


async def test_none_is_begun_that_might_end_after_the_lease(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    for email in ("a@example.com", "b@example.com"):
        await invited(world, owner, email)
        clock.advance(seconds=1)
    mail.taking = lambda: clock.advance(seconds=LEASE.total_seconds() - 30)
    assert await world.service.post.deliver() == 2
    one, other = await rows(world.service)
    assert (one.state, other.state, other.tries) == (SENT, LetterState.WAITING, 0)


async def test_an_invitation_that_was_taken_back_is_not_sent(world: World, owner: Person, mail: MailServer) -> None:
    invitation_id, _ = await invited(world, owner)
    await owner.client.do(do.REVOKE_INVITATION, invitationId=invitation_id)
    await world.service.post.deliver()
    found = await row(world.service)
    assert (found.state, found.reason, found.sealed, mail.raw) == (VOID, "UNWANTED", None, [])


async def test_an_invitation_whose_inviter_may_invite_no_longer_is_not_sent(
    world: World, owner: Person, mail: MailServer
) -> None:
    admin = await world.person("Admin", role=NetworkRole.ADMIN)
    await invited(world, admin)
    await owner.client.do(do.DISABLE, memberId=gid(admin.member))
    await world.service.post.deliver()
    assert ((await row(world.service)).state, mail.raw) == (VOID, [])


async def test_what_is_too_late_is_void_and_what_is_long_settled_is_forgotten(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    await invited(world, owner)
    clock.advance(seconds=LIFETIME.total_seconds())
    assert await world.service.post.deliver() == 0
    await world.service.post.tidy()
    found = await row(world.service)
    assert (found.state, found.reason, found.sealed, mail.raw) == (VOID, "EXPIRED", None, [])
    clock.advance(seconds=KEPT.total_seconds() - 1)
    await world.service.post.tidy()
    assert len(await rows(world.service)) == 1
    clock.advance(seconds=60)
    await world.service.post.tidy()
    assert await rows(world.service) == []


async def test_a_letter_that_cannot_be_written_is_put_off_and_the_others_leave(
    world: World, owner: Person, mail: MailServer
) -> None:
    await invited(world, owner, "a@example.com")
    await invited(world, owner, "b@example.com")
    broken, _ = await rows(world.service)
    await world.change(broken, sealed=b"of another key")
    await world.service.post.deliver()
    broken, other = await rows(world.service)
    assert (broken.state, broken.reason, other.state) == (LetterState.WAITING, "BROKEN", SENT)


async def test_what_is_sealed_for_one_letter_opens_no_other(world: World, owner: Person, mail: MailServer) -> None:
    await invited(world, owner, "a@example.com")
    await invited(world, owner, "b@example.com")
    one, other = await rows(world.service)
    await world.change(one, sealed=other.sealed)
    await world.service.post.deliver()
    assert mail.recipients == ["b@example.com"]


async def test_no_secret_and_no_address_is_in_a_log(
    world: World, owner: Person, mail: MailServer, clock: ManualClock
) -> None:
    mail.answers.extend(["451 not now", "vanish", "550 never"])
    with written() as lines:
        _, token = await invited(world, owner)
        for _ in range(3):
            clock.advance(hours=1)
            with suppress(Away):
                await world.service.post.deliver()
    found = await row(world.service)
    assert (found.state, found.reason) == (LetterState.REFUSED, "DATA 550")
    lines.only("a letter (invitation) was refused: DATA 550")
    assert [secret for secret in (token, NEW, "Halden") if secret in lines.text + repr(found.sealed)] == []
