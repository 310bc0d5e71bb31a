"""What goes wrong: what the domain refuses is told with its code, everything else is a bug and masked."""

import logging

from graphql import ExecutionResult, FieldNode, GraphQLError

from resolvers.errors import DomainError, Invalid
from schema import tracing
from schema.tracing import Trace

log = logging.getLogger("plenary.bugs")


def told(error: BaseException) -> GraphQLError:
    """The error as a client may read it: with its code, or, of a bug, with nothing but a trace id."""
    if isinstance(error, DomainError):
        return GraphQLError(error.message, extensions=error.extensions)
    if not isinstance(error, GraphQLError):
        return masked(error)
    if _is_bug(error):
        return masked(error.original_error, error)
    error.extensions = {"code": Invalid.code, **(error.extensions or {})}
    return error


def _is_bug(error: GraphQLError) -> bool:
    """Neither the domain's word nor about the document and its variables, which are the client's own text.

    GraphQL's own errors within a field are about an argument, and point at it, or about what a resolver returned.
    """
    cause = error.original_error
    if isinstance(cause, GraphQLError):
        return error.path is not None and (not cause.nodes or isinstance(cause.nodes[0], FieldNode))
    return cause is not None and not isinstance(cause, DomainError)


def masked_result(result: ExecutionResult) -> ExecutionResult:
    if result.errors:
        result.errors = [told(error) for error in result.errors]
    return result


def masked(bug: BaseException | None, error: GraphQLError | None = None) -> GraphQLError:
    """An error that tells nothing but a trace id, under which the log tells the rest."""
    trace = tracing.current() or Trace()
    if trace.is_news(bug):
        log.error("bug", extra={"trace_id": trace.id, "operation": trace.operation}, exc_info=bug)
    return GraphQLError(
        "Something went wrong on our side.",
        nodes=error.nodes if error else None,
        path=error.path if error else None,
        extensions={"code": "INTERNAL", "traceId": trace.id},
    )
