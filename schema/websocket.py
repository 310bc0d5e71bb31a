"""graphql-transport-ws: what a message may be, who is at the other end, and when that ends."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from graphql import GraphQLError
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.utils.aio import aclosing

from resolvers.accounts import ExpiredToken
from resolvers.errors import DomainError
from schema.context import Context
from schema.masking import coded, masked

log = logging.getLogger("plenary.websocket")

RETRY = 1.0
SIGNED_OUT, EXPIRED, TOO_MANY = 4401, 4403, 4429

# What each type of message must bring, and what it may.
Shape = Mapping[str, type | tuple[type, ...]]

SHAPES: Mapping[str, Shape] = {
    "connection_init": {},
    "ping": {},
    "pong": {},
    "subscribe": {"id": str, "payload": dict},
    "complete": {"id": str},
}
REQUEST: Shape = {"query": str, "variables": (dict, type(None)), "operationName": (str, type(None))}


def is_well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    shape = SHAPES.get(message["type"])
    if shape is None or not all(isinstance(message.get(name), kind) for name, kind in shape.items()):
        return False
    payload = message.get("payload")
    if message["type"] != "subscribe":
        return payload is None or isinstance(payload, dict)
    return all(isinstance(message["payload"].get(name), kind) for name, kind in REQUEST.items()) and message["id"] != ""


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, with the answers of docs/live.md where they differ."""

    watch: asyncio.Task[None] | None = None

    async def handle_message(self, message: Any) -> None:
        if is_well_formed(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Not a message of graphql-transport-ws")

    async def handle_connection_init(self, message: Any) -> None:
        if self.connection_init_received:
            await self.websocket.close(code=TOO_MANY, reason="Too many initialisation requests")
            return
        message = {**message, "payload": message.get("payload") or {}}
        try:
            await super().handle_connection_init(message)
        except DomainError as error:
            await self._close_signed_out(error)
            return
        if self.connection_acknowledged and self.context.token is not None:
            self.watch = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Close the socket when its sign-in ends, by being ended or by time."""
        while True:
            try:
                await self.context.signed_out()
            except DomainError as error:
                await self._close_signed_out(error)
                return
            except Exception:
                log.exception("could not look a sign-in up; trying again")
                await asyncio.sleep(RETRY)

    async def _close_signed_out(self, error: DomainError) -> None:
        """4401 tells clients not to come back with this token, 4403 to sign in anew."""
        code = EXPIRED if isinstance(error, ExpiredToken) else SIGNED_OUT
        with suppress(RuntimeError):  # the other end was faster
            await self.websocket.close(code=code, reason=error.message)

    async def shutdown(self) -> None:
        if self.watch:
            self.watch.cancel()
        await super().shutdown()

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Run one operation to its end. What fails is told to this operation alone; its siblings go on."""
        try:
            await self._run(operation)
        except DomainError as error:
            await operation.send_initial_errors([GraphQLError(error.message, extensions=error.extensions)])
        except GraphQLError as error:  # the document cannot be read
            await operation.send_initial_errors([coded(error)])
        except Exception as bug:  # noqa: BLE001 - a bug must not take the socket with it
            await operation.send_initial_errors([masked(bug)])

    async def _run(self, operation: Operation[Context, None]) -> None:
        source = await self.schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=self.context,
            root_value=self.root_value,
            operation_name=operation.operation_name,
        )
        async with aclosing(source) as results:
            async for result in results:
                if isinstance(result, PreExecutionError) or (
                    isinstance(result, ExecutionResult) and _is_of_no_field(result)
                ):
                    await operation.send_initial_errors(result.errors or [])
                    return
                if isinstance(result, ExecutionResult):  # the schema delivers nothing in increments
                    await operation.send_next(result)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})


def _is_of_no_field(result: ExecutionResult) -> bool:
    """What failed is the request or its source, not a field of its answer."""
    errors = result.errors or []
    return result.data is None and errors != [] and all(error.path is None for error in errors)
