"""Documents: each is read and checked once, and kept while there is room."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    validate,
)

TOKENS = 2_000  # of a document
CACHED = 16_000  # characters: a longer document is read anew each time
KEPT = 200  # documents: read, one of 2,000 tokens takes more than a megabyte, and anybody can send as many as they like


@dataclass(frozen=True)
class Document:
    """A document as it was read: its operations by name, or what is wrong with it."""

    node: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    errors: tuple[GraphQLError, ...] = ()


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


def read(schema: GraphQLSchema, text: str, *, suggests: bool) -> Document:
    try:
        node = parse(text, max_tokens=TOKENS)
    except RecursionError:
        return _bad(GraphQLError("The document is too deep."))
    except GraphQLError as error:
        return _bad(error)
    operations = {
        found.name.value if found.name else None: found
        for found in node.definitions
        if isinstance(found, OperationDefinitionNode)
    }
    return Document(node, operations, tuple(validate(schema, node, hide_suggestions=not suggests)))


def _bad(error: GraphQLError) -> Document:
    return Document(DocumentNode(definitions=()), {}, (error,))
