"""Arguments for any mutation of the schema, made from its types and from what there is to name."""

from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_argument,
    is_required_input_field,
)

from schema.root import build

SCHEMA = build()._schema
assert SCHEMA.mutation_type
MUTATIONS: dict[str, GraphQLField] = SCHEMA.mutation_type.fields
PLAIN: dict[str, Any] = {"String": "text", "Int": 1, "Float": 1.0, "Boolean": True, "ID": "nowhere"}


def arguments(name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What must be given, and whatever else is known by its name, or by that of the mutation before it."""
    field = MUTATIONS[name]
    return {
        argument: _value(argument, definition.type, known, name)
        for argument, definition in field.args.items()
        if is_required_argument(definition) or argument in known or f"{name}.{argument}" in known
    }


def document(name: str, given: Mapping[str, Any]) -> str:
    declared = ", ".join(f"${argument}: {MUTATIONS[name].args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    head, call = (f"({declared})", f"({passed})") if given else ("", "")
    return f"mutation {head} {{ {name}{call} {{ problems {{ code rule message field }} }} }}"


def _value(argument: str, kind: Any, known: Mapping[str, Any], mutation: str) -> Any:
    for key in (f"{mutation}.{argument}", argument):
        if key in known:
            value = known[key]
            return [value] if _is_list(kind) and not isinstance(value, list) else value
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        return [_value(argument, kind.of_type, known, mutation)]
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: _value(name, field.type, known, mutation)
            for name, field in kind.fields.items()
            if is_required_input_field(field) or name in known or f"{mutation}.{name}" in known
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    value = PLAIN.get(kind.name, Undefined)
    assert value is not Undefined, f"{mutation}.{argument}: nothing is known for a {kind}"
    return value


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)
