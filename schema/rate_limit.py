"""The rate limit: what the operation that asks was charged, and what is left."""

from typing import Any

import strawberry

from schema.base import plain

INT_MOST = 2**31 - 1


@strawberry.type(
    description="What this operation was charged, and what is left, in points. The same stands in `extensions.cost` of "
    "every result. What is null is not limited."
)
class RateLimit:
    requested: int = plain("What this operation was charged: how much it might have fetched.")
    available: int | None = plain("What is left.")
    maximum: int | None = plain("What is there at most, and what one operation may take.")
    restore_rate: int | None = plain("What comes back each second.")


@strawberry.type
class RateLimitQueries:
    @strawberry.field(description="What this operation was charged, and what is left. To ask for it is free.")
    def rate_limit(self: Any) -> RateLimit:
        """The bill is the root of every query."""
        told = self.told()
        return RateLimit(
            requested=min(told["requested"], INT_MOST),
            available=told["available"],
            maximum=told["maximum"],
            restore_rate=told["restoreRate"],
        )
