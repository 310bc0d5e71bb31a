"""What a mutation refuses is a problem in its payload, never an error beside it."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from resolvers import idempotency, policy
from resolvers.errors import DomainError, Flaw, Invalid
from resolvers.form import camel
from schema import tracing
from schema.base import Node, plain, project
from schema.context import Info

Key = Annotated[
    str | None,
    strawberry.argument(
        description="Unique per actor and mutation, kept for 24 hours: a retry with it gets the first answer and does "
        "nothing twice."
    ),
]


@strawberry.enum(description="Why something was refused.")
class ProblemCode(StrEnum):
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    LIMITED = "LIMITED"
    COST_EXCEEDED = "COST_EXCEEDED"
    STALE_CURSOR = "STALE_CURSOR"


@strawberry.type(description="One reason why a mutation did nothing.")
class Problem:
    code: ProblemCode = plain("What kind of reason it is.")
    message: str = plain("For people.")
    field: list[str] | None = strawberry.field(default=None, description="The path of the argument that is wrong.")
    rule: str | None = strawberry.field(default=None, description="The rule that does not allow it.")
    retry_after: int | None = strawberry.field(default=None, description="Seconds until another try makes sense.")
    current_version: int | None = strawberry.field(default=None, description="The version that is there instead.")


@strawberry.interface(description="What a mutation answers: what it did, or why it did nothing.")
class Payload:
    problems: list[Problem] = strawberry.field(default_factory=list, description="Empty when it was done.")


def problems(error: DomainError, arguments: Collection[str]) -> list[Problem]:
    """What was refused. Operations say `input.x`; where `x` is an argument of its own, that is its path."""
    code = ProblemCode(error.code)
    flaws = error.flaws if isinstance(error, Invalid) else (Flaw(error.message),)
    return [
        Problem(
            code=code,
            message=flaw.message,
            field=[name for name in flaw.field if name != "input" or name in arguments] or None,
            rule=error.details.get("rule"),
            retry_after=error.details.get("retryAfter"),
            current_version=error.details.get("currentVersion"),
        )
        for flaw in flaws
    ]


def mutation(description: str, *, once: bool = True) -> Callable[[Callable[..., Awaitable[Any]]], Any]:
    """A mutation out of a method that returns a node, or a payload of its own if it returns more than that.

    Without `once` a key is taken and means nothing: to sign in twice is to sign in twice.

    The node goes into a payload named after the mutation, under the name of its type.
    """

    def declare(method: Callable[..., Awaitable[Any]]) -> Any:
        signature = inspect.signature(method)
        payload, name = _payload(method.__name__, signature.return_annotation)

        @functools.wraps(method)
        async def resolve(self: Any, info: Info, *, idempotency_key: str | None = None, **arguments: Any) -> Any:
            request = None
            if idempotency_key is not None and once:
                request = idempotency.Request(method.__name__, idempotency_key, arguments)
            token = idempotency.current.set(request)
            try:
                if request:
                    await info.context.repeat()
                done = await method(self, info, **arguments)
                return payload(**{name: done}) if name else done
            except idempotency.Repeated as first:
                return await _again(info, payload, first)
            except DomainError as error:
                tracing.refused(error.code)
                return payload(problems=problems(error, signature.parameters))
            finally:
                idempotency.current.reset(token)

        key = inspect.Parameter("idempotency_key", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Key)
        resolve.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*signature.parameters.values(), key], return_annotation=payload
        )
        resolve.__annotations__ = {**method.__annotations__, "idempotency_key": Key, "return": payload}
        return strawberry.mutation(resolver=resolve, description=description)

    return declare


def _payload(mutation_name: str, answer: Any) -> tuple[Any, str | None]:
    if inspect.isclass(answer) and issubclass(answer, Payload):
        return answer, None
    made = type(f"{mutation_name.title().replace('_', '')}Payload", (Payload,), {})
    field = _snake(answer.__name__)
    made.__annotations__ = {field: answer | None}
    setattr(made, field, strawberry.field(default=None, description="What it was done to; null when nothing was done."))
    return strawberry.type(made, description=f"What `{camel(mutation_name)}` answers."), field


async def _again(info: Info, payload: Any, first: idempotency.Repeated) -> Any:
    """The first answer, as the viewer may see it now: a secret is told again with what it opens, or not at all."""
    row = policy.row_of(first.noun)
    found = await info.context.row(policy.see(row), first.row_id) if row and first.row_id else None
    if hasattr(payload, "again"):
        return payload.again(project(found), first.secret if found else None)
    return _fill(payload, project(found))


def _fill(payload: Any, done: Node | None) -> Any:
    fields = [f.python_name for f in payload.__strawberry_definition__.fields if f.python_name != "problems"]
    return payload(**dict.fromkeys(fields[:1], done))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
