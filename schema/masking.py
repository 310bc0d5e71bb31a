"""What goes wrong: what the domain refuses is told with its code, everything else is a bug and masked."""

import logging
import secrets

from graphql import GraphQLError

from resolvers.errors import DomainError, Invalid

log = logging.getLogger("plenary.bugs")

# What the domain refuses, and what is wrong with the client's own text.
NEWS = (DomainError, GraphQLError)


def told(error: BaseException) -> GraphQLError:
    """The error as a client may read it: with its code, or, of a bug, with nothing but a trace id."""
    if isinstance(error, DomainError):
        return GraphQLError(error.message, extensions=error.extensions)
    if not isinstance(error, GraphQLError):
        return masked(error)
    if error.original_error is not None and not isinstance(error.original_error, NEWS):
        return masked(error.original_error, error)
    # An error without an original is about the document itself, which is the client's own text.
    error.extensions = {"code": Invalid.code, **(error.extensions or {})}
    return error


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
