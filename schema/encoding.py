"""JSON as it comes in and goes out."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn


class Malformed(Exception):
    """Not JSON, or not the JSON of a request. Its text may be told."""


def _constant(name: str) -> NoReturn:
    """Python reads NaN and Infinity, which are no JSON and which no client could read again."""
    raise ValueError(name)


def _number(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _constant(text)


_decoder = json.JSONDecoder(parse_constant=_constant, parse_float=_number)


def decode(text: str | bytes) -> Any:
    """Raises Malformed; also for JSON too deep, with numbers too large or too long, or not in UTF-8."""
    try:
        return _decoder.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError):
        raise Malformed("This is not JSON.") from None


def encode(content: Mapping[str, Any] | str) -> bytes:
    """Half of a surrogate pair, which a client may have sent and an error repeats, is in no encoding."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
