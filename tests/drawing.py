"""Documents drawn from the schema: valid, about things that are there, and different each time."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
)

from models import Row
from tests.world import gid

# What they would say is not a matter of how much they fetch.
LEFT_OUT = {"rateLimit", "ics"}
# Which ids an argument takes.
NOUNS = {
    "community": "Community",
    "communityActivity": "Community",
    "answerQueue": "Community",
    "content": "Content",
    "task": "Task",
    "sessionReport": "Session",
    **dict.fromkeys(("boardReport", "myQuestions", "questionBoard"), "QuestionBoard"),
    **dict.fromkeys(("questionBoardDisplay", "questionBoardModeration"), "QuestionBoard"),
}
OTHERWISE = "Network"


class Drawing:
    """One document. `ids` are of what is there, by noun."""

    def __init__(self, schema: GraphQLSchema, ids: Mapping[str, Sequence[str]], draw: random.Random) -> None:
        self._schema = schema
        self._ids = ids
        self._draw = draw
        self._declared: dict[str, str] = {}
        self._fragments: list[str] = []
        self._sizes = 0
        self.variables: dict[str, Any] = {}

    def document(self) -> str:
        query = self._schema.query_type
        assert query
        body = self._selection(query, depth=self._draw.randint(3, 6), alias="")
        declared = ", ".join(f"${name}: {kind}" for name, kind in self._declared.items())
        return " ".join([f"query ({declared}) {body}" if declared else f"query {body}", *self._fragments])

    def _selection(self, kind: Any, depth: int, alias: str) -> str:
        parts = ["__typename"]
        if is_abstract_type(kind):
            possible = self._draw.sample(self._schema.get_possible_types(kind), 2)
            parts += [f"... on {of.name} {self._selection(of, depth, of.name)}" for of in possible]
        else:
            fields = [(name, found) for name, found in kind.fields.items() if name not in LEFT_OUT]
            if depth <= 1:
                fields = [(name, found) for name, found in fields if is_leaf_type(get_named_type(found.type))]
            for name, found in self._draw.choices(fields, k=self._draw.randint(1, 4)) if fields else ():
                parts.append(self._field(name, found, depth, alias))
        return self._perhaps_as_fragment(kind, f"{{ {' '.join(parts)} }}")

    def _perhaps_as_fragment(self, kind: GraphQLNamedType, body: str) -> str:
        if self._draw.random() > 0.2:
            return body
        name = f"F{len(self._fragments)}"
        self._fragments.append(f"fragment {name} on {kind.name} {body}")
        return f"{{ ...{name} ...{name} }}"

    def _field(self, name: str, found: GraphQLField, depth: int, alias: str) -> str:
        """Types that exclude each other have names of their own; what has arguments is asked once under a name."""
        target = get_named_type(found.type)
        given = self._arguments(name, found)
        own = f"{alias}_{name}{self._next() if given else ''}" if alias or given else ""
        parts = [f"{own}: {name}" if own else name]
        parts += [f"({', '.join(given)})"] if given else []
        parts += [self._condition()] if self._draw.random() < 0.1 else []
        parts += [] if is_leaf_type(target) else [self._selection(target, depth - 1, "")]
        return " ".join(parts)

    def _arguments(self, name: str, found: GraphQLField) -> list[str]:
        given = [
            f"{argument}: {self._id(name, definition)}"
            for argument, definition in found.args.items()
            if is_required_argument(definition) and argument not in {"text", "mine"}
        ]
        if "text" in found.args:
            given.append('text: "Body"')
        if "first" in found.args:
            size = self._draw.choice([1, 2, 3, 20])
            value: Any = size if self._draw.random() < 0.5 else self._variable("Int", size)
            given.append(f"{self._draw.choice(['first', 'last'])}: {value}")
        return given

    def _id(self, name: str, definition: Any) -> str:
        everything = [id for ids in self._ids.values() for id in ids]
        if is_list_type(get_nullable_type(definition.type)):
            some = self._draw.sample(everything, self._draw.randint(0, 9))
            return self._variable("[ID!]!", some) if self._draw.random() < 0.5 else str(some).replace("'", '"')
        noun = NOUNS.get(name, OTHERWISE)
        return f'"{self._draw.choice(everything if name == "node" else self._ids[noun])}"'

    def _condition(self) -> str:
        return f"@{self._draw.choice(['skip', 'include'])}(if: {self._variable('Boolean!', self._draw.random() < 0.5)})"

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self._declared)}"
        self._declared[name], self.variables[name] = kind, value
        return f"${name}"

    def _next(self) -> int:
        self._sizes += 1
        return self._sizes


def ids_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        found["Content" if row.noun in {"Topic", "Post", "Article", "Idea"} else row.noun].append(gid(row))
    return dict(found)


def objects(data: Any) -> int:
    """How many objects there are, with those within them."""
    if isinstance(data, dict):
        return 1 + sum(map(objects, data.values()))
    return sum(map(objects, data)) if isinstance(data, list) else 0
