"""What the outer world can name: every root field of the schema that takes an id, and a call of each that succeeds."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    OperationType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from schema.base import global_id, parse
from tests.arguments import SCHEMA, _value
from tests.client import Client
from tests.started import Socket

Path = tuple[str | int, ...]
# What is drawn anew for each answer, or told to nobody but who asked.
FRESH = {"cursor", "startCursor", "endCursor", "cost", "traceId"}


class Field(NamedTuple):
    """A root field. `known` says what its arguments may be, by `field.argument` or by the argument alone."""

    operation: OperationType
    name: str
    field: GraphQLField

    def arguments(self, known: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _value(name, argument.type, known, self.name)
            for name, argument in self.field.args.items()
            if is_required_argument(argument) or name in known or f"{self.name}.{name}" in known
        }

    def document(self, given: Mapping[str, Any]) -> str:
        declared = ", ".join(f"${name}: {self.field.args[name].type}" for name in given)
        passed = ", ".join(f"{name}: ${name}" for name in given)
        return f"{self.operation.value} ({declared}) {{ {self.name}({passed}) {self._selection()} }}"

    def _selection(self) -> str:
        if self.operation is OperationType.MUTATION:
            return "{ problems { code rule message field } }"
        return "" if is_leaf_type(get_named_type(self.field.type)) else "{ __typename }"

    def ids(self, given: Mapping[str, Any]) -> Iterator[Path]:
        """Where in its arguments ids are."""
        for name, value in given.items():
            yield from _ids(self.field.args[name].type, value, (name,))


def _ids(kind: Any, value: Any, path: Path) -> Iterator[Path]:
    named = get_named_type(kind)
    if isinstance(value, list):
        for n, one in enumerate(value):
            yield from _ids(named, one, (*path, n))
    elif isinstance(named, GraphQLInputObjectType):
        for name, one in (value or {}).items():
            yield from _ids(named.fields[name].type, one, (*path, name))
    elif named.name == "ID" and value is not None:
        yield path


def _takes_ids(field: GraphQLField) -> bool:
    kinds = [argument.type for argument in field.args.values()]
    seen: set[str] = set()
    while kinds:
        named = get_named_type(kinds.pop())
        if named.name == "ID":
            return True
        if isinstance(named, GraphQLInputObjectType) and named.name not in seen:
            seen.add(named.name)
            kinds += [field.type for field in named.fields.values()]
    return False


FIELDS = [
    Field(operation, name, field)
    for operation in OperationType
    if (root := SCHEMA.get_root_type(operation))
    for name, field in root.fields.items()
    if _takes_ids(field)
]


def put(given: Mapping[str, Any], path: Path, value: str) -> dict[str, Any]:
    changed: Any = copy.deepcopy(dict(given))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return dict(changed)


def got(given: Mapping[str, Any], path: Path) -> str | None:
    """What is there in other arguments of the same field, if anything is."""
    found: Any = given
    try:
        for step in path:
            found = found[step]
    except (KeyError, IndexError, TypeError):
        return None
    return found if found is None else str(found)


def nowhere(id: str) -> str:
    """An id of the same kind that leads nowhere."""
    return str(global_id(parse(id)[0], uuid4()))


class Http:
    """One viewer over HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def say(self, document: str, given: Mapping[str, Any]) -> Any:
        response = await self._http.post("/graphql", json={"query": document, "variables": given})
        return response.status_code, response.json()


class Wire:
    """One viewer over a WebSocket. Of a feed that begins, nothing is said."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def say(self, document: str, given: Mapping[str, Any]) -> Any:
        await self._socket.subscribe("one", document, **given)
        answers = [await self._socket.receive()]
        if answers[0]["type"] == "next":
            answers.append(await self._socket.receive())
        return answers


async def answered(client: Client | Http | Wire, field: Field, given: Mapping[str, Any]) -> Any:
    """Data and errors of one call; of a feed, how it began."""
    document = field.document(given)
    if isinstance(client, (Http, Wire)):
        return await client.say(document, given)
    if field.operation is OperationType.SUBSCRIPTION:
        feed = await client.follow(document, **given)
        answer = feed.error, len(feed.events)
        await feed.stop()
        return answer
    result = await client.execute(document, **given)
    return result.data, [error.formatted for error in result.errors or []]


def code(answer: Any) -> str:
    """Y, or what is said to be wrong."""
    data, errors = answer
    if isinstance(data, dict) and "extensions" in data:  # of a feed
        return str(data["extensions"]["code"])
    if isinstance(errors, list) and errors:
        return str(errors[0]["extensions"]["code"])
    payload = next(iter(data.values())) if isinstance(data, dict) else None
    problems = payload.get("problems") if isinstance(payload, dict) else None
    return str(problems[0]["code"]) if problems else "Y"


def without(answer: Any, *ids: str) -> str:
    """As text, with ids taken out, and whatever is fresh each time."""
    text = json.dumps(_plain(answer), sort_keys=True)
    for id in ids:
        text = text.replace(id, "ID")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: None if name in FRESH else _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value
