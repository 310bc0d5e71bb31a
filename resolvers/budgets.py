"""Budgets: how many points a viewer may spend, out of a bucket that fills by itself.

A process counts for itself. Nobody is many: they have one bucket for each address, and none where it is trusted.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple
from uuid import UUID

from models import NOBODY
from resolvers.addresses import Addresses
from resolvers.context import Context, ViewerKind
from resolvers.errors import CostExceeded, Limited

SWEEP = 1_000
CHARACTERS = 20  # of documents that may be read anew, for each point of the budget


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


class Buckets:
    """One for each whose it is. What is full by now is as good as never touched, and forgotten at times."""

    def __init__(self) -> None:
        self._buckets: dict[UUID | str, Bucket] = {}
        self._sweep_at = SWEEP

    def left(self, whose: UUID | str | None, budget: Budget, now: float) -> float:
        bucket = None if whose is None else self._buckets.get(whose)
        return bucket.filled(now) if bucket else budget.maximum

    def keep(self, whose: UUID | str, bucket: Bucket) -> None:
        self._buckets[whose] = bucket
        if len(self._buckets) > self._sweep_at:
            kept = {key: one for key, one in self._buckets.items() if one.filled(bucket.at) < one.budget.maximum}
            self._buckets, self._sweep_at = kept, 2 * len(kept) + SWEEP


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
        self._points = Buckets()
        self._characters = Buckets()
        self._held: Counter[UUID | str] = Counter()

    def charge(self, ctx: Context, points: int, *, taken: int) -> Bill:
        """Charge for an operation that may take so much. Raises CostExceeded and Limited."""
        budget = self._budgets[ctx.kind]
        if not budget.maximum:
            return Bill(points, budget)
        whose, now = self._whose(ctx), self._now()
        bill = Bill(points, budget, self._points.left(whose, budget, now))
        if taken > budget.maximum:
            raise CostExceeded(
                f"This may take {taken:,} points, and one operation may take {budget.maximum:,}.", **_cost(bill, taken)
            )
        if whose is None or not points:
            return bill
        if points > bill.left:
            wait = _wait(points - bill.left, budget)
            raise Limited(
                f"This takes {points:,} points, and {int(bill.left):,} are left.", wait, **_cost(bill, points)
            )
        bill = bill._replace(left=bill.left - points)
        self._points.keep(whose, Bucket(bill.left, now, budget))
        return bill

    def read(self, ctx: Context, characters: int) -> None:
        """Read a document that is not kept. Raises Limited: reading takes longer than refusing, whatever is in it."""
        points, whose, now = self._budgets[ctx.kind], self._whose(ctx), self._now()
        if whose is None or not points.maximum:
            return
        budget = Budget(*(CHARACTERS * number for number in points))
        left = self._characters.left(whose, budget, now)
        if characters > left:
            wait = _wait(characters - left, budget)
            raise Limited("You send too many documents that were not sent before. Use variables.", wait)
        self._characters.keep(whose, Bucket(left - characters, now, budget))

    def hold(self, ctx: Context, points: int) -> AbstractContextManager[None]:
        """Follow what may take so much for each event. Raises Limited: all that one follows is bounded as one operation
        is.
        """
        whose, most = self._whose(ctx), self._budgets[ctx.kind].maximum
        return nullcontext() if whose is None or not most else Held(self, whose, points, most)

    def take(self, whose: UUID | str, points: int, most: int) -> None:
        if self._held[whose] + points > most:
            raise Limited(
                f"This may take {points:,} points for each event; all that you follow may take {most:,}, "
                f"and takes {self._held[whose]:,}."
            )
        self._held[whose] += points

    def leave(self, whose: UUID | str, points: int) -> None:
        self._held[whose] -= points
        if not self._held[whose]:
            del self._held[whose]

    def _whose(self, ctx: Context) -> UUID | str | None:
        return self._addresses.group(ctx.address) if ctx.viewer == NOBODY else ctx.viewer


class Held(AbstractContextManager[None]):
    """Points that are held as long as the block lasts. As small as it can be, for some last for hours."""

    __slots__ = ("_budgets", "_most", "_points", "_whose")

    def __init__(self, budgets: Budgets, whose: UUID | str, points: int, most: int) -> None:
        self._budgets, self._whose, self._points, self._most = budgets, whose, points, most

    def __enter__(self) -> None:
        self._budgets.take(self._whose, self._points, self._most)

    def __exit__(self, *_: object) -> None:
        self._budgets.leave(self._whose, self._points)


def _wait(missing: float, budget: Budget) -> int:
    """Seconds until so much has come back."""
    return math.ceil(missing / budget.restore_rate)


def _cost(bill: Bill, points: int) -> dict[str, Any]:
    return {"cost": bill._replace(requested=points).told()}
