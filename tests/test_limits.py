"""Limits: which documents are too large, and that finding it out is not dear itself."""

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    parse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from schema import limits, validation
from schema.documents import read
from schema.limits import NOTHING, Size, Survey, check_variables
from schema.root import build
from tests import hostile

SCHEMA = build()._schema

AT_MOST: dict[str, tuple[Callable[[int], str], int, str]] = {
    "tokens": (hostile.tokens, limits.TOKENS, "Tokens"),
    "operations": (hostile.operations, limits.OPERATIONS, "Operations"),
    "depth": (hostile.deep, limits.DEPTH, "Fields within fields"),
    "braces": (hostile.nested, limits.NESTING, "Selections within each other"),
    "spreads within spreads": (lambda n: hostile.chain(n - 2), limits.NESTING, "Selections within each other"),
    "root fields": (hostile.roots, limits.ROOT_FIELDS, "root"),
    "fields": (hostile.wide, limits.FIELDS, "Fields of one selection set"),
    "selections": (hostile.selections, limits.SELECTIONS, "Selections"),
    "aliases": (lambda n: f"{{ b {hostile.aliases(n)} }}", limits.ALIASES, "Aliases"),
    "directives": (hostile.directives, limits.DIRECTIVES, "Directives"),
    "spreads": (hostile.spreads, limits.SPREADS, "Spreads"),
    "list": (hostile.listing, limits.LIST, "Values of one list"),
}


def refusal_of(text: str, *, suggests: bool = False) -> str | None:
    """Why a document is too large, if it is; whatever else may be wrong with it."""
    errors = read(SCHEMA, text, suggests=suggests).errors
    codes = [(error.extensions or {}).get("code") for error in errors]
    return errors[codes.index("COST_EXCEEDED")].message if "COST_EXCEEDED" in codes else None


@pytest.mark.parametrize("what", AT_MOST)
def test_a_document_has_as_many_as_the_limit_says_and_not_one_more(what: str) -> None:
    make, most, named = AT_MOST[what]
    assert refusal_of(make(most)) is None
    told = refusal_of(make(most + 1))
    assert told
    assert named in told
    assert f"{most:,}" in told


