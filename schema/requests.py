"""Requests: what a client may ask for, and how it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from graphql import GraphQLError

from resolvers.errors import DomainError
from schema.encoding import Malformed

# What a request may have, besides what is for others to understand. Null is as good as absent.
SHAPE: Mapping[str, type] = {
    "query": str,
    "documentId": str,
    "operationName": str,
    "variables": dict,
    "extensions": dict,
}


@dataclass(frozen=True)
class Request:
    """What a client asks for: a document, by its text or its id, which operation of it, and with which variables."""

    query: str = ""
    document_id: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, parameters: Any) -> Self:
        """Raises Malformed unless the parameters have the form of a request."""
        if not isinstance(parameters, dict):
            raise Malformed("A request is a JSON object.")
        for name, kind in SHAPE.items():
            if not isinstance(parameters.get(name), (kind, type(None))):
                raise Malformed(f"{name} has the wrong type.")
        query, document_id, operation_name, variables, _ = (parameters.get(name) for name in SHAPE)
        if document_id is not None and query == "":  # graphql-ws sends no request without a query
            query = None
        if (query is None) == (document_id is None):
            raise Malformed("A request has a query, or a documentId in its place.")
        return cls(query or "", document_id, operation_name or None, variables)


class Refused(Exception):
    """What is not executed to its end, or a source that has failed. Its errors are fit to be told."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    @property
    def code(self) -> str:
        return str((self.errors[0].extensions or {}).get("code"))

    @property
    def retry_after(self) -> int | None:
        return (self.errors[0].extensions or {}).get("retryAfter")

    @property
    def formatted(self) -> dict[str, Any]:
        """As a result that has no data. What it was to cost stands where results have it."""
        cost = (self.errors[0].extensions or {}).get("cost")
        told: dict[str, Any] = {"errors": [error.formatted for error in self.errors]}
        return told if cost is None else told | {"extensions": {"cost": cost}}


def refusal(error: DomainError) -> Refused:
    return Refused(GraphQLError(error.message, extensions=error.extensions))
