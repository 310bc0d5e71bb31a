"""Pages of other origins: who may ask from where, and with what."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from websockets.exceptions import InvalidStatus

from server import Environment, Settings
from tests.conftest import ManualClock, make_service
from tests.started import ANN, NOBODY, VIEWER, Door, started
from tests.test_cookies import PREFLIGHT, cookie_of, sign_in_with_cookie
from tests.world import World

OURS, THEIRS, LOCAL = "https://app.example.com", "https://evil.example", "http://localhost:5173"
PRODUCTION = {"environment": Environment.PRODUCTION, "secret_key": SecretStr("s" * 40)}


@pytest.fixture(params=["development", "production"])
async def door(request: pytest.FixtureRequest, sqlite_url: str, clock: ManualClock) -> AsyncIterator[Door]:
    """A service that one other origin may use."""
    set_ = {"allowed_origins": (OURS,)} | (PRODUCTION if request.param == "production" else {})
    async with started(make_service(sqlite_url, clock, set_)) as door:
        await (await World.make(door.service)).person("Ann")
        yield door


async def preflight(door: Door, origin: str) -> httpx.Response:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with door.http(origin=origin, **asks) as client:
        return await client.options("/graphql")


async def test_a_page_of_an_allowed_origin_may_ask_with_its_cookie(door: Door):
    answer = await preflight(door, OURS)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-allow-credentials"] == "true"
    async with door.http() as client:
        await sign_in_with_cookie(door, client)
        response = await client.post(
            "/graphql", json={"query": VIEWER}, headers={"origin": OURS, "cookie": cookie_of(client)}
        )
    assert (response.json()["data"], response.headers["access-control-allow-origin"]) == (ANN, OURS)


@pytest.mark.parametrize("origin", [THEIRS, "null", LOCAL, f"{OURS}.evil.example", f"{OURS}:444"])
async def test_a_page_of_another_origin_is_told_nothing_and_brings_no_cookie(door: Door, origin: str):
    refused = await preflight(door, origin)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    async with door.http() as client:
        await sign_in_with_cookie(door, client)
        headers = {"origin": origin, "cookie": cookie_of(client)}
        response = await client.post("/graphql", json={"query": VIEWER}, headers=headers)
    assert response.json()["data"] == NOBODY
    assert "access-control-allow-origin" not in response.headers


async def test_a_socket_of_an_allowed_origin_takes_the_cookie(door: Door):
    async with door.http() as client:
        await sign_in_with_cookie(door, client)
        async with door.socket(origin=OURS, cookie=cookie_of(client)) as socket:
            await socket.init()
            assert await socket.ask(VIEWER) == ANN
    with pytest.raises(InvalidStatus):
        async with door.socket(origin=THEIRS):
            pytest.fail("the handshake went through")


async def test_in_development_pages_of_this_machine_may_ask_without_a_cookie(sqlite_url: str, clock: ManualClock):
    async with started(make_service(sqlite_url, clock)) as door:
        answer, refused = await preflight(door, LOCAL), await preflight(door, THEIRS)
    assert answer.headers["access-control-allow-origin"] == LOCAL
    assert "access-control-allow-credentials" not in answer.headers
    assert refused.status_code == 400


async def test_in_production_pages_of_this_machine_may_not_ask(sqlite_url: str, clock: ManualClock):
    async with started(make_service(sqlite_url, clock, PRODUCTION)) as door:
        assert (await preflight(door, LOCAL)).status_code == 400
        with pytest.raises(InvalidStatus):
            async with door.socket(origin=LOCAL):
                pytest.fail("the handshake went through")


@pytest.mark.parametrize("header", [*PREFLIGHT, "apollo-require-preflight", "x-apollo-operation-name"])
async def test_a_get_needs_a_header_that_no_page_sends_unasked(door: Door, header: str):
    async with door.http() as client:
        bare = await client.get("/graphql", params={"query": VIEWER})
        asked = await client.get("/graphql", params={"query": VIEWER}, headers={header: "x"})
    assert (bare.status_code, bare.json()["errors"][0]["extensions"]) == (400, {"code": "INVALID"})
    assert asked.json()["data"] == NOBODY


@pytest.mark.parametrize("path", ["/graphql", "/health/live", "/nowhere"])
async def test_every_page_has_security_headers(door: Door, path: str):
    async with door.http() as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("strict-transport-security" in headers) is (not door.service.settings.is_development)


@pytest.mark.parametrize("origins", ["app.example.com", "https://app.example.com/", "*", "https://APP.example.com"])
def test_what_is_no_origin_is_a_bad_setting(origins: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLENARY_ALLOWED_ORIGINS", f"https://ok.example {origins}")
    with pytest.raises(ValidationError, match="must be origins"):
        Settings(secret_key=SecretStr("s" * 40))
