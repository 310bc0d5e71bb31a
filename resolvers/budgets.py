"""Budgets: how many points a viewer may spend, out of a bucket that fills by itself.

A process counts for itself. Nobody is many: they have one bucket for each address, and none where it is trusted.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from models import NOBODY
from resolvers.addresses import Addresses
from resolvers.context import Context, ViewerKind
from resolvers.errors import CostExceeded, Limited

SWEEP = 1_000


class Budget(NamedTuple):
    """So many points at most, which also bounds a single operation; so many come back each second. 0 is no budget."""

    maximum: int
    restore_rate: int


class Bill(NamedTuple):
    """What an operation was charged, and what is left; without a budget, nothing is known to be left."""

    requested: int
    budget: Budget
    left: float = 0

    def told(self) -> dict[str, int | None]:
        """As clients are told, under the names of the API."""
        if not self.budget.maximum:
            return {"requested": self.requested, "available": None, "maximum": None, "restoreRate": None}
        return {
            "requested": self.requested,
            "available": int(self.left),
            "maximum": self.budget.maximum,
            "restoreRate": self.budget.restore_rate,
        }


class Bucket(NamedTuple):
    left: float
    at: float
    budget: Budget

    def filled(self, now: float) -> float:
        return min(self.budget.maximum, self.left + (now - self.at) * self.budget.restore_rate)


class Budgets:
    def __init__(
        self,
        budgets: Mapping[ViewerKind, Budget],
        addresses: Addresses,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._budgets = budgets
        self._addresses = addresses
        self._now = now
        self._buckets: dict[UUID | str, Bucket] = {}
        self._sweep_at = SWEEP

    def charge(self, ctx: Context, points: int, *, taken: int) -> Bill:
        """Charge for an operation that may take so much. Raises CostExceeded and Limited."""
        budget = self._budgets[ctx.kind]
        if not budget.maximum:
            return Bill(points, budget)
        whose = self._addresses.group(ctx.address) if ctx.viewer == NOBODY else ctx.viewer
        now = self._now()
        bucket = None if whose is None else self._buckets.get(whose)
        bill = Bill(points, budget, bucket.filled(now) if bucket else budget.maximum)
        if taken > budget.maximum:
            raise CostExceeded(
                f"This may take {taken:,} points, and one operation may take {budget.maximum:,}.", **_cost(bill, taken)
            )
        if whose is None or not points:
            return bill
        if points > bill.left:
            wait = math.ceil((points - bill.left) / budget.restore_rate)
            raise Limited(
                f"This takes {points:,} points, and {int(bill.left):,} are left.", wait, **_cost(bill, points)
            )
        bill = bill._replace(left=bill.left - points)
        self._keep(whose, Bucket(bill.left, now, budget))
        return bill

    def _keep(self, whose: UUID | str, bucket: Bucket) -> None:
        """What is full by now is as good as never touched, and forgotten at times."""
        self._buckets[whose] = bucket
        if len(self._buckets) > self._sweep_at:
            kept = {key: one for key, one in self._buckets.items() if one.filled(bucket.at) < one.budget.maximum}
            self._buckets, self._sweep_at = kept, 2 * len(kept) + SWEEP


def _cost(bill: Bill, points: int) -> dict[str, Any]:
    return {"cost": bill._replace(requested=points).told()}