HOSTILE = {
    "a bomb": hostile.bomb(),
    "a bomb of fields": hostile.field_bomb(),
    "a thousand aliases": hostile.aliases(600),
    "a thousand aliases, and too long": hostile.aliases(1_000),
    "221 root fields": hostile.roots(221),
    "a long chain": hostile.chain(200),
    "deeper than the parser goes": hostile.nested(250),
    "a list": hostile.listing(1_900),
    "names that are compared": hostile.same_names(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_document_is_refused_by_a_limit_that_is_named(what: str) -> None:
    assert refusal_of(HOSTILE[what])


def test_what_is_compared_in_pairs_is_compared_so_often_and_no_oftener(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's rule counts what it does; ours begins with less of it, and ends when that is used up."""
    made: list[Any] = []

    class Watched(validation.MergingRule):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            made.append(self.rule_context)

    rules = [Watched if rule is validation.MergingRule else rule for rule in validation.RULES]
    monkeypatch.setattr(validation, "RULES", rules)
    told = refusal_of(hostile.same_names())
    assert told
    assert "20,000" in told
    assert -10 < made[0].remaining_complexity_budget < 0


@pytest.mark.parametrize("suggests", [True, False])
def test_of_many_errors_only_the_first_are_looked_for(suggests: bool) -> None:
    most = validation.SUGGESTING_ERRORS if suggests else validation.ERRORS
    assert len(read(SCHEMA, hostile.unknown_types(), suggests=suggests).errors) == most + 1


def test_the_introspection_that_clients_send_is_within_the_limits() -> None:
    assert read(SCHEMA, hostile.INTROSPECTION, suggests=True).errors == ()


def test_introspection_that_goes_round_in_circles_is_not() -> None:
    circle = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
    errors = read(SCHEMA, circle, suggests=False).errors
    assert "Maximum introspection depth exceeded" in [error.message for error in errors]


@pytest.mark.parametrize("count", [1, 2, 60])
def test_fragments_in_a_circle_are_answered_by_validation(count: int) -> None:
    errors = read(SCHEMA, hostile.circle(count), suggests=False).errors
    assert any("Cannot spread fragment" in error.message for error in errors)


def test_a_fragment_that_is_not_there_is_answered_by_validation() -> None:
    (error,) = read(SCHEMA, "{ ...Missing }", suggests=False).errors
    assert "Unknown fragment" in error.message


@pytest.mark.parametrize("where", ["{ a(b: %s) }", "{ a(b: {c: [{d: %s}]}) }", "query ($v: X = %s) { a }"])
def test_a_list_is_found_wherever_it_is(where: str) -> None:
    told = refusal_of(where % f"[{'1 ' * 251}]")
    assert told == "Values of one list: at most 250."


def test_directives_are_counted_wherever_they_are() -> None:
    some = "@a " * 26
    told = refusal_of(f"query {some} {{ ...F {some} ... {some} {{ b }} }} fragment F on Query {some} {{ c }}")
    assert told == "Directives: at most 100."


@pytest.mark.parametrize(
    "variables",
    [{"a": [1] * 5_000}, {"a": [[1] * 2_500] * 2}, {"a": {"b": [{"c": 1}] * 2_500}}, {str(n): n for n in range(5_001)}],
)
def test_variables_have_only_so_many_values_in_all(variables: dict[str, Any]) -> None:
    with pytest.raises(GraphQLError, match="Values of the variables: at most 5,000"):
        check_variables(variables)


def test_variables_within_the_limit_are_let_through() -> None:
    check_variables({"a": [1] * 4_999})
    check_variables({})


# --- the pass itself -------------------------------------------------------------------------------------------------


def _body(draw: random.Random, spreadable: list[str], room: int = 8) -> str:
    """A selection set that spreads some of these."""
    parts = []
    for _ in range(draw.randint(1, 4)):
        if room > 0 and draw.random() < 0.4:
            parts.append(draw.choice(["a ", "b ", "... "]) + _body(draw, spreadable, room // 2))
        else:
            parts.append(draw.choice(["a", "b", "c: d", *(f"...{name}" for name in spreadable)]))
    return f"{{ {' '.join(parts)} }}"


def drawn(seed: int, *, circles: bool) -> DocumentNode:
    """An operation and six fragments, each of which spreads any or, without circles, some of those behind it."""
    draw = random.Random(seed)
    names = [f"F{n}" for n in range(6)]
    fragments = [
        f"fragment {name} on Query {_body(draw, names if circles else names[n + 1 :])}" for n, name in enumerate(names)
    ]
    draw.shuffle(fragments)
    return parse(" ".join([_body(draw, names), *fragments]))


SEEDS = st.integers(0, 2**32)


class Counting(Survey):
    """How often it looks at a selection."""

    def __init__(self, document: DocumentNode) -> None:
        super().__init__(document)
        self.looks = 0

    def _size(self, node: SelectionNode, level: int) -> Size:
        self.looks += 1
        return super()._size(node, level)


def _selections(selection_set: SelectionSetNode) -> int:
    nodes = selection_set.selections
    return len(nodes) + sum(_selections(found) for node in nodes if (found := getattr(node, "selection_set", None)))


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_each_selection_is_looked_at_once_at_most(seed: int) -> None:
    document = drawn(seed, circles=True)
    survey = Counting(document)
    with suppress(GraphQLError):
        survey.check()
    definitions: tuple[Any, ...] = document.definitions
    assert survey.looks <= sum(_selections(found.selection_set) for found in definitions)


def _expanded(selection_set: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Size:
    """By putting each fragment where it is spread."""
    depth = nesting = fields = selections = 0
    for node in selection_set.selections:
        is_spread = isinstance(node, FragmentSpreadNode)
        found: Any = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        within = _expanded(found.selection_set, fragments) if found.selection_set else NOTHING
        is_field = not is_spread and hasattr(node, "alias")
        depth = max(depth, within.depth + is_field)
        nesting = max(nesting, within.nesting)
        fields += 1 if is_field else within.fields
        selections += 1 + within.selections
    return Size(depth, nesting + 1, fields, selections)


@settings(max_examples=300, deadline=None)
@given(SEEDS)
def test_arithmetic_comes_to_what_expanding_comes_to(seed: int) -> None:
    document = drawn(seed, circles=False)
    fragments = {found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)}
    (operation,) = (found for found in document.definitions if isinstance(found, OperationDefinitionNode))
    real = _expanded(operation.selection_set, fragments)
    try:
        assert Survey(document).measure(operation.selection_set, 0) == real
    except GraphQLError:
        largest = [_expanded(found.selection_set, fragments) for found in (operation, *fragments.values())]
        assert max(size.depth for size in largest) > limits.DEPTH or (
            max(size.selections for size in largest) > limits.SELECTIONS
            or max(size.fields for size in largest) > limits.FIELDS
        )
