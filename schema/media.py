"""Media types: what a client accepts, and which of ours it likes best."""

from collections.abc import Mapping
from math import isfinite

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
STREAM = "text/event-stream"

Ranges = Mapping[str, float]


def ranges(header: str | None) -> Ranges:
    """The media ranges of an `Accept` header with their qualities (RFC 9110, 12.5.1). None accepts everything."""
    if header is None or not header.strip():
        return {"*/*": 1.0}
    return dict(_range(part) for part in header.split(",") if part.strip())


def quality(ours: str, accepted: Ranges) -> float:
    """How much the client likes this type; 0 is not at all. The most specific range counts."""
    return next((accepted[found] for found in (ours, f"{ours.partition('/')[0]}/*", "*/*") if found in accepted), 0.0)


def response_type(accepted: Ranges) -> str | None:
    """The type to answer in; None if none is acceptable. Whoever does not name the newer one may not know it."""
    older, newer = quality(JSON, accepted), quality(GRAPHQL, accepted)
    if max(older, newer) <= 0:
        return None
    return GRAPHQL if newer > older or (newer == older and GRAPHQL in accepted) else JSON


def wants_stream(accepted: Ranges) -> bool:
    """Whether a stream is named, and liked no less than a single answer."""
    return STREAM in accepted and accepted[STREAM] >= max(quality(JSON, accepted), quality(GRAPHQL, accepted), 1e-3)


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    found = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        quality = float(found)
    except ValueError:
        return name, 1.0
    return name, min(max(quality, 0.0), 1.0) if isfinite(quality) else 1.0
