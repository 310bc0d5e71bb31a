"""Cost: what an operation is charged, and that it never fetches more than that."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from hypothesis import given, note, settings
from hypothesis import strategies as st
from sqlmodel import select

import models
from models import Row
from schema.cost import INTROSPECTION, MUTATION, SUBSCRIPTION, Cost, _Gathering, cost_of, value
from schema.documents import read
from schema.limits import SELECTIONS, Survey
from schema.root import build
from tests import hostile
from tests.client import Client
from tests.conftest import ManualClock, make_service
from tests.drawing import Drawing, ids_of, objects
from tests.population import Population
from tests.world import World

SCHEMA = build()._schema


def page(size: str, selected: str) -> str:
    """A page of questions: of an object, a connection, which is another."""
    return f"{{ questionBoard(id: 1) {{ questions{size} {{ {selected} }} }} }}"


def cost(text: str) -> Cost:
    document = read(SCHEMA, text, suggests=False)
    assert document.errors == ()
    (operation,) = document.operations.values()
    return cost_of(SCHEMA, document.node, operation)


def points(text: str, **variables: Any) -> int:
    return value(cost(text).taken, variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename }", 0),
        ("{ viewer { __typename } }", 1),
        ("{ viewer { account { email displayName } } }", 2),
        ("{ a: viewer { __typename } b: viewer { account { id } } }", 3),
        ("{ rateLimit { requested } viewer { __typename } }", 1),
        # a page: the connection, and each node; each edge, and its node; where it lies
        (page("(first: 5)", "nodes { id }"), 2 + 5),
        (page("(last: 5)", "edges { cursor node { id } } pageInfo { hasNextPage }"), 2 + 5 * 2 + 1),
        (page("(first: 5)", "nodes { viewerCan { upvote { allowed } } }"), 2 + 5 * 3),
        # more than a page is refused, and costs a page; so does a page without a size
        (page("(first: 5000)", "nodes { id }"), 2 + 100),
        (page("(first: -5)", "nodes { id }"), 2),
        (page("", "nodes { id }"), 2 + 100),
        # lists without pages: ten, unless more is known of them
        ("{ viewer { networks { id } } }", 1 + 10),
        ('{ node(id: "x") { ... on Poll { options { id } } } }', 1 + 20),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 3),
        ("{ nodes(ids: []) { id } }", 0),
        ('{ conferenceReport(networkId: "x") { title } }', 50),
        ('{ node(id: "x") { ... on QuestionBoard { title export } } }', 1 + 100),
        ("{ __schema { types { name fields { name } } } }", INTROSPECTION),
        ('{ a: __type(name: "A") { name } b: __type(name: "B") { name } }', 2 * INTROSPECTION),
        ("mutation { signOut { problems { code } } }", MUTATION),
        ("mutation { a: signOut { account { id } } b: signOut { account { id } } }", 2 * (MUTATION + 1)),
    ],
)
def test_objects_are_points_and_lists_are_as_many_as_they_may_hold(text: str, expected: int) -> None:
    assert points(text) == expected


def test_what_is_asked_twice_under_one_name_counts_once() -> None:
    twice = "{ viewer { account { id } } viewer { account { email } networks { id } } }"
    spread = (
        "{ viewer { ...A ...A ... { account { email } } networks { id } } } fragment A on Viewer { account { id } }"
    )
    assert points(twice) == points(spread) == points("{ viewer { account { id email } networks { id } } }")


def test_of_types_that_exclude_each_other_the_dearest_counts() -> None:
    topic, poll = "... on Topic { escalatedTo { id } }", "... on Poll { options { id } viewerChoices { id } }"
    node = '{ node(id: "x") { __typename %s } }'
    assert points(node % topic) == 1 + 10
    assert points(node % poll) == 1 + 40
    assert points(node % f"{topic} {poll}") == 1 + 40
    # what is asked of all of them comes on top
    both = f"{topic} {poll} ... on Content {{ author {{ id }} }}"
    assert points(node % both) == 1 + 40 + 1


def test_pages_are_sized_by_the_variables_as_they_were_coerced() -> None:
    text = "query ($n: Int = 7, $m: Int) " + page("(first: $n, last: $m)", "nodes { id }")
    assert points(text, n=7) == 2 + 7
    assert points(text, n=30) == 2 + 30
    assert points(text, n=1_000_000) == 2 + 100
    assert points(text, n=None, m=4) == 2 + 4
    assert points(text, n=None) == 2 + 100
    assert points("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["a"] * 9) == 9


def test_pages_within_pages_are_multiplied() -> None:
    boards = "boards(first: $n) { nodes { windows(first: $m) { nodes { id } } } }"
    text = f"query ($n: Int!, $m: Int!) {{ community(id: 1) {{ {boards} }} }}"
    assert points(text, n=10, m=20) == 1 + 1 + 10 * (1 + 1 + 20)


@pytest.mark.parametrize("wrap", ["%s", "... %s { viewer { account { id } } }", "...F %s"])
@pytest.mark.parametrize(
    ("directive", "yes", "expected"),
    [
        ("@include(if: $yes)", True, 2),
        ("@include(if: $yes)", False, 0),
        ("@skip(if: $yes)", True, 0),
        ("@skip(if: $yes)", False, 2),
        ("@skip(if: $yes) @include(if: $yes)", True, 0),
        ("@include(if: false)", True, 0),
        ("@include(if: true) @skip(if: $yes)", False, 2),
    ],
)
def test_what_is_left_out_costs_nothing(wrap: str, directive: str, yes: bool, expected: int) -> None:
    selected = f"viewer {directive} {{ account {{ id }} }}" if wrap == "%s" else wrap % directive
    fragment = "fragment F on Query { viewer { account { id } } }" if "F" in wrap else ""
    variable = "($yes: Boolean!)" if "$yes" in directive else ""
    assert points(f"query {variable} {{ {selected} __typename }} {fragment}", yes=yes) == expected


def test_what_depends_on_no_variable_is_a_number_before_anybody_asks() -> None:
    assert cost("query ($id: ID!) { node(id: $id) { id } }").taken == 1
    assert not isinstance(cost("query ($n: Int!) " + page("(first: $n)", "nodes { id }")).taken, int)


@pytest.mark.parametrize(
    "joining",
    [
        'joinBoard(code: "c", name: "n") { token problems { code } }',
        'signIn(input: {email: "e", password: "p"}) { token problems { code } }',
        'signInWithLink(token: "t") { token problems { code } }',
        'signInWithTicket(ticket: "t") { token problems { code } }',
    ],
)
def test_a_hall_comes_in_for_nothing(joining: str) -> None:
    assert points(f"mutation {{ {joining} }}") == 0


def test_what_is_fetched_on_the_way_in_is_not_for_nothing() -> None:
    assert points('mutation { joinBoard(code: "c", name: "n") { visit { board { id } } } }') == 2


def test_a_feed_is_charged_for_its_beginning_and_bounded_by_an_event() -> None:
    found = cost("subscription { myTasks(networkId: 1) { ... on Added { node { id ... on Task { title } } } } }")
    assert found.charged == SUBSCRIPTION
    assert found.taken == 2


def test_each_operation_of_a_document_has_a_cost_of_its_own() -> None:
    document = read(SCHEMA, "query A { __typename } query B { viewer { account { id } } }", suggests=False)
    found = {name: cost_of(SCHEMA, document.node, node).taken for name, node in document.operations.items()}
    assert found == {"A": 0, "B": 2}


def test_reckoning_looks_no_oftener_than_the_limit_of_selections_says(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    taken = _Gathering._take

    def counting(self: Any, *arguments: Any) -> None:
        looks.append(1)
        taken(self, *arguments)

    monkeypatch.setattr(_Gathering, "_take", counting)
    for text in (hostile.field_bomb(8), hostile.bomb(8)):
        looks.clear()
        document = parse(text)
        (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        size = Survey(document).measure(operation.selection_set, 0)
        cost_of(SCHEMA, document, operation)
        assert 0 < len(looks) <= size.selections <= SELECTIONS


# --- never more than it said -----------------------------------------------------------------------------------------


class Town:
    """A populated service in a loop of its own, in which hypothesis can run."""

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        self.runner = runner
        self.service = make_service(url, ManualClock())
        self.fetched = 0

    async def furnish(self) -> None:
        population = Population(await World.make(self.service))
        await population.make()
        names = ("community owner", "network owner", "author")
        self.clients = [Client(self.service, population.viewers[name]) for name in names]
        here = population.world.network
        rows: list[Row] = [here]
        async with self.service.database.read() as session:
            for noun in ("Community", "Content", "QuestionBoard", "Question", "Task", "Session", "Poll"):
                row = getattr(models, noun)
                rows += (await session.scalars(select(row).where(row.network_id == here.id))).all()
        self.ids = ids_of(rows)


@pytest.fixture(scope="module")
def town(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    path = tmp_path_factory.mktemp("town") / "plenary.db"
    shutil.copy(sqlite_template, path)
    with asyncio.Runner() as runner:
        town = Town(runner, f"sqlite+aiosqlite:///{path}")
        runner.run(town.furnish())
        yield town
        runner.run(town.service.database.close())


def _try(town: Town, seed: int) -> None:
    draw = random.Random(seed)
    drawing = Drawing(SCHEMA, town.ids, draw)
    document = drawing.document()
    note(document)
    note(str(drawing.variables))
    result = town.runner.run(draw.choice(town.clients).execute(document, **drawing.variables))
    assert "cost" in (result.extensions or {}), result.errors
    fetched = objects(result.data) - (result.data is not None)
    town.fetched = max(town.fetched, fetched)
    assert fetched <= result.extensions["cost"]["requested"]


def test_an_operation_never_fetches_more_than_it_was_charged(town: Town) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.integers(0, 2**32))
    def holds(seed: int) -> None:
        _try(town, seed)

    holds()
    assert town.fetched > 20, "nothing was fetched to speak of"


def test_a_page_that_is_full_costs_what_it_fetches(town: Town) -> None:
    text = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } viewer { account { id } } }"
    result = town.runner.run(town.clients[0].execute(text, ids=town.ids["QuestionBoard"]))
    assert objects(result.data) - 1 == result.extensions["cost"]["requested"] == len(town.ids["QuestionBoard"]) + 2
