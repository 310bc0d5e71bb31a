"""Execution: one way from a request to its results, whatever it came over."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, NamedTuple

from graphql import (
    ExecutionResult,
    Executor,
    OperationType,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
)
from strawberry.execution import optimized_is_awaitable

from resolvers.errors import Flaw, Invalid
from schema.context import Context
from schema.documents import Documents, Trust
from schema.masking import told
from schema.requests import Refused, Request, refusal


class Answer(NamedTuple):
    """One result, and for an event of a feed where to continue behind it."""

    result: ExecutionResult
    cursor: str | None = None


@dataclass(frozen=True)
class Operation:
    """One that may run, with its variables coerced."""

    executor: Executor[Context]

    @property
    def type(self) -> OperationType:
        return self.executor.operation.operation

    @property
    def name(self) -> str | None:
        name = self.executor.operation.name
        return name.value if name else None


class Execution:
    def __init__(self, schema: Any, *, trust: Trust = Trust.PREFER, suggests: bool = True) -> None:
        self._schema = schema._schema  # noqa: SLF001 - graphql-core's own schema has no other way out
        self._documents = Documents(self._schema, trust)
        self._suggests = suggests

    async def prepare(self, ctx: Context, request: Request) -> Operation:
        """The operation, ready to run. Raises Refused."""
        document = await self._documents.of(ctx, request, suggests=self._suggests)
        if document.errors:
            raise Refused(*map(told, document.errors))
        if len(document.operations) > 1 and request.operation_name is None:
            raise refusal(Invalid(Flaw("The document has several operations: say by operationName which one to run.")))
        executor = Executor.build(
            self._schema,
            document.node,
            context_value=ctx,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            hide_suggestions=not self._suggests,
        )
        if isinstance(executor, list):
            raise Refused(*map(told, executor))
        return Operation(executor)

    async def run(self, operation: Operation) -> ExecutionResult:
        """The result of a query or a mutation."""
        result = execute_root_selection_set(operation.executor)
        return _told(await result if isawaitable(result) else result)

    async def results(self, operation: Operation) -> AsyncGenerator[Answer]:
        """What an operation of any type answers: one result, or one for each event. Raises Refused."""
        if operation.type is not OperationType.SUBSCRIPTION:
            yield Answer(await self.run(operation))
            return
        async with aclosing(self._source(operation)) as events:
            async for event in events:
                result = execute_subscription_event(operation.executor.build_per_event_executor(event))
                told = _told(await result if isawaitable(result) else result)
                yield Answer(told, getattr(event, "cursor", None))

    async def _source(self, operation: Operation) -> AsyncGenerator[Any]:
        """The events, as the feed tells them. Raises Refused, and so the operation ends, when that fails."""
        source: Any = create_source_event_stream(operation.executor)
        source = await source if isawaitable(source) else source
        if isinstance(source, ExecutionResult):
            raise Refused(*map(told, source.errors or ()))
        async with aclosing(source) as events:
            try:
                async for event in events:
                    yield event
            except Exception as error:
                raise Refused(told(error)) from error


def _told(result: ExecutionResult) -> ExecutionResult:
    if result.errors:
        result.errors = [told(error) for error in result.errors]
    return result
