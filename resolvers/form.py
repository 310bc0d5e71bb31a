"""The form of input: length, emptiness, ranges.

All that is wrong is said at once.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from resolvers.errors import Flaw, Invalid

T = TypeVar("T")

PASSWORD_LEAST, PASSWORD_MOST = 10, 200
TAGS_MOST = 20
LABELS_MOST = 10
LINK_MOST = 500
ENCODED = "=?"  # how a word begins in a header that means others than it is written with
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@cache
def time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_link(value: str) -> bool:
    try:
        parts = urlsplit(value)
        named = bool(parts.hostname)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and named and value.isprintable() and " " not in value


def is_storable(value: str) -> bool:
    """PostgreSQL refuses a NUL, and half of a surrogate pair has no encoding."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


class Form:
    def __init__(self) -> None:
        self._flaws: list[Flaw] = []

    def flaw(self, field: str, message: str) -> None:
        self._flaws.append(Flaw(message, ("input", field) if field else ()))

    def text(self, field: str, value: str, *, most: int, least: int = 1) -> str:
        """Without white space around it. A NUL or half a character never reaches a database: PostgreSQL refuses it."""
        value = value.strip()
        if not is_storable(value):
            self.flaw(field, f"{field} contains a character that cannot be stored")
        if len(value) < least:
            self.flaw(field, f"{field} is empty" if least == 1 else f"{field} needs {least} characters or more")
        if len(value) > most:
            self.flaw(field, f"{field} has more than {most} characters")
        return value

    def email(self, field: str, value: str) -> str:
        """Without an encoded word: whoever reads the header of a letter would find another address in it."""
        try:
            email = validate_email(value.strip(), check_deliverability=False).normalized.lower()
        except EmailNotValidError:
            email = ""
        if not email or ENCODED in email:
            self.flaw(field, f"{field} is not an e-mail address")
        return email

    def password(self, field: str, value: str) -> str:
        """As it is typed: white space counts."""
        if not PASSWORD_LEAST <= len(value) <= PASSWORD_MOST:
            self.flaw(field, f"{field} needs between {PASSWORD_LEAST} and {PASSWORD_MOST} characters")
        return value

    def tags(self, field: str, values: list[str]) -> list[str]:
        """Lower case, each once, with single spaces only: white space of other kinds ends a tag where it is stored."""
        if len(values) > TAGS_MOST:
            self.flaw(field, f"{field} has more than {TAGS_MOST} entries")
        return sorted({self.text(field, " ".join(value.split()).lower(), most=50) for value in values})

    def labels(self, field: str, values: list[str]) -> list[str]:
        """As tags, but few."""
        if len(values) > LABELS_MOST:
            self.flaw(field, f"{field} has more than {LABELS_MOST} entries")
        return self.tags(field, values)

    def number(self, field: str, value: int, *, least: int, most: int) -> int:
        if not least <= value <= most:
            self.flaw(field, f"{field} is not between {least} and {most}")
        return value

    def link(self, field: str, value: str) -> str:
        """An address on the web, as it was given."""
        value = value.strip()
        if len(value) > LINK_MOST or not is_link(value):
            self.flaw(field, f"{field} is not an address that begins with http:// or https://")
        return value

    def time_zone(self, field: str, value: str) -> str:
        """A name of the IANA database."""
        if value not in time_zones():
            self.flaw(field, f"{field} is not the name of a time zone, such as Europe/Brussels")
        return value

    def moment(self, field: str, value: datetime | None) -> datetime | None:
        """In UTC, as it is stored and told; far from the ends of time, where time zones and delays lead beyond them."""
        if value is None:
            return None
        if value.tzinfo is None:
            self.flaw(field, f"{field} has no time zone")
            return value
        if not EARLIEST <= value <= LATEST:
            self.flaw(field, f"{field} is out of range")
            return value
        return value.astimezone(UTC)

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


def camel(name: str) -> str:
    """A column's name as clients write it."""
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
