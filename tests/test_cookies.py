"""The cookie: for our own pages only, and gone with the sign-in."""

import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.exceptions import InvalidStatus

from resolvers.accounts import LIFETIME
from resolvers.passwords import Passwords
from server import Environment, Service, Settings
from tests.conftest import ManualClock
from tests.started import ANN, NOBODY, SIGN_IN, SIGN_OUT, SIGN_OUT_EVERYWHERE, VIEWER, Door, started
from tests.world import PASSWORD, Person, World

PREFLIGHT = {"graphql-require-preflight": "1"}


@pytest.fixture
async def world(door: Door) -> World:
    return await World.make(door.service)


async def ask(client: httpx.AsyncClient, query: str, **headers: str) -> Any:
    response = await client.post("/graphql", json={"query": query}, headers=headers)
    return response.json()["data"]


async def sign_in_with_cookie(door: Door, client: httpx.AsyncClient) -> httpx.Response:
    variables = {"email": "ann@example.com", "password": PASSWORD, "cookie": True}
    response = await client.post(
        "/graphql", json={"query": SIGN_IN, "variables": variables}, headers={"origin": door.origin}
    )
    assert response.json()["data"] == {"signIn": {"token": None, "problems": []}}
    return response


async def test_the_cookie_is_for_this_site_and_not_for_scripts(door: Door, ann: Person) -> None:
    async with door.http() as client:
        (cookie,) = SimpleCookie((await sign_in_with_cookie(door, client)).headers["set-cookie"]).values()
    assert (cookie.key, cookie["path"], cookie["samesite"].lower()) == ("plenary", "/", "strict")
    assert cookie["httponly"]
    assert not cookie["secure"]
    assert cookie["max-age"] == str(int(LIFETIME.total_seconds()))
    assert not cookie["domain"]


async def test_in_production_the_cookie_is_secure_and_of_this_host(database_url: str, clock: ManualClock) -> None:
    settings = Settings(database_url=database_url, secret_key=SecretStr("s" * 40), environment=Environment.PRODUCTION)
    async with started(Service(settings, clock, Passwords(memory_kib=8, passes=1))) as door:
        await (await World.make(door.service)).person("Ann")
        async with door.http() as client:
            (cookie,) = SimpleCookie((await sign_in_with_cookie(door, client)).headers["set-cookie"]).values()
        assert (cookie.key, cookie["path"], cookie["samesite"].lower()) == ("__Host-plenary", "/", "strict")
        assert cookie["httponly"]
        assert cookie["secure"]
        assert not cookie["domain"]
        async with door.http(cookie=f"plenary={cookie.value}", origin=door.origin) as client:
            assert await ask(client, VIEWER) == NOBODY
        async with door.http(cookie=f"__Host-plenary={cookie.value}", origin=door.origin) as client:
            assert await ask(client, VIEWER) == ANN


@pytest.fixture
async def page(door: Door, ann: Person) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that is signed in with a cookie."""
    async with door.http() as client:
        await sign_in_with_cookie(door, client)
        yield client


async def test_the_cookie_counts_from_our_own_origin_only(door: Door, page: httpx.AsyncClient) -> None:
    assert page.cookies
    assert await ask(page, VIEWER, origin=door.origin) == ANN
    assert await ask(page, VIEWER) == NOBODY
    for origin in ("http://evil.example", "null", "", f"{door.origin}.evil.example", "http://127.0.0.1:1"):
        assert await ask(page, VIEWER, origin=origin) == NOBODY


async def test_a_get_without_an_origin_does_not_count_the_cookie(door: Door, page: httpx.AsyncClient) -> None:
    params = {"query": VIEWER}
    response = await page.get("/graphql", params=params, headers=PREFLIGHT)
    assert response.json()["data"] == NOBODY
    response = await page.get("/graphql", params=params, headers={**PREFLIGHT, "origin": door.origin})
    assert response.json()["data"] == ANN


async def test_a_mutation_cannot_be_sent_by_get(door: Door, page: httpx.AsyncClient) -> None:
    headers = {**PREFLIGHT, "origin": door.origin}
    response = await page.get("/graphql", params={"query": SIGN_OUT_EVERYWHERE}, headers=headers)
    assert response.status_code in {400, 405}
    assert await ask(page, VIEWER, origin=door.origin) == ANN


def cookie_of(page: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in page.cookies.items())


async def test_a_socket_takes_the_cookie_from_our_own_origin(door: Door, page: httpx.AsyncClient) -> None:
    async with door.socket(origin=door.origin, cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == ANN
    async with door.socket(cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_a_socket_from_another_origin_is_refused_at_the_handshake(
    door: Door, page: httpx.AsyncClient, origin: str
) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with door.socket(origin=origin, cookie=cookie_of(page)):
            pytest.fail("the handshake went through")
    assert refusal.value.response.status_code == 403


async def test_in_development_a_page_of_another_port_gets_a_socket_but_not_the_cookie(
    door: Door, page: httpx.AsyncClient
) -> None:
    async with door.socket(origin="http://localhost:5173", cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await socket.ask(VIEWER) == NOBODY


async def test_a_stream_that_a_browser_opens_for_our_own_page_takes_the_cookie(
    door: Door, page: httpx.AsyncClient
) -> None:
    """An EventSource sends no header of ours, and no Origin for a page of the same."""
    headers = {"accept": "text/event-stream", "sec-fetch-site": "same-origin"}
    response = await page.get("/graphql", params={"query": VIEWER}, headers=headers)
    assert f'data: {{"data":{json.dumps(ANN, separators=(",", ":"))}' in response.text
    refused = await page.get("/graphql", params={"query": VIEWER}, headers={**headers, "sec-fetch-site": "same-site"})
    assert refused.status_code == 400


async def test_signing_out_takes_the_cookie_away_and_closes_its_socket(door: Door, page: httpx.AsyncClient) -> None:
    async with door.socket(origin=door.origin, cookie=cookie_of(page)) as socket:
        await socket.init()
        assert await ask(page, SIGN_OUT, origin=door.origin) == {"signOut": {"problems": []}}
        assert await socket.closed() == 4401
    assert not page.cookies
    assert await ask(page, VIEWER, origin=door.origin) == NOBODY


async def test_a_cookie_that_is_good_no_longer_is_taken_away_so_that_one_can_sign_in_again(
    door: Door, page: httpx.AsyncClient, clock: ManualClock
) -> None:
    clock.advance(seconds=LIFETIME.total_seconds())
    response = await page.post("/graphql", json={"query": VIEWER}, headers={"origin": door.origin})
    assert response.status_code == 401
    assert not page.cookies
    await sign_in_with_cookie(door, page)
    assert await ask(page, VIEWER, origin=door.origin) == ANN


async def test_a_bad_bearer_token_leaves_the_cookie_alone(door: Door, page: httpx.AsyncClient) -> None:
    headers = {"origin": door.origin, "authorization": "Bearer garbage"}
    assert (await page.post("/graphql", json={"query": VIEWER}, headers=headers)).status_code == 401
    assert await ask(page, VIEWER, origin=door.origin) == ANN
