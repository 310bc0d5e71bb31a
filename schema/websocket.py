"""graphql-transport-ws: what a message may be, who is at the other end, and when that ends."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from starlette.websockets import WebSocketDisconnected as Closed
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http.exceptions import NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws import handlers

from resolvers.accounts import BadToken, ExpiredToken
from resolvers.caps import Caps, Place
from resolvers.errors import Limited
from schema.context import Context
from schema.door import Door, bearer
from schema.encoding import Malformed, decode, encode
from schema.execution import Execution, Lagging
from schema.execution import Operation as Prepared
from schema.frames import PREPARED, text_head
from schema.masking import masked, told
from schema.rates import Rate
from schema.rendering import Told
from schema.requests import Refused, Request

# Not a line for each page of others that would like to come in, with all that it says about itself.
logging.getLogger("strawberry.ws").setLevel(logging.ERROR)

REASON_MOST = 123  # bytes that a close frame has room for
PINGS_PER_SECOND = 10  # and pongs: they cost a client nothing, and say that it is there
RESERVE = 10  # seconds of messages that may come at once

TRY_AGAIN_LATER = 1013
SIGNED_OUT, EXPIRED, NOT_ACCEPTABLE, LATE, TAKEN, TOO_MANY = 4401, 4403, 4406, 4408, 4409, 4429

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
    """Says nothing any more when the client has completed it, also if its id is another's by then.

    What it tells is encoded already, and perhaps told to others as it is: only the head is this one's own. It is a sink
    where the server takes messages as they are.
    """

    def __init__(self, handler: "Handler", id: str) -> None:
        super().__init__(handler, id, "", None, None)
        self.request: Request | None = None  # until it is prepared
        self.place: Place | None = None
        self.taken = 0
        self._head = b'{"id":' + encode(id) + b',"type":"next","payload":'
        self._size = len(self._head) + 1
        prepared = handler.websocket.ws.scope.get("extensions", {}).get(PREPARED, {})  # type: ignore[attr-defined]
        self._write, self._writable = prepared.get("write"), prepared.get("writable")

    @property
    def can_take(self) -> bool:
        return self._write is not None

    async def tell(self, told: Told) -> None:
        if not self.completed:
            await self.handler.websocket.send_encoded(self._head + told.data + b"}")  # type: ignore[attr-defined]

    def take(self, told: Told) -> bool:
        if self.completed:
            return True
        data = told.data
        if not self._write((text_head(self._size + len(data)), self._head, data, b"}")):
            return False
        self.taken += 1
        return True

    async def drained(self) -> None:
        await self._writable()

    async def fail(self, error: Exception) -> None:
        errors = error.errors if isinstance(error, Refused) else [told(error)]
        await self.send_initial_errors(list(errors))


class Handler(handlers.BaseGraphQLTransportWSHandler[Context, None]):
    """Strawberry's handler, with the answers of docs/live.md where they differ."""

    view: "Sockets"

    watch: asyncio.Task[None] | None = None
    place: Place | None = None
    _timer: asyncio.TimerHandle | None = None

    async def handle(self) -> None:
        self.rate = Rate(self.view.bounds.messages_per_second, RESERVE * self.view.bounds.messages_per_second)
        self.pings = Rate(PINGS_PER_SECOND, RESERVE * PINGS_PER_SECOND)
        try:
            with self.view.sockets.at(self.context.address):
                await self._hear()
        except Limited as refused:
            await self.websocket.close(TRY_AGAIN_LATER, refused.message)
        except Exception as bug:  # noqa: BLE001 - the client shall come back, and uvicorn not log it too
            await self.websocket.close(TRY_AGAIN_LATER, masked(bug).message)

    async def _hear(self) -> None:
        """As Strawberry's, with fewer frames: they last as long as the socket."""
        self.on_request_accepted()
        try:
            while (text := await self.websocket.hear()) is not None:  # type: ignore[attr-defined]
                await self.handle_message(self.view.decode_json(text))
        except NonTextMessageReceived:
            await self.handle_invalid_message("WebSocket message type must be text")
        except json.JSONDecodeError:
            await self.handle_invalid_message("WebSocket message must be valid JSON")
        except WebSocketDisconnected:
            pass
        finally:
            await self.shutdown()

    def on_request_accepted(self) -> None:
        """A timer, where Strawberry has a task: it would leave its traceback for as long as the socket lasts."""
        seconds = self.view.bounds.init_seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._lose_patience)

    def _lose_patience(self) -> None:
        self._timer = None
        self._closing = asyncio.create_task(self.websocket.close(LATE, "Connection initialisation timeout"))

    def _be_patient(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

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
        self._be_patient()
        payload = message.get("payload") or {}
        # As a header: many a client writes it with a capital.
        authorization = next((said for name, said in payload.items() if name.lower() == "authorization"), None)
        try:
            await self.context.sign_in_with(bearer(authorization) or self.context.token)
            self.place = _taken(self.view.sockets.of(self.context.viewer))
        except BadToken as error:
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
        except BadToken as error:
            await self._close_signed_out(error)

    async def _close_signed_out(self, error: BadToken) -> None:
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
            operation = self.operations[id] = Operation(self, id)
            operation.request = request
            if len(self.operations) > most:
                await operation.fail(Limited(f"At most {most} operations of one socket at a time."))
            else:
                operation.task = asyncio.create_task(self._perform(operation))

    async def _perform(self, operation: Operation) -> None:
        """Run one operation to its end. What fails is told to this operation alone; its siblings go on."""
        with suppress(WebSocketDisconnected):
            try:
                await self._answer(operation)
            except WebSocketDisconnected:
                raise
            except Lagging as lagging:
                await self.websocket.close(TRY_AGAIN_LATER, str(lagging))
            except Exception as error:  # noqa: BLE001 - a bug must not take the socket with it
                await operation.fail(error)

    async def _answer(self, operation: Operation) -> None:
        try:
            prepared = await self._prepare(operation)
            if prepared.type is OperationType.SUBSCRIPTION and operation.can_take:
                await self.view.execution.follow(prepared, operation)
            else:
                async with aclosing(self.view.execution.results(prepared)) as answers:
                    async for told in answers:
                        await operation.tell(told)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        finally:
            _leave(operation)

    async def _prepare(self, operation: Operation) -> Prepared:
        context, request = self.context.copy(), operation.request
        operation.request = None
        assert request is not None  # noqa: S101 - it is prepared once
        return await self.view.execution.prepare(context, request, partial(self._admit, operation, context))

    def _admit(self, operation: Operation, context: Context, type_: OperationType) -> None:
        caps = self.view.live_operations if type_ is OperationType.SUBSCRIPTION else self.view.requests
        operation.place = _taken(caps.open(context.viewer, context.address))

    async def cleanup_operation(self, operation_id: str) -> None:
        if operation := self.operations.get(operation_id):
            operation.completed = True
        await super().cleanup_operation(operation_id)

    async def shutdown(self) -> None:
        self._be_patient()
        if self.watch:
            self.watch.cancel()
        try:
            await super().shutdown()
        finally:
            _leave(self)


def _taken(place: Place) -> Place:
    place.__enter__()
    return place


def _leave(one: Handler | Operation) -> None:
    place, one.place = one.place, None
    if place:
        place.__exit__()


class Adapter(ASGIWebSocketAdapter):
    """Text frames alone. Whoever sends into a closed socket learns so; closing it twice is closing it once."""

    def __init__(self, view: "Sockets", ws: WebSocket, receive: Receive) -> None:
        super().__init__(view, ws, ws)  # type: ignore[arg-type]
        self.receive = receive

    async def hear(self) -> str | None:
        """What the client says next; None when it has gone, or we have."""
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            return None
        message = await self.receive()
        if message["type"] == "websocket.disconnect":
            return None
        if (text := message.get("text")) is None:
            raise NonTextMessageReceived
        return str(text)

    async def send_json(self, message: Mapping[str, object]) -> None:
        await self.send_encoded(encode(message))

    async def send_encoded(self, message: bytes) -> None:
        try:
            await self.ws.send_text(message.decode())
        except (WebSocketDisconnect, Closed):
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        with suppress(WebSocketDisconnect, Closed):
            await self.ws.close(code, reason.encode(errors="replace")[:REASON_MOST].decode(errors="ignore"))


class Sockets(GraphQL[Context, None]):
    """Strawberry's view, for sockets alone, with our context and our handler."""

    def __init__(
        self,
        schema: Schema,
        execution: Execution,
        door: Door,
        bounds: Bounds,
        *,
        sockets: Caps,
        live_operations: Caps,
        requests: Caps,
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
        self.live_operations = live_operations
        self.requests = requests
        self._door = door

    def decode_json(self, data: str | bytes) -> object:
        try:
            return decode(data)
        except Malformed as error:
            raise json.JSONDecodeError(str(error), "", 0) from error

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        return self._door.admits(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As Strawberry's, with fewer frames: they last as long as the socket."""
        handler = await self._open(HTTPConnection(scope), WebSocket(scope, receive, send), receive)
        if handler:
            await handler.handle()

    async def _open(self, asked: HTTPConnection, websocket: WebSocket, receive: Receive) -> Handler | None:
        """For somebody who says who they are in `connection_init`, unless they bring the cookie."""
        if not self._check_websocket_origin(asked):  # type: ignore[arg-type]
            await self.reject_websocket(websocket)
            return None
        context = self._door.context(asked)
        subprotocol = await self.pick_websocket_subprotocol(websocket)
        await websocket.accept(subprotocol=subprotocol)
        adapter = Adapter(self, websocket, receive)
        if subprotocol is None:
            await adapter.close(NOT_ACCEPTABLE, "Subprotocol not acceptable")
            return None
        return Handler(self, adapter, context, None, self.schema, self.connection_init_wait_timeout)
