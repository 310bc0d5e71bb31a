"""Rates: how often something may happen, with a reserve for bursts."""

import time


class Rate:
    """A bucket of tokens that fills again with time. It begins full."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._most = self._left = burst
        self._seen = time.monotonic()

    def allows(self, count: float = 1) -> bool:
        """Take so many tokens, if there are as many."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < count:
            return False
        self._left -= count
        return True
