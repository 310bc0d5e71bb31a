"""graphql-transport-ws: what a message may be, who is at the other end, and when that ends."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketDisconnected as Closed
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws import handlers

from resolvers.accounts import ExpiredToken
from resolvers.caps import Caps
from resolvers.errors import DomainError, Limited
from schema.context import Context
from schema.door import Door, bearer
from schema.encoding import Malformed, decode, encode
from schema.execution import Execution
from schema.masking import masked, told
from schema.rates import Rate
from schema.requests import Refused, Request

# Not a line for each page of others that would like to come in, with all that it says about itself.
logging.getLogger("strawberry.ws").setLevel(logging.ERROR)

REASON_MOST = 123  # bytes that a close frame has room for
PINGS_PER_SECOND = 10  # and pongs: they cost a client nothing, and say that it is there
RESERVE = 10  # seconds of messages that may come at once

TRY_AGAIN_LATER = 1013
SIGNED_OUT, EXPIRED, TAKEN, TOO_MANY = 4401, 4403, 4409, 4429

# Of each type that a client may send: whether it brings an id. Members that are not ours are for others.
HAS_ID: Mapping[str, bool] = {
    "connection_init": False,
    "ping": False,
    "pong": False,
    "subscribe": True,
    "complete": True,
}


@dataclass(frozen=True)
class Bounds:
    """Of one socket."""

    operations: int = 100
    messages_per_second: float = 100
    init_seconds: float = 5


def check(message: Any) -> None:
    """Raises Malformed unless it is a message of a client; what a subscribe asks for is looked at by itself."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Malformed("A message is a JSON object with a type.")
    if message["type"] not in HAS_ID:
        raise Malformed(f"No client sends a message of type {message['type']}.")
    if HAS_ID[message["type"]]:
        if not isinstance(message.get("id"), str) or not message["id"]:
            raise Malformed("The id is a text, and not empty.")
    elif not isinstance(message.get("payload"), (dict, type(None))):
        raise Malformed("The payload is an object.")


class Operation(handlers.Operation[Context, None]):
    """Says nothing any more when the client has completed it, also if its id is another's by then."""

    async def send_operation_message(self, message: Any) -> None:
        if self.handler.operations.get(self.id) is self:
            await super().send_operation_message(message)

    async def fail(self, error: Exception) -> None:
        errors = error.errors if isinstance(error, Refused) else [told(error)]
        await self.send_initial_errors(list(errors))


class Handler(handlers.BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, with the answers of docs/live.md where they differ."""

    view: "Sockets"

    watch: asyncio.Task[None] | None = None

    async def handle(self) -> None:
        self.rate = Rate(self.view.bounds.messages_per_second, RESERVE * self.view.bounds.messages_per_second)
        self.pings = Rate(PINGS_PER_SECOND, RESERVE * PINGS_PER_SECOND)
        try:
            with ExitStack() as self.counted:
                self.counted.enter_context(self.view.sockets.at(self.context.address))
                await super().handle()
        except Limited as refused:
            await self.websocket.close(TRY_AGAIN_LATER, refused.message)
        except Exception as bug:  # noqa: BLE001 - the client shall come back, and uvicorn not log it too
            await self.websocket.close(TRY_AGAIN_LATER, masked(bug).message)

    async def handle_message(self, message: Any) -> None:
        try:
            check(message)
            if not self.rate.allows() or (message["type"] in {"ping", "pong"} and not self.pings.allows()):
                await self.websocket.close(TOO_MANY, "Too many messages")
                return
            await getattr(self, f"handle_{message['type']}")(message)
        except Malformed as flaw:
            await self.handle_invalid_message(str(flaw))
        await asyncio.sleep(0)  # the next may be here already: the others have their turn before

    async def handle_connection_init(self, message: Any) -> None:
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY, "Too many initialisation requests")
            return
        self.connection_init_received = True
        if self.connection_init_timeout_task:
            self.connection_init_timeout_task.cancel()
        authorization = (message.get("payload") or {}).get("authorization")
        try:
            await self.context.sign_in_with(bearer(authorization) or self.context.token)
            self.counted.enter_context(self.view.sockets.of(self.context.viewer))
        except Limited:
            raise
        except DomainError as error:
            await self._close_signed_out(error)
            return
        await self.send_message({"type": "connection_ack"})
        self.connection_acknowledged = True
        if self.context.token is not None:
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
        await self.websocket.close(code, error.message)

    async def handle_ping(self, message: Any) -> None:
        payload = message.get("payload")
        try:
            await self.send_message({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
        except RecursionError:
            raise Malformed("The payload is too deep.") from None

    async def handle_subscribe(self, message: Any) -> None:
        request, id, most = Request.of(message.get("payload")), message["id"], self.view.bounds.operations
        if not self.connection_acknowledged:
            await self.websocket.close(SIGNED_OUT, "Unauthorized")
        elif id in self.operations:
            await self.websocket.close(TAKEN, f"Subscriber for {id} already exists")
        else:
            operation = self.operations[id] = Operation(self, id, request.query, None, None)
            if len(self.operations) > most:
                await operation.fail(Limited(f"At most {most} operations of one socket at a time."))
            else:
                operation.task = asyncio.create_task(self._perform(operation, request))

    async def _perform(self, operation: Operation, request: Request) -> None:
        """Run one operation to its end. What fails is told to this operation alone; its siblings go on."""
        context = self.context.copy()
        with suppress(WebSocketDisconnected):
            try:
                with self.view.operations.open(context.viewer, context.address):
                    await self._answer(operation, context, request)
            except WebSocketDisconnected:
                raise
            except Exception as error:  # noqa: BLE001 - a bug must not take the socket with it
                await operation.fail(error)

    async def _answer(self, operation: Operation, context: Context, request: Request) -> None:
        execution = self.view.execution
        async with aclosing(execution.results(await execution.prepare(context, request))) as answers:
            async for answer in answers:
                payload: Any = answer.result.formatted
                await operation.send_operation_message({"id": operation.id, "type": "next", "payload": payload})
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def shutdown(self) -> None:
        if self.watch:
            self.watch.cancel()
        await super().shutdown()


class Adapter(ASGIWebSocketAdapter):
    """Text frames alone. Whoever sends into a closed socket learns so; closing it twice is closing it once."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        text = encode(message).decode()
        try:
            await self.ws.send_text(text)
        except (WebSocketDisconnect, Closed):
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, Closed):
            await self.ws.close(code, reason.encode(errors="replace")[:REASON_MOST].decode(errors="ignore"))


class Sockets(GraphQL[Context, None]):
    """Strawberry's view, for sockets alone, with our context and our handler."""

    graphql_transport_ws_handler_class = Handler
    websocket_adapter_class = Adapter

    def __init__(
        self, schema: Schema, execution: Execution, door: Door, bounds: Bounds, sockets: Caps, operations: Caps
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=bounds.init_seconds),
        )
        self.execution = execution
        self.bounds = bounds
        self.sockets = sockets
        self.operations = operations
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
