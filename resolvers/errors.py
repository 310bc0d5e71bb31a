"""What an operation may answer instead of doing what was asked.

Anything else that is raised is a bug.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

# All the codes that a client can meet. The list is closed: clients branch on it, and metrics are labelled with it.
CODES = frozenset(
    {
        "UNAUTHENTICATED",
        "NOT_FOUND",
        "FORBIDDEN",
        "INVALID",
        "CONFLICT",
        "LIMITED",
        "COST_EXCEEDED",
        "STALE_CURSOR",
        "GATE",
        "INTERNAL",
    }
)


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong with the input; `field` is its path."""

    message: str
    field: tuple[str, ...] = ()


class DomainError(Exception):
    code: ClassVar[str]

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def extensions(self) -> dict[str, Any]:
        """What a client gets beside the message; graphql-core copies it into the error."""
        return {"code": self.code, **self.details}


class NotFound(DomainError):
    """Unknown, or out of sight: the answer is the same to the letter."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is nothing here under that id.")


class Forbidden(DomainError):
    """In sight, out of reach."""

    code = "FORBIDDEN"

    def __init__(self, rule: str) -> None:
        super().__init__(f"The rule {rule} does not allow this.", rule=rule)


class Unauthenticated(DomainError):
    code = "UNAUTHENTICATED"


class Invalid(DomainError):
    code = "INVALID"

    def __init__(self, *flaws: Flaw) -> None:
        super().__init__("; ".join(flaw.message for flaw in flaws))
        self.flaws = flaws


class Conflict(DomainError):
    """The world is not as the caller believed."""

    code = "CONFLICT"


class Limited(DomainError):
    """Too often, or too much at a time. `retry_after` is in seconds; None where waiting alone does not help."""

    code = "LIMITED"

    def __init__(self, message: str, retry_after: int | None = None, **details: Any) -> None:
        super().__init__(message, **({} if retry_after is None else {"retryAfter": retry_after}), **details)


class CostExceeded(DomainError):
    """Too much for one operation, whatever is left. Waiting does not help; asking for less does."""

    code = "COST_EXCEEDED"


class StaleCursor(DomainError):
    code = "STALE_CURSOR"

    def __init__(self) -> None:
        super().__init__("This cursor does not continue this list.")
