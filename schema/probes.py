"""Probes: what an orchestrator and a Prometheus ask: alive, ready, how much of what."""

import hmac
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from realtime.lookout import Lookout, Sight
from schema.door import bearer
from schema.metrics import Metrics, State


@dataclass(frozen=True)
class Probes:
    """`revision` is that of the newest migration. `token` opens the metrics."""

    lookout: Lookout
    metrics: Metrics
    state: Callable[[Sight | None], State]
    is_closing: Callable[[], bool]
    revision: str
    token: str
    is_development: bool

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/health/live", self._live),
            Route("/health/ready", self._ready),
            Route("/metrics", self._metrics),
        ]

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _ready(self, _request: Request) -> Response:
        """A dead broker only delays: others would be no better off with the requests."""
        if self.is_closing():
            return JSONResponse({"status": "closing"}, 503)
        sight = await self.lookout.look()
        is_migrated = sight is not None and sight.revision >= self.revision  # a newer one is of a newer release
        database = "up" if is_migrated else "down" if sight is None else "not migrated"
        broker = "up" if self.state(sight).is_broker_up else "down"
        status = "unready" if not is_migrated else "ready" if broker == "up" else "degraded"
        return JSONResponse({"status": status, "database": database, "broker": broker}, 200 if is_migrated else 503)

    async def _metrics(self, request: Request) -> Response:
        self._admit(request)
        text = await self.metrics.text(self.state(await self.lookout.look()))
        return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})

    def _admit(self, request: Request) -> None:
        """Numbers tell of the business, so they are not for everybody; without a token there is nothing to find."""
        if not self.token:
            if not (self.is_development and _is_near(request)):
                raise HTTPException(404)
        elif not _are_equal(bearer(request.headers.get("authorization")) or "", self.token):
            raise HTTPException(401, headers={"www-authenticate": "Bearer"})


def _is_near(request: Request) -> bool:
    try:
        return ipaddress.ip_address(request.client.host if request.client else "").is_loopback
    except ValueError:
        return False


def _are_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
