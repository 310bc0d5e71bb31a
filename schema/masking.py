"""What goes wrong: what the domain refuses is told with its code, everything else is a bug and masked."""

import logging
import secrets
from typing import Any

from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from resolvers.errors import DomainError, Invalid

log = logging.getLogger("plenary.bugs")


# What the domain refuses, and what is wrong with the client's own text.
NEWS = (DomainError, GraphQLError, MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)


def is_bug(error: GraphQLError) -> bool:
    """An error without an original is about the document itself, which is the client's own text."""
    return error.original_error is not None and not isinstance(error.original_error, NEWS)


def coded(error: GraphQLError) -> GraphQLError:
    """What is wrong with the client's own text has a code, too."""
    if not is_bug(error):
        error.extensions = {"code": Invalid.code, **(error.extensions or {})}
    return error


class Masking(MaskErrors):
    def __init__(self, **_: Any) -> None:
        super().__init__(should_mask_error=is_bug)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        return masked(error.original_error, error)


def masked(bug: BaseException | None, error: GraphQLError | None = None) -> GraphQLError:
    """An error that tells nothing but a trace id, under which the log tells the rest."""
    trace_id = secrets.token_hex(8)
    log.error("bug %s", trace_id, exc_info=bug)
    return GraphQLError(
        "Something went wrong on our side.",
        nodes=error.nodes if error else None,
        path=error.path if error else None,
        extensions={"code": "INTERNAL", "traceId": trace_id},
    )
