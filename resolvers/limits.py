"""Failures are limited, successes never."""

from collections import defaultdict, deque
from datetime import timedelta

from resolvers.addresses import Addresses
from resolvers.clock import Clock
from resolvers.errors import Limited

WINDOW = timedelta(minutes=5)
SWEEP = 1_000


class Limiter:
    """Counts failures by key within a sliding window, in this process."""

    def __init__(self, clock: Clock, addresses: Addresses) -> None:
        self._clock = clock
        self._addresses = addresses
        self._failures: defaultdict[str, deque[float]] = defaultdict(deque)
        self._sweep_at = SWEEP

    def check(self, key: str, *, most: int, address: str = "") -> None:
        """Refuse if there were too many failures lately, unless it is an address that we trust."""
        if self._addresses.trusts(address):
            return
        failures = self._recent(key)
        if len(failures) >= most:
            wait = failures[0] + WINDOW.total_seconds() - self._now()
            raise Limited("Too many failed attempts.", retry_after=max(1, int(wait)))

    def failed(self, key: str) -> None:
        self._recent(key).append(self._now())
        if len(self._failures) > self._sweep_at:
            for other in [other for other in self._failures if not self._recent(other)]:
                del self._failures[other]
            self._sweep_at = 2 * len(self._failures) + SWEEP

    def _recent(self, key: str) -> deque[float]:
        failures = self._failures[key]
        while failures and failures[0] <= self._now() - WINDOW.total_seconds():
            failures.popleft()
        return failures

    def _now(self) -> float:
        return self._clock.now().timestamp()
