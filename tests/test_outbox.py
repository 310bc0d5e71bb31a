"""The outbox: in development letters stay here, to be looked at; in production nobody reads them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from commands import app
from models import Letter, LetterState, NetworkRole
from resolvers import letters
from resolvers.clock import SystemClock
from resolvers.passwords import Passwords
from server import Environment, Service, Settings, create_app
from tests.conftest import SECRET, ManualClock
from tests.invited import NEW, invited
from tests.letterbox import arrived, rows, token
from tests.mail_server import mail_server
from tests.world import Person, World

PAGE = "/outbox"


@asynccontextmanager
async def browser(
    service: Service, base: str = "http://localhost:8000", **where: Any
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(service), **where)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client


async def one(world: World, owner: Person) -> tuple[Letter, str]:
    """An invitation in the outbox, and its token."""
    await invited(world, owner)
    (message,) = await arrived(world.service)
    (letter,) = await rows(world.service)
    return letter, token(message)


async def test_without_a_mail_server_letters_are_kept_and_can_be_read(world: World, owner: Person) -> None:
    letter, _ = await one(world, owner)
    assert letter.state is LetterState.KEPT
    assert len(await arrived(world.service)) == 1


async def test_the_page_lists_letters_and_shows_one(world: World, owner: Person) -> None:
    letter, secret = await one(world, owner)
    async with browser(world.service) as client:
        listed = await client.get(PAGE)
        shown = await client.get(f"{PAGE}/{letter.id}")
        framed = await client.get(f"{PAGE}/{letter.id}/page")
        style = await client.get("/graphiql/assets/outbox.css")
    assert NEW in listed.text
    assert secret not in listed.text
    assert f'href="/outbox/{letter.id}"' in listed.text
    assert secret in shown.text
    assert secret in framed.text
    assert style.status_code == 200


async def test_nothing_runs_or_is_loaded_by_what_people_write(world: World, owner: Person) -> None:
    await world.change(owner.member, name="<script>alert(1)</script>")
    letter, _ = await one(world, owner)
    async with browser(world.service) as client:
        for address in (PAGE, f"{PAGE}/{letter.id}", f"{PAGE}/{letter.id}/page"):
            page = await client.get(address)
            assert "<script>" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert "script-src" not in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    assert "sandbox;" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("base", "client"),
    [("http://evil.example", ("127.0.0.1", 1)), ("http://localhost", ("192.0.2.1", 1)), ("http://localhost", None)],
    ids=["a name that leads here", "another machine", "nobody knows"],
)
async def test_the_page_is_for_this_machine_alone(world: World, owner: Person, base: str, client: Any) -> None:
    letter, _ = await one(world, owner)
    async with browser(world.service, base, client=client) as stranger:
        for address in (PAGE, f"{PAGE}/{letter.id}", f"{PAGE}/{letter.id}/page"):
            assert (await stranger.get(address)).status_code == 404


async def test_no_other_page_of_this_machine_reads_letters(world: World, owner: Person) -> None:
    letter, secret = await one(world, owner)
    async with browser(world.service) as client:
        for address in (PAGE, f"{PAGE}/{letter.id}", f"{PAGE}/{letter.id}/page"):
            answer = await client.get(address, headers={"Origin": "http://localhost:3000"})
            assert (answer.status_code, secret in answer.text) == (404, False)


async def test_what_is_not_in_the_outbox_is_not_found(world: World, owner: Person) -> None:
    await invited(world, owner)
    (waiting,) = await rows(world.service)
    async with browser(world.service) as client:
        for id in (waiting.id, UUID(int=7), "garbage"):
            assert (await client.get(f"{PAGE}/{id}")).status_code == 404


def service_of(database_url: str, **settings: Any) -> Service:
    given: dict[str, Any] = {
        "environment": Environment.PRODUCTION,
        "secret_key": SecretStr(SECRET + "s" * 32),
    } | settings
    chosen = Settings(database_url=database_url, broker_url="memory://", **given)
    return Service(chosen, ManualClock(), Passwords(memory_kib=8, passes=1), tick=3_600)


async def test_in_production_there_is_no_page_and_without_a_server_letters_wait_in_the_dark(sqlite_url: str) -> None:
    service = service_of(sqlite_url)
    world = await World.make(service)
    await invited(world, await world.person("Owner", role=NetworkRole.OWNER))
    assert await arrived(service) == []
    (letter,) = await rows(service)
    assert (letter.state, letter.tries) == (LetterState.WAITING, 0)
    async with browser(service) as client:
        for address in (PAGE, f"{PAGE}/{letter.id}", f"{PAGE}/{letter.id}/page"):
            assert (await client.get(address)).status_code == 404
    await service.database.close()


@pytest.fixture
def outbox(world: World, owner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    settings = {
        "PLENARY_DATABASE_URL": world.service.settings.database_url,
        "PLENARY_BROKER_URL": "memory://",
        "PLENARY_SECRET_KEY": SECRET,
    }

    async def run(*arguments: str, **more: str) -> Any:
        env = settings | {f"PLENARY_{name.upper()}": value for name, value in more.items()}
        return await asyncio.to_thread(CliRunner().invoke, app, ["outbox", *arguments], env=env)

    return run


async def test_the_program_lists_letters_and_shows_one(
    world: World, owner: Person, outbox: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.letters.WEEK", SystemClock().now() - clock.now() + letters.WEEK)  # its own clock
    letter, secret = await one(world, owner)
    listed = await outbox("list")
    assert (listed.exit_code, secret in listed.output) == (0, False)
    assert all(said in listed.output for said in (str(letter.id), NEW, "invitation", "kept"))
    shown = await outbox("show", str(letter.id))
    assert "Subject: Owner invites you to Halden" in shown.output
    assert secret in shown.output


async def test_in_production_the_program_shows_no_letter(world: World, owner: Person, outbox: Any) -> None:
    letter, secret = await one(world, owner)
    shown = await outbox("show", str(letter.id), environment="production", secret_key=SECRET + "s" * 32)
    assert (shown.exit_code, "in development only" in shown.output) == (1, True)
    assert secret not in shown.output
    missing = await outbox("show", str(UUID(int=7)))
    assert (missing.exit_code, "no such letter" in missing.output) == (1, True)


def _doctor(database_url: str, **settings: str) -> Any:
    env = {"PLENARY_DATABASE_URL": database_url, "PLENARY_BROKER_URL": "memory://", "PLENARY_SECRET_KEY": "s" * 40}
    env |= {f"PLENARY_{name.upper()}": value for name, value in settings.items()}
    return CliRunner().invoke(app, ["doctor"], env=env)


def test_the_doctor_says_that_nothing_is_sent_and_in_production_minds(sqlite_url: str) -> None:
    kept = _doctor(sqlite_url)
    assert (kept.exit_code, "kept for `plenary outbox`" in kept.output) == (0, True)
    missed = _doctor(sqlite_url, environment="production")
    assert (missed.exit_code, "set PLENARY_SMTP_URL" in missed.output) == (1, True)
    assert "0 waiting" in missed.output


async def test_the_doctor_tries_the_mail_server_and_tells_no_password(sqlite_url: str) -> None:
    sender = {"mail_from": "plenary@example.com"}
    async with mail_server() as mail:
        plain = f"smtp+plain://127.0.0.1:{mail.port}"
        good = await asyncio.to_thread(_doctor, sqlite_url, smtp_url=plain, **sender)
    assert (good.exit_code, f"{plain} takes letters" in good.output) == (0, True)
    bad = await asyncio.to_thread(_doctor, sqlite_url, smtp_url=f"smtps://u:sesame@127.0.0.1:{mail.port}", **sender)
    assert (bad.exit_code, "takes no letters" in bad.output, "sesame" in bad.output) == (1, True, False)
