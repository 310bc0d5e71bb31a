"""The door: who is asking, and the view that lets them in."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cross_web import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http.websocket_origin import is_same_origin
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from resolvers import accounts
from resolvers.context import Means
from resolvers.errors import DomainError
from resolvers.live import Live
from schema.context import Context
from schema.websocket import Handler

INIT_TIMEOUT = timedelta(seconds=5)
OPERATIONS_PER_SOCKET = 100
REASON_LIMIT = 123  # bytes that a close frame has room for


def bearer(authorization: object) -> str | None:
    """The token of an `Authorization` header, or of the same words in `connection_init`."""
    scheme, _, token = authorization.partition(" ") if isinstance(authorization, str) else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else None


class WebSocketAdapter(ASGIWebSocketAdapter):
    async def close(self, code: int, reason: str) -> None:
        await super().close(code, reason.encode(errors="replace")[:REASON_LIMIT].decode(errors="ignore"))


class View(GraphQL[Context, None]):
    """Strawberry's view, with our context, our WebSocket handler and our cookie."""

    graphql_transport_ws_handler_class = Handler
    websocket_adapter_class = WebSocketAdapter

    def __init__(self, schema: Schema, means: Means, live: Live, *, secure: bool) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=OPERATIONS_PER_SOCKET,
        )
        self._means = means
        self._live = live
        self._secure = secure
        # The prefix makes browsers refuse the cookie from anywhere but this host, over TLS.
        self._cookie = "__Host-plenary" if secure else "plenary"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except ClientDisconnect:
            return  # whoever asked has gone
        except DomainError as error:
            refusal = JSONResponse({"errors": [{"message": error.message, "extensions": error.extensions}]}, 401)
            if self._cookie_of(HTTPConnection(scope)):  # no script can take it away, and with it nobody can sign in
                self._take_cookie(refusal)
            await refusal(scope, receive, send)

    def decode_json(self, data: str | bytes) -> object:
        """JSON too deep, with numbers too long or in no known encoding is no JSON."""
        try:
            return super().decode_json(data)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError("not JSON that we read", "", 0) from error

    def parse_json(self, data: str | bytes) -> Any:
        parsed = super().parse_json(data)
        is_absent = parsed is None and isinstance(data, str)  # a part of a GET may be null, a body may not
        if not isinstance(parsed, (dict, list)) and not is_absent:
            raise HTTPException(400, "A request is a JSON object")
        return parsed

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Who is asking. A socket says so later, in `connection_init`, unless it brings the cookie."""
        address = request.client.host if request.client else ""
        context = Context(means=self._means, live=self._live, address=address)
        token = bearer(request.headers.get("authorization")) or self._cookie_of(request)
        if isinstance(request, Request):
            context.set_cookie = self._cookie_setter(response)
            if self._cookie_of(request):
                context.take_cookie = lambda: self._take_cookie(response)
            await context.sign_in_with(token)
        else:
            context.token = token
        return context

    async def on_ws_connect(self, context: Context) -> UnsetType:
        await context.sign_in_with(bearer((context.connection_params or {}).get("authorization")) or context.token)
        return UNSET

    def _cookie_of(self, request: HTTPConnection) -> str | None:
        """The cookie counts only without a token, and from pages of our own origin: browsers send it from any."""
        if bearer(request.headers.get("authorization")):
            return None
        origin = request.headers.get("origin")
        is_ours = origin is not None and is_same_origin(origin, request.headers.get("host"))
        return request.cookies.get(self._cookie) if is_ours else None

    def _cookie_setter(self, response: Any) -> Callable[[str], None]:
        def set_cookie(token: str) -> None:
            lifetime = int(accounts.LIFETIME.total_seconds())
            response.set_cookie(
                self._cookie, token, max_age=lifetime, path="/", secure=self._secure, httponly=True, samesite="strict"
            )

        return set_cookie

    def _take_cookie(self, response: Any) -> None:
        response.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="strict")
