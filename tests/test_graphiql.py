"""GraphiQL works without the internet, and tells its secrets in development only."""

import json
import re
from collections.abc import AsyncIterator, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import GraphQLError, OperationDefinitionNode, get_variable_values, parse, validate
from pydantic import SecretStr

from commands.demo import cast, places
from schema.root import build
from server import Environment, Service, Settings, create_app
from tests.conftest import ManualClock
from web.tabs import TABS, Tab

SECRET = SecretStr("a secret for tests, which is long enough")
TOKEN = "plenary_sign_in_of_the_demo"
DEMO = {
    "networks": {"company": "N1"},
    "communities": {"support": "C1", "developers": "C2"},
    "boards": {"keynote": "B1"},
    "signIns": [{"role": tab.role, "name": "Somebody", "token": TOKEN} for tab in TABS],
}

Start = Callable[[Environment], httpx.AsyncClient]


class Page(HTMLParser):
    """What a page loads, and what it says in scripts of its own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.attributes |= {name for name, _ in attributes}
        self.loads += [value for name, value in attributes if name in {"src", "href"} and value]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    (tmp_path / "demo.json").write_text(json.dumps(DEMO))
    services: list[Service] = []

    def start(environment: Environment) -> httpx.AsyncClient:
        url = f"sqlite+aiosqlite:///{tmp_path}/plenary.db"
        settings = Settings(database_url=url, environment=environment, secret_key=SECRET)
        services.append(Service(settings, ManualClock()))
        transport = httpx.ASGITransport(create_app(services[-1]))
        return httpx.AsyncClient(transport=transport, base_url="http://plenary.test")

    yield start
    for service in services:
        await service.database.close()


async def test_the_page_and_all_that_it_loads_come_from_here(start: Start) -> None:
    async with start(Environment.DEVELOPMENT) as browser:
        page = await browser.get("/graphiql")
        loads = Page(page.text).loads
        assert loads
        for address in loads:
            found = await browser.get(page.url.join(address))
            assert (found.status_code, found.url.host) == (200, "plenary.test"), address


async def test_nothing_that_is_loaded_names_another_host(start: Start) -> None:
    elsewhere = re.compile(r"""(?:@import|url\(|\bimport\b|\bfetch\(|src=|href=)\s*["'(]*(?:https?:)?//""")
    async with start(Environment.DEVELOPMENT) as browser:
        page = await browser.get("/graphiql")
        texts = [page.text] + [(await browser.get(page.url.join(address))).text for address in Page(page.text).loads]
    assert [found for text in texts for found in elsewhere.findall(text)] == []


async def test_the_page_may_run_and_reach_nothing_but_what_is_ours(start: Start) -> None:
    async with start(Environment.DEVELOPMENT) as browser:
        page = await browser.get("/graphiql")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "unsafe" not in policy
    assert re.search(r"<script[^>]*>[^<]", page.text) is None, "a script of its own would not run"
    assert [name for name in Page(page.text).attributes if name.startswith("on")] == []


async def test_the_front_door_leads_to_the_page(start: Start) -> None:
    async with start(Environment.DEVELOPMENT) as browser:
        home = await browser.get("/")
    assert home.is_redirect
    assert home.headers["location"] == "graphiql"


async def test_each_tab_has_its_ids_and_a_sign_in_of_its_role(start: Start) -> None:
    async with start(Environment.DEVELOPMENT) as browser:
        tabs = (await browser.get("/graphiql/tabs.json")).json()["tabs"]
    assert len(tabs) == len(TABS)
    for tab, declared in zip(tabs, TABS, strict=True):
        assert json.loads(tab["headers"]) == {"authorization": f"Bearer {TOKEN}"}
        variables = json.loads(tab["variables"])
        assert all(variables[name] in {"N1", "C1", "C2", "B1"} for name in declared.ids)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"networks": null, "signIns": [{}]}'])
async def test_without_a_whole_demo_the_tabs_are_there(start: Start, tmp_path: Path, text: str | None) -> None:
    demo = tmp_path / "demo.json"
    demo.unlink()
    if text is not None:
        demo.write_text(text)
    async with start(Environment.DEVELOPMENT) as browser:
        tabs = (await browser.get("/graphiql/tabs.json")).json()["tabs"]
    assert [tab["headers"] for tab in tabs] == ["{}"] * len(TABS)


@pytest.mark.parametrize("path", ["/", "/graphiql", "/graphiql/tabs.json", "/graphiql/assets/page.js"])
async def test_in_production_there_is_no_page_and_no_token(start: Start, path: str) -> None:
    async with start(Environment.PRODUCTION) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 404
    assert TOKEN not in answer.text


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.story)
def test_a_tab_is_ready_to_run(tab: Tab) -> None:
    schema = build()._schema
    document = parse(tab.document)
    assert validate(schema, document) == []
    variables = tab.variables(DEMO)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    assert _errors(schema, operations[0], variables) == []
    declared = {definition.variable.name.value for node in operations for definition in node.variable_definitions or ()}
    assert variables.keys() <= declared


def test_what_the_tabs_ask_of_the_demo_is_in_it() -> None:
    kept = {"networks": set(places.NETWORKS), "communities": set(places.COMMUNITIES), "boards": {places.KEYNOTE}}
    assert {tab.role for tab in TABS} <= {person.role for person in cast.NEWCOMERS} | {"display"}
    for section, name in (place.split("/") for tab in TABS for place in tab.ids.values()):
        assert name in kept[section]


def _errors(schema: Any, operation: OperationDefinitionNode, variables: dict[str, Any]) -> list[GraphQLError]:
    coerced = get_variable_values(schema, operation.variable_definitions or (), variables)
    return coerced if isinstance(coerced, list) else []
