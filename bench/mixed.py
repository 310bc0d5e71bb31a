"""What it costs when they do not all ask the same: many documents, several kinds of viewer, home feeds.

    python -m bench.mixed [--subscribers 1000] [--events 10] [--rounds 5] [--database URL] [--json]

Four cases, each the service in a process of its own with as many subscribers, in rounds that take turns:
`single`: visitors with one document on one board; `mixed`: 20 documents and five kinds of viewer on it; `feeds`:
members whose communities differ, with four documents on their home feeds; `both`: half of them mixed, half of them
feeds. The same event, a question to the board, reaches everybody in all four.
"""

import argparse
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median
from typing import Any

import uvloop
from rich.table import Table

from bench.asking import Asking
from bench.fanout import FIELDS, LIVE, OURS, Round, Target, alone, asking, measure
from bench.halls import Hall, hall
from bench.serving import LOAD_CORE, Serving, wide
from bench.sockets import Crowd, Following, room

KINDS = ("visitors", "members", "guests", "presenters", "managers")
CASES = ("single", "mixed", "feeds", "both")
COMMUNITIES = 8  # beside the hall: 256 different sets
LEAST = 250  # bytes of an event; what is shorter is a heartbeat
# What hangs on the viewer, on their rights, or on other rows.
EXTRAS = (
    "",
    "isMine viewerHasVoted",
    "author { name }",
    "board { title } visitorName",
    "viewerCan { upvote { allowed } withdraw { allowed } }",
)
PLAIN = FIELDS.split()
DOCUMENTS = [
    LIVE.replace("FIELDS", " ".join([*PLAIN[: len(PLAIN) - left_out], extra]))
    for left_out in range(4)
    for extra in EXTRAS
]
FEEDS = [
    document.replace("questionBoard(id: $id)", "myFeed(networkId: $id)")
    for document in (DOCUMENTS[0], DOCUMENTS[1], DOCUMENTS[5], DOCUMENTS[7])
]


def single(within: Hall, number: int) -> Iterator[Following]:
    for token in within.people["visitors"][:number]:
        yield Following(token, DOCUMENTS[0], {"id": within.board})


def mixed(within: Hall, number: int) -> Iterator[Following]:
    """Every kind has every document."""
    people = itertools.chain.from_iterable(zip(*(within.people[kind] for kind in KINDS), strict=True))
    for n, token in enumerate(itertools.islice(people, number)):
        yield Following(token, DOCUMENTS[n // len(KINDS) % len(DOCUMENTS)], {"id": within.board})


def feeds(within: Hall, number: int) -> Iterator[Following]:
    members = reversed(within.people["members"])
    for token, document in zip(itertools.islice(members, number), itertools.cycle(FEEDS), strict=False):
        yield Following(token, document, {"id": within.network})


def both(within: Hall, number: int) -> Iterator[Following]:
    return itertools.chain(mixed(within, number // 2), feeds(within, number - number // 2))


def people(case: str, number: int) -> dict[str, int]:
    """Whom the case needs."""
    if case == "single":
        return {"visitors": number}
    wanted = dict.fromkeys(KINDS, -(-number // len(KINDS))) | {"communities": COMMUNITIES}
    return wanted if case == "mixed" else wanted | {"members": number}


async def target(case: str, serving: Serving, within: Hall, options: argparse.Namespace) -> tuple[Target, float]:
    """The server with its subscribers, and what an event costs it without them. One who follows asks."""
    asker = within.people["members"][-1] if case in {"feeds", "both"} else within.owner
    send = asking(Asking(serving.address, asker), OURS, within.board)
    by_itself = await alone(serving, send, options.events)
    crowd = Crowd(serving.address, least=LEAST)
    shape = {"single": single, "mixed": mixed, "feeds": feeds, "both": both}[case]
    await crowd.come(shape(within, options.subscribers), serving.rest)
    await crowd.warm(send, 2)
    await serving.rest()
    return Target(serving, crowd, send), by_itself


async def run(places: dict[str, tuple[Serving, Hall]], options: argparse.Namespace) -> dict[str, Any]:
    made = {case: await target(case, *place, options) for case, place in places.items()}
    rounds: dict[str, list[Round]] = {case: [] for case in made}
    for _ in range(options.rounds):
        for case, (aim, _) in made.items():
            rounds[case].append(await measure(aim, options.events))
    found = {case: Round(*map(median, zip(*measured, strict=True)))._asdict() for case, measured in rounds.items()}
    for case, one in found.items():
        one["net_cpu_us_per_delivery"] = one["cpu_us_per_delivery"] - made[case][1] / options.subscribers
    return found


def report(found: dict[str, Any], options: argparse.Namespace) -> None:
    ratios = {case: one["cpu_us_per_delivery"] / found["single"]["cpu_us_per_delivery"] for case, one in found.items()}
    if options.json:
        sizes = {"subscribers": options.subscribers, "documents": len(DOCUMENTS), "kinds": len(KINDS)}
        print(json.dumps({**sizes, "cases": found, "ratios_to_single": ratios, "load": os.getloadavg()[0]}))
        return
    title = f"{options.subscribers:,} subscribers"
    table = Table("case", "CPU per delivery", "mutation apart", "of the single case", "p50", "p99", title=title)
    for case, one in found.items():
        table.add_row(
            case,
            f"{one['cpu_us_per_delivery']:.1f} µs",
            f"{one['net_cpu_us_per_delivery']:.1f} µs",
            f"{ratios[case]:.2f} times",
            f"{one['p50_ms']:.1f} ms",
            f"{one['p99_ms']:.1f} ms",
        )
    wide().print(table)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="What it costs when they do not all ask the same.")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=10, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", type=lambda text: text.split(","), default=list(CASES))
    parser.add_argument("--database", default="", help="PostgreSQL without a name; by default SQLite.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    room()
    os.sched_setaffinity(0, LOAD_CORE)
    with ExitStack() as stack:
        places = {
            case: stack.enter_context(hall(people(case, options.subscribers), options.database))
            for case in dict.fromkeys(["single", *options.cases])
        }
        found = uvloop.run(run(places, options))
    report(found, options)


if __name__ == "__main__":
    main()
