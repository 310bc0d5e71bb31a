"""Execution: one way from a request to its results, whatever it came over."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from types import TracebackType
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLError,
    OperationType,
    create_source_event_stream,
    execute_root_selection_set,
)
from strawberry.execution import optimized_is_awaitable

from models.database import Work, work
from realtime.delivery import TooSlow
from realtime.mailbox import Mailbox
from realtime.operation import Sink
from resolvers.budgets import Bill, Budgets
from resolvers.errors import DomainError, Flaw, Forbidden, Invalid, Limited
from schema.context import Context
from schema.cost import Cost, value
from schema.documents import Documents, Trust
from schema.encoding import encode
from schema.limits import check_variables
from schema.masking import masked_result, told
from schema.observing import Observation, Observer
from schema.rendering import Shape, Told
from schema.requests import Refused, Request, refusal

NO_INTROSPECTION = "Introspection is for people who are signed in."


class TimedOut(Refused):
    """An operation that took too long, and was cancelled."""

    def __init__(self, seconds: float, *, is_committed: bool) -> None:
        left = "What it had changed stays" if is_committed else "It has changed nothing"
        super().__init__(
            GraphQLError(
                f"This took longer than {seconds:g} seconds and was cancelled. {left}.",
                extensions={"code": Limited.code},
            )
        )


class Lagging(Refused):
    """A subscription whose client lags on. It may come back, to where it was."""

    def __init__(self) -> None:
        super().__init__(GraphQLError("Too slow a reader.", extensions={"code": Limited.code}))


@dataclass(frozen=True, slots=True)
class Operation:
    """One that may run, with its variables coerced and its cost paid."""

    executor: Executor[Context]
    taken: int  # points, at most; of a subscription, for each event
    bill: Bill
    seen: Observation

    @property
    def ctx(self) -> Context:
        return self.executor.context_value

    @property
    def type(self) -> OperationType:
        return self.executor.operation.operation

    @property
    def name(self) -> str | None:
        name = self.executor.operation.name
        return name.value if name else None


Check = Callable[[OperationType], None]


class Execution:
    """`timeout` is in seconds, for queries and mutations; 0 lets them take their time. `development` tells everybody
    what the schema has.
    """

    def __init__(
        self,
        schema: Any,
        budgets: Budgets,
        observer: Observer | None = None,
        *,
        timeout: float,
        development: bool,
        trust: Trust = Trust.PREFER,
    ) -> None:
        self._schema = schema._schema  # noqa: SLF001 - graphql-core's own schema has no other way out
        self._documents = Documents(self._schema, trust, budgets.read)
        self._budgets = budgets
        self._observer = observer or Observer()
        self._timeout = timeout
        self._development = development

    async def prepare(self, ctx: Context, request: Request, check: Check | None = None) -> Operation:
        """The operation, ready to run. Raises Refused, and whatever `check` raises: then nothing is charged.

        `check` may take places for the operation, for its caller to leave.
        """
        seen = self._observer.begin(ctx, request.operation_name)
        try:
            executor, cost = await self._read(ctx, request)
            name = executor.operation.name
            seen.is_of(executor.operation.operation, name.value if name else None)
            if check:
                _admit(check, executor.operation.operation)
            taken = value(cost.taken, executor.variable_values.coerced)
            bill = self._charge(ctx, executor, taken if cost.charged is None else cost.charged, taken)
            seen.cost = bill.requested
        except BaseException as error:
            seen.end(error)
            raise
        return Operation(executor, taken, bill, seen)

    async def _read(self, ctx: Context, request: Request) -> tuple[Executor[Context], Cost]:
        """What is to be executed, and what it costs."""
        suggests = self._development or ctx.is_person
        try:
            document = await self._documents.of(ctx, request, suggests=suggests)
        except DomainError as error:
            raise refusal(error) from error
        if document.errors:
            raise Refused(*map(told, document.errors))
        if len(document.operations) > 1 and request.operation_name is None:
            raise refusal(Invalid(Flaw("The document has several operations: say by operationName which one to run.")))
        if request.variables:
            _check_variables(request.variables)
        executor = Executor.build(
            self._schema,
            document.node,
            context_value=ctx,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            hide_suggestions=not suggests,
        )
        if isinstance(executor, list):
            raise Refused(*map(told, executor))
        cost = self._documents.cost(document, executor.operation)
        if cost.introspects and not suggests:
            raise Refused(GraphQLError(NO_INTROSPECTION, extensions={"code": Forbidden.code}))
        return executor, cost

    def _charge(self, ctx: Context, executor: Executor[Context], points: int, taken: int) -> Bill:
        try:
            bill = self._budgets.charge(ctx, points, taken=taken)
        except DomainError as error:
            raise refusal(error) from error
        executor.root_value = bill  # what `rateLimit` tells
        return bill

    async def run(self, operation: Operation) -> ExecutionResult:
        """The result of a query or a mutation. Raises Refused when it takes too long."""
        with operation.seen as seen:
            result = await self._in_time(operation)
            result.extensions = {"cost": operation.bill.told()}
            return seen.told(masked_result(result))

    async def _in_time(self, operation: Operation) -> ExecutionResult:
        deadline = asyncio.get_running_loop().time() + self._timeout if self._timeout else None
        doing = Work(deadline)
        token = work.set(doing)
        try:
            result = execute_root_selection_set(operation.executor)
            if isawaitable(result):
                async with asyncio.timeout_at(deadline):
                    result = await result
        except TimeoutError as error:
            raise TimedOut(self._timeout, is_committed=doing.is_committed) from error
        finally:
            work.reset(token)
        return result

    async def results(self, operation: Operation) -> AsyncGenerator[Told]:
        """What an operation of any type answers: one result, or one for each event. Raises Refused."""
        if operation.type is not OperationType.SUBSCRIPTION:
            yield Told(encode((await self.run(operation)).formatted))
            return
        mailbox = Mailbox()
        following = asyncio.ensure_future(self.follow(operation, mailbox))
        following.add_done_callback(lambda _: mailbox.close())
        try:
            while (told := await mailbox.next()) is not None:
                yield told
            await following
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def follow(self, operation: Operation, sink: Sink) -> None:
        """Deliver a subscription to the sink, until its feed ends. Raises Refused."""
        with operation.seen as seen, REFUSED, self._budgets.hold(operation.ctx, operation.taken):
            source: Any = create_source_event_stream(operation.executor)
            source = await source if isawaitable(source) else source
            if isinstance(source, ExecutionResult):
                raise Refused(*map(told, source.errors or ()))
            source = source.deliver(sink, Shape.of(operation.executor))  # and what it was made of may go
            try:
                await source
            finally:
                seen.events = sink.taken


def _admit(check: Check, type_: OperationType) -> None:
    try:
        check(type_)
    except DomainError as error:
        raise refusal(error) from error


class _AsRefused:
    """A block whose errors are told as refusals."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(error, TooSlow):
            raise Lagging from error
        if isinstance(error, Exception) and not isinstance(error, Refused):
            raise Refused(told(error)) from error


REFUSED = _AsRefused()


def _check_variables(variables: Mapping[str, Any]) -> None:
    try:
        check_variables(variables)
    except GraphQLError as error:
        raise Refused(error) from error
