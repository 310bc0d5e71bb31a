"""Metrics: what Prometheus reads.

No label holds text of a client: anybody could make endless series.
"""

import asyncio
import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from models.database import Database
from realtime.delivery import Delivery
from realtime.lookout import Sight
from schema.observing import SUBSCRIPTION, Observation

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class State:
    """What is true at the moment of a scrape."""

    sight: Sight | None
    now: datetime
    is_broker_up: bool
    database: Database
    delivery: Delivery


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._operations = Counter(
            "plenary_operations",
            "Operations that have ended, by how: OK, CANCELLED by the client or a shutdown, or the code of an error.",
            ("type", "transport", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "plenary_operation_seconds",
            "How long queries and mutations took.",
            ("type", "transport"),
            registry=registry,
            buckets=BUCKETS,
        )
        # Looking a series up by its labels takes longer than counting.
        self._counted, self._timed = cache(self._operations.labels), cache(self._seconds.labels)
        self._events = Counter("plenary_events", "Events delivered to subscriptions.", registry=registry)
        self._told = 0
        self._responses = Counter(
            "plenary_http_responses", "HTTP responses, refusals included.", ("status",), registry=registry
        )
        self._responded = cache(self._responses.labels)
        self._closes = Counter("plenary_socket_closes", "Sockets closed by the service.", ("code",), registry=registry)
        self._sockets = Gauge("plenary_sockets", "WebSockets that are open.", registry=registry)
        self._live = Gauge("plenary_live_operations", "Subscriptions that follow a feed.", registry=registry)
        self._queued = Gauge(
            "plenary_queued_events", "Rows and counters that wait for their subscribers.", registry=registry
        )
        self._delivered = Gauge(
            "plenary_delivered_position", "Up to where this process has told the change log.", registry=registry
        )
        self._position = Gauge("plenary_log_position", "Up to where the change log is numbered.", registry=registry)
        self._waiting = Gauge(
            "plenary_relay_waiting_changes", "Changes without a number, counted up to 10,000.", registry=registry
        )
        self._lag = Gauge("plenary_relay_lag_seconds", "Age of the oldest change without a number.", registry=registry)
        self._is_database_up = Gauge("plenary_database_up", "Whether the database answers.", registry=registry)
        self._is_broker_up = Gauge("plenary_broker_up", "Whether the bell rings and is heard.", registry=registry)
        self._used = Gauge(
            "plenary_database_connections_used", "Connections that are in use.", ("pool",), registry=registry
        )
        self._size = Gauge(
            "plenary_database_connections_limit", "Connections that there may be.", ("pool",), registry=registry
        )

    def ended(self, seen: Observation) -> None:
        self._counted(seen.type, seen.transport, seen.outcome).inc()
        if seen.type != SUBSCRIPTION:
            self._timed(seen.type, seen.transport).observe(seen.seconds)

    def responded(self, status: int) -> None:
        self._responded(status).inc()

    def closed(self, code: int) -> None:
        self._closes.labels(code).inc()

    def socket(self) -> AbstractContextManager[None]:
        return self._sockets.track_inprogress()

    async def text(self, state: State) -> bytes:
        """In Prometheus' format. Written in a thread: the loop has others to serve."""
        self._take(state)
        return await asyncio.to_thread(generate_latest, self.registry)

    def _take(self, state: State) -> None:
        sight, delivery = state.sight, state.delivery
        self._events.inc(delivery.told - self._told)
        self._told = delivery.told
        self._live.set(len(delivery.operations))
        self._queued.set(delivery.waiting)
        self._delivered.set(delivery.settled)
        self._is_broker_up.set(state.is_broker_up)
        self._is_database_up.set(sight is not None)
        self._position.set(sight.position if sight else math.nan)
        self._waiting.set(sight.waiting if sight else math.nan)
        self._lag.set(_age(sight, state.now) if sight else math.nan)
        for name, pool in state.database.pools().items():
            self._used.labels(name).set(pool.used)
            self._size.labels(name).set(pool.size)


def _age(sight: Sight, now: datetime) -> float:
    return max((now - sight.oldest).total_seconds(), 0.0) if sight.oldest else 0.0
