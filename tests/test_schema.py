import tracemalloc
from pathlib import Path

from graphql import build_schema, is_introspection_type, is_object_type, parse
from strawberry.types import get_object_definition
from strawberry.types.base import StrawberryOptional
from strawberry.types.unset import UNSET

from resolvers.errors import DomainError
from schema.documents import KEPT
from schema.feeds import Subscription
from schema.limits import TOKENS
from schema.problems import ProblemCode
from schema.root import Mutation, Query, build

SDL = Path(__file__).parent.parent / "schema.graphql"


def test_the_printed_schema_is_the_one_that_runs() -> None:
    printed = build(sort_schema=True).as_str()
    assert SDL.read_text().rstrip("\n") == printed.rstrip("\n"), "run `make sdl`"


def test_everything_has_a_description() -> None:
    schema = build_schema(SDL.read_text())
    bare = []
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or name in {"Boolean", "ID", "Int", "Float", "String"}:
            continue
        bare += [] if kind.description else [name]
        fields = getattr(kind, "fields", {})
        bare += [f"{name}.{field}" for field, definition in fields.items() if not definition.description]
    assert bare == []


def test_every_subscription_has_a_query_of_the_same_name_with_a_cursor() -> None:
    schema = build_schema(SDL.read_text())
    assert schema.query_type
    assert schema.subscription_type
    for name, feed in schema.subscription_type.fields.items():
        query = schema.query_type.fields[name]
        shape = query.type
        assert is_object_type(shape)
        assert "cursor" in shape.fields
        assert set(feed.args) - {"after"} == set(query.args)


def test_every_mutation_takes_a_key_and_answers_with_problems() -> None:
    schema = build_schema(SDL.read_text())
    assert schema.mutation_type
    for mutation in schema.mutation_type.fields.values():
        assert "idempotencyKey" in mutation.args
        assert "problems" in mutation.type.of_type.fields


def _kinds(error: type[DomainError]) -> set[type[DomainError]]:
    return {error}.union(*map(_kinds, error.__subclasses__()))


def test_whatever_an_operation_refuses_has_a_code_that_a_problem_can_have() -> None:
    codes = {kind.code for kind in _kinds(DomainError) if kind is not DomainError}
    assert codes == set(ProblemCode)


def test_what_may_be_left_out_has_a_default() -> None:
    """Without one, a client that leaves it out finds a bug of ours."""
    fields = [
        field for root in (Query, Mutation, Subscription) for field in get_object_definition(root, strict=True).fields
    ]
    bare = [
        f"{field.python_name}.{argument.python_name}"
        for field in fields
        for argument in field.arguments
        if isinstance(argument.type, StrawberryOptional) and argument.default is UNSET
    ]
    assert bare == []


def test_documents_that_anybody_sends_fill_no_memory() -> None:
    tracemalloc.start()
    document = parse("{" + " a" * (TOKENS - 2) + "}", max_tokens=TOKENS)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert document.definitions
    assert taken * KEPT < 300 * 2**20
