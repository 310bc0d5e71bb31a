"""Documents: each is read and checked once, and kept while there is room."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from cachetools import LRUCache, TTLCache
from graphql import DocumentNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse

from models.documents import ID_MOST
from resolvers import documents
from resolvers.form import is_storable
from schema.context import Context
from schema.cost import Cost, cost_of
from schema.limits import NESTING, TOKENS, check, exceeded
from schema.requests import Refused, Request
from schema.validation import flaws as validated

CACHED = 16_000  # characters: a longer document is read anew each time
KEPT = 200  # documents: read, one of 2,000 tokens takes more than a megabyte, and anybody can send as many as they like
KEPT_TRUSTED = 2_000
TRUSTED_FOR = 10.0  # seconds; then it is asked again whether the document is still trusted


UNASKED = ""  # which is the text of no document


class Trust(StrEnum):
    """Which documents are run: any (OFF), also by the ids of trusted ones (PREFER), or trusted ones alone (ONLY)."""

    OFF = "off"
    PREFER = "prefer"
    ONLY = "only"


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
    """`admit` is asked before anything is read that anybody may send, with its length; it may refuse."""

    def __init__(self, schema: GraphQLSchema, trust: Trust, admit: Callable[[Context, int], None]) -> None:
        self._schema = schema
        self._admit = admit
        self._trust = trust
        self._anybodys: MutableMapping[Key, Document] = LRUCache(KEPT)
        self._trusted: MutableMapping[Key, Document] = LRUCache(KEPT_TRUSTED)
        self._texts: MutableMapping[str, str | None] = TTLCache(KEPT_TRUSTED, TRUSTED_FOR)

    async def of(self, ctx: Context, request: Request, *, suggests: bool) -> Document:
        """The document that is asked for. `suggests`: its errors may name what the schema has. Raises Refused."""
        if request.document_id is not None:
            return self._read(Key(await self._by_id(ctx, request.document_id), suggests), self._trusted)
        key = Key(request.query, suggests)
        if self._trust is Trust.ONLY:
            if await self._text(ctx, documents.digest(request.query)) is None:
                raise _refused("FORBIDDEN", "Only trusted documents are run here.")
            return self._read(key, self._trusted)
        if key not in self._anybodys:
            self._admit(ctx, len(key.text))
        return self._read(key, self._anybodys) if len(key.text) <= CACHED else read(self._schema, *key)

    async def _by_id(self, ctx: Context, document_id: str) -> str:
        if self._trust is Trust.OFF:
            raise _refused("INVALID", "Documents are not run by their ids here: send the query.")
        is_an_id = len(document_id) <= ID_MOST and is_storable(document_id)
        text = await self._text(ctx, document_id) if is_an_id else None
        if text is None:
            raise _refused("NOT_FOUND", "No trusted document has this id.")
        return text

    async def _text(self, ctx: Context, document_id: str) -> str | None:
        text = self._texts.get(document_id, UNASKED)
        if text == UNASKED:
            text = self._texts[document_id] = await documents.text_of(ctx, document_id)
        return text

    def _read(self, key: Key, kept: MutableMapping[Key, Document]) -> Document:
        document = kept.get(key)
        if document is None:
            document = kept[key] = read(self._schema, *key)
        return document

    def cost(self, document: Document, operation: OperationDefinitionNode) -> Cost:
        """What an operation of the document costs."""
        name = operation.name.value if operation.name else None
        if name not in document.costs:
            document.costs[name] = cost_of(self._schema, document.node, operation)
        return document.costs[name]


def read(schema: GraphQLSchema, text: str, suggests: bool = True) -> Document:
    """The document with all that is wrong with it."""
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
    return Document(node, operations, validated(schema, node, suggests=suggests))


def _limit(error: GraphQLError) -> GraphQLError | None:
    """The limit that the parser has run into, if it was one: to the parser, that is an error of syntax."""
    if "tokens. Parsing aborted" in error.message:
        return exceeded("Tokens of a document", TOKENS)
    if "too deeply. Parsing aborted" in error.message:
        return exceeded("Braces within each other", NESTING)
    return None


def flaws(schema: Any, text: str) -> list[str]:
    """What keeps the text from being a document of the schema; nothing is best."""
    return [error.message for error in read(schema._schema, text).errors]  # noqa: SLF001 - as in execution.py


def _bad(error: GraphQLError) -> Document:
    return Document(DocumentNode(definitions=()), {}, (error,))


def _refused(code: str, message: str) -> Refused:
    return Refused(GraphQLError(message, extensions={"code": code}))
