"""graphql-transport-ws: what a message may be, who is at the other end, and when that ends."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.unset import UNSET, UnsetType

from resolvers.accounts import ExpiredToken
from resolvers.errors import DomainError
from schema.context import Context
from schema.door import Door, bearer
from schema.encoding import Malformed, decode
from schema.execution import Execution
from schema.masking import masked
from schema.requests import Refused, Request

INIT_TIMEOUT = timedelta(seconds=5)
OPERATIONS_PER_SOCKET = 100
REASON_LIMIT = 123  # bytes that a close frame has room for
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

    view: "Sockets"

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
        try:
            await self.context.signed_out()
        except DomainError as error:
            await self._close_signed_out(error)

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
        except Refused as refused:
            await operation.send_initial_errors(list(refused.errors))
        except Exception as bug:  # noqa: BLE001 - a bug must not take the socket with it
            await operation.send_initial_errors([masked(bug)])

    async def _run(self, operation: Operation[Context, None]) -> None:
        execution = self.view.execution
        request = Request(operation.query, operation_name=operation.operation_name, variables=operation.variables)
        prepared = await execution.prepare(self.context, request)
        async with aclosing(execution.results(prepared)) as answers:
            async for answer in answers:
                payload: Any = answer.result.formatted
                await operation.send_operation_message({"id": operation.id, "type": "next", "payload": payload})
        await operation.send_operation_message({"id": operation.id, "type": "complete"})


class Adapter(ASGIWebSocketAdapter):
    async def close(self, code: int, reason: str) -> None:
        await super().close(code, reason.encode(errors="replace")[:REASON_LIMIT].decode(errors="ignore"))


class Sockets(GraphQL[Context, None]):
    """Strawberry's view, for sockets alone, with our context and our handler."""

    graphql_transport_ws_handler_class = Handler
    websocket_adapter_class = Adapter

    def __init__(self, schema: Schema, execution: Execution, door: Door) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=OPERATIONS_PER_SOCKET,
        )
        self.execution = execution
        self._door = door

    def decode_json(self, data: str | bytes) -> object:
        try:
            return decode(data)
        except Malformed as error:
            raise json.JSONDecodeError(str(error), "", 0) from error

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return self._door.admits(request)

    async def get_context(self, request: HTTPConnection, response: Any) -> Context:
        """Somebody, who says who they are in `connection_init` unless they bring the cookie."""
        return self._door.context(request)

    async def on_ws_connect(self, context: Context) -> UnsetType:
        await context.sign_in_with(bearer((context.connection_params or {}).get("authorization")) or context.token)
        return UNSET
