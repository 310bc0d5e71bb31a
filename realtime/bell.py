"""The bell: a broadcaster that wakes every process after a commit."""

from broadcaster import Broadcast

SCHEMES = ("memory://",)


def bell(url: str) -> Broadcast:
    """A broadcaster for the URL. ValueError for one that cannot carry the bell."""
    if not url.startswith(SCHEMES):
        raise ValueError(f"must be one of {', '.join(SCHEMES)}")
    return Broadcast(url)
