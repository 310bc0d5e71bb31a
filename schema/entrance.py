"""The entrance: sockets come in past the layers that are for requests, each of which would last as long as they do."""

from collections.abc import Mapping
from typing import Any

from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send


class Entrance(Starlette):
    def __init__(self, sockets: Mapping[str, ASGIApp], **options: Any) -> None:
        super().__init__(**options)
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._sockets.get(get_route_path(scope)) if scope["type"] == "websocket" else None
        await (app or super().__call__)(scope, receive, send)
