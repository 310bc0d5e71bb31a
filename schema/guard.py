"""The guard: around all that is served, it gives each request its trace, and masks what crashes."""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.database import UNREACHABLE
from schema import media, tracing
from schema.encoding import encode
from schema.masking import masked
from schema.metrics import Metrics

CODE = {401: "UNAUTHENTICATED", 404: "NOT_FOUND"}
TRY_AGAIN = 1013  # clients come back after it, and after 1011 they do not


class Guard:
    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        tracing.enter(tracing.of_headers(scope["headers"]))
        await (self._serve if scope["type"] == "http" else self._connect)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def counted(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                self._metrics.responded(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception as bug:
            if has_begun:  # then the server logs it and cuts the connection
                raise
            await _crashed(bug)(scope, receive, counted)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_gone = False

        async def counted(message: Message) -> None:
            nonlocal has_gone
            if message["type"] == "websocket.close":
                self._metrics.closed(message.get("code", 1000))
            try:
                await send(message)
            except OSError:
                has_gone = True
                raise

        with self._metrics.socket():
            try:
                await self._app(scope, receive, counted)
            except Exception as bug:  # noqa: BLE001 - whatever it is, the client learns no more of it
                if not has_gone:
                    await _close(bug, counted)


async def _close(bug: Exception, send: Send) -> None:
    trace_id = (masked(bug).extensions or {})["traceId"]
    with suppress(OSError, RuntimeError):  # it was closed before
        await send({"type": "websocket.close", "code": TRY_AGAIN, "reason": f"Something went wrong: {trace_id}"})


def _crashed(bug: Exception) -> Response:
    return _json({"errors": [masked(bug).formatted]}, 503 if isinstance(bug, UNREACHABLE) else 500)


def refuse(_request: Request, refusal: Exception) -> Response:
    """What no route takes, as an error like any other."""
    status = refusal.status_code if isinstance(refusal, HTTPException) else 400
    content = {"errors": [{"message": HTTPStatus(status).phrase, "extensions": {"code": CODE.get(status, "INVALID")}}]}
    return _json(content, status, getattr(refusal, "headers", None))


def _json(content: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    kept = {"cache-control": "no-store", "content-type": f"{media.JSON}; charset=utf-8", **(headers or {})}
    return Response(encode(content), status, kept)
