"""A hall full of people, and the service that serves them."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.serving import PLENARY, Serving, fresh, serve

PLENTY = "1000000000:1000000000"
# Counted, and never full; nor are there pings among what is measured.
UNBOUNDED = dict.fromkeys(("SOCKETS", "LIVE_OPERATIONS", "REQUESTS"), "0:0") | {
    **dict.fromkeys(("BUDGET_ANONYMOUS", "BUDGET_GUEST", "BUDGET_MEMBER"), PLENTY),
    "PING_SECONDS": "3600",
    "LOG_LEVEL": "error",
}


@dataclass(frozen=True)
class Hall:
    """Ids and tokens. `people` are tokens by kind."""

    network: str
    community: str
    board: str
    owner: str
    membership: str  # of somebody who follows nothing
    questions: list[str] = field(default_factory=list)
    people: dict[str, list[str]] = field(default_factory=dict)


@contextmanager
def hall(
    wanted: Mapping[str, int],
    database: str = "",
    *,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = PLENARY,
) -> Iterator[tuple[Serving, Hall]]:
    """The service on a fresh database with a hall that has as many as are wanted."""
    with fresh(database, **UNBOUNDED | dict(settings or {})) as place:
        found = filled(place, wanted)
        with serve(place, program) as serving:
            yield serving, found


def filled(place: dict[str, Any], wanted: Mapping[str, int]) -> Hall:
    command = [sys.executable, "-m", "bench.people", json.dumps(wanted)]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, **place)  # noqa: S603 - our own
    return Hall(**json.loads(made.stdout))
