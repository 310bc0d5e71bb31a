"""Documents: each is read and checked once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
)

from schema.cost import Cost, cost_of
from schema.limits import NESTING, TOKENS, check, exceeded
from schema.validation import flaws

CACHED = 16_000  # characters: a longer document is read anew each time
KEPT = 200  # documents: read, one of 2,000 tokens takes more than a megabyte, and anybody can send as many as they like


@dataclass(frozen=True)
class Document:
    """A document as it was read: its operations by name, or what is wrong with it."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    errors: tuple[GraphQLError, ...] = ()
    costs: dict[str | None, Cost] = field(default_factory=dict)  # of its operations, by name, once they were asked for


class Key(NamedTuple):
    text: str
    suggests: bool


class Documents:
    def __init__(self, schema: GraphQLSchema, *, kept: int = KEPT) -> None:
        self._schema = schema
        self._most = kept
        self._read: OrderedDict[Key, Document] = OrderedDict()

    def of(self, text: str, *, suggests: bool) -> Document:
        """The document of this text. `suggests`: its errors may name what the schema has instead."""
        key = Key(text, suggests)
        if found := self._read.get(key):
            self._read.move_to_end(key)
            return found
        document = read(self._schema, text, suggests=suggests)
        if len(text) <= CACHED:
            self._read[key] = document
            if len(self._read) > self._most:
                self._read.popitem(last=False)
        return document

    def cost(self, document: Document, operation: OperationDefinitionNode) -> Cost:
        """What an operation of the document costs."""
        name = operation.name.value if operation.name else None
        if name not in document.costs:
            document.costs[name] = cost_of(self._schema, document.node, operation)
        return document.costs[name]


def read(schema: GraphQLSchema, text: str, *, suggests: bool) -> Document:
    try:
        node = parse(text, max_tokens=TOKENS)
        check(node)
    except GraphQLError as error:
        return _bad(_limit(error) or error)
    operations = {
        found.name.value if found.name else None: found
        for found in node.definitions
        if isinstance(found, OperationDefinitionNode)
    }
    return Document(node, operations, flaws(schema, node, suggests=suggests))


def _limit(error: GraphQLError) -> GraphQLError | None:
    """The limit that the parser has run into, if it was one: to the parser, that is an error of syntax."""
    if "tokens. Parsing aborted" in error.message:
        return exceeded("Tokens of a document", TOKENS)
    if "too deeply. Parsing aborted" in error.message:
        return exceeded("Braces within each other", NESTING)
    return None


def _bad(error: GraphQLError) -> Document:
    return Document(DocumentNode(definitions=()), {}, (error,))
