"""A replica compares all that a feed tells: a field that it does not ask for could be stale unseen."""

from types import SimpleNamespace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    InlineFragmentNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    parse,
    visit,
)

from schema.root import build
from tests.client import Client
from tests.replica import FRAGMENT, KINDS, LEFT_OUT, Replica

SCHEMA = build()._schema


class Shown(Visitor):
    """Collects the types of the nodes that a feed's query shows."""

    def __init__(self) -> None:
        super().__init__()
        self.info = TypeInfo(SCHEMA)
        self.types: set[GraphQLObjectType] = set()

    def enter_fragment_spread(self, *_: Any) -> None:
        parent = self.info.get_parent_type()
        if is_object_type(parent):
            self.types.add(parent)
        elif is_abstract_type(parent):
            self.types.update(SCHEMA.get_possible_types(parent))


def shown() -> set[GraphQLObjectType]:
    seen = Shown()
    for kind in KINDS.values():
        query = parse(f"query ($id: ID!) {{ {kind.name}({kind.arguments}) {{ {kind.snapshot} }} }}")
        visit(query, TypeInfoVisitor(seen.info, seen))
    return seen.types


def compared(name: str) -> set[str]:
    """The fields that the fragment asks for of the type of this name."""
    (fragment,) = parse(FRAGMENT).definitions
    assert isinstance(fragment, FragmentDefinitionNode)
    parts = [part for part in fragment.selection_set.selections if isinstance(part, InlineFragmentNode)]
    fitting = [part.selection_set for part in parts if part.type_condition and part.type_condition.name.value == name]
    selections = [selection for part in (fragment.selection_set, *fitting) for selection in part.selections]
    return {selection.name.value for selection in selections if isinstance(selection, FieldNode)}


def test_what_was_removed_stays_so_whatever_comes_with_it():
    replica = Replica(Client(None), KINDS["questionBoard"], "board")  # type: ignore[arg-type]  # asks nothing here
    replica.state = {"one": {"id": "one"}}
    replica.follower = SimpleNamespace(
        error=None,
        events=[
            {"__typename": "Changed", "node": {"id": "one"}},
            {"__typename": "Removed", "id": "one"},
            {"__typename": "Added", "node": {"id": "other"}},
        ],
    )  # type: ignore[assignment]
    assert replica.apply() == [{"id": "one"}, {"id": "other"}]
    assert replica.state == {"other": {"id": "other"}}


def test_every_plain_field_of_a_feeds_type_is_compared_or_is_excepted():
    missing = {
        f"{carried.name}.{name}"
        for carried in shown()
        for name, field in carried.fields.items()
        if is_leaf_type(get_named_type(field.type)) and name not in compared(carried.name)
    }
    assert missing == set(LEFT_OUT)
