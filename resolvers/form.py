"""The form of input: length, emptiness, ranges. All that is wrong is said at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from email_validator import EmailNotValidError, validate_email

from resolvers.errors import Flaw, Invalid

T = TypeVar("T")


class Form:
    def __init__(self) -> None:
        self._flaws: list[Flaw] = []

    def flaw(self, field: str, message: str) -> None:
        self._flaws.append(Flaw(message, ("input", field) if field else ()))

    def text(self, field: str, value: str, *, most: int, least: int = 1) -> str:
        """Without surrounding white space. A NUL never reaches a database: PostgreSQL refuses it."""
        value = value.strip()
        if "\x00" in value:
            self.flaw(field, f"{field} contains a character that cannot be stored")
        if len(value) < least:
            self.flaw(field, f"{field} is empty" if least == 1 else f"{field} needs {least} characters or more")
        if len(value) > most:
            self.flaw(field, f"{field} has more than {most} characters")
        return value

    def email(self, field: str, value: str) -> str:
        try:
            return validate_email(value, check_deliverability=False).normalized.lower()
        except EmailNotValidError:
            self.flaw(field, f"{field} is not an e-mail address")
            return ""

    def password(self, field: str, value: str) -> str:
        """As it is typed: white space counts."""
        if not 10 <= len(value) <= 200:
            self.flaw(field, f"{field} needs between 10 and 200 characters")
        return value

    def tags(self, field: str, values: list[str]) -> list[str]:
        """Lower case, each once."""
        if len(values) > 20:
            self.flaw(field, f"{field} has more than 20 entries")
        return sorted({self.text(field, value, most=50).lower() for value in values})

    def moment(self, field: str, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            self.flaw(field, f"{field} has no time zone")
        return value

    def optional(self, check: Callable[..., T], field: str, value: T | None, **bounds: int) -> T | None:
        return None if value is None else check(field, value, **bounds)

    def done(self) -> None:
        if self._flaws:
            raise Invalid(*self._flaws)


@contextmanager
def form() -> Iterator[Form]:
    """Check within; leaving raises `Invalid` with everything that was wrong."""
    checks = Form()
    yield checks
    checks.done()
