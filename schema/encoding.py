"""JSON as it comes in and goes out."""

import json
from collections.abc import Mapping
from typing import Any


class Malformed(Exception):
    """Not JSON, or not the JSON of a request. Its text may be told."""


def decode(text: str | bytes) -> Any:
    """Raises Malformed; also for JSON too deep, with numbers too long or in another encoding than UTF-8."""
    try:
        return json.loads(text if isinstance(text, str) else text.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("This is not JSON.") from None


def _refuse(constant: str) -> Any:
    """NaN and Infinity are Python's own."""
    raise ValueError(constant)


def encode(content: Mapping[str, Any]) -> bytes:
    """Half of a surrogate pair, which a client may have sent and an error repeats, is in no encoding."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
