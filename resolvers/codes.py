"""Join codes: short enough to be read off a wall, and the same however they are typed."""

import re
import secrets

# Nothing that looks like something else (0 and O, 1 and I), and no vowels, hence no words.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
LENGTH = 8


def new() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def plain(typed: str) -> str | None:
    """A code as it is stored: case, spaces and hyphens are the reader's. None for what can be none."""
    code = re.sub(r"[\s\-\u2010-\u2015]", "", typed).upper()
    return code if code.isascii() and code.isalnum() and len(code) <= LENGTH else None


def readable(code: str) -> str:
    """In two halves, for people who type it."""
    return f"{code[: len(code) // 2]}-{code[len(code) // 2 :]}"


def url(base: str, code: str) -> str:
    """Where a QR code leads."""
    return f"{base.rstrip('/')}/{code}"
