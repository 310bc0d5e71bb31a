"""A hall votes: many votes a second on the questions of one board, whose counts everybody watches.

    python -m bench.votes [--viewers 500] [--questions 50] [--seconds 5] [--rate 150] [--database URL] [--json]

Votes come at their times, whatever became of those before, and a vote's time counts from when it was due. Each viewer's
counter messages are counted, and the counts that they were told last are compared with the database.

Then, with nobody watching, what a vote costs is compared with the same mutation, same document, on the same service
with an empty resolver (bench/emptied.py), and with one of plain Strawberry that does nothing.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from rich.table import Table

from bench.asking import Asking
from bench.halls import Hall, hall
from bench.serving import LOAD_CORE, Serving, module, wide
from bench.sockets import Crowd, Following, Subscriber, room

LIVE = """subscription ($id: ID!) { questionBoard(id: $id) {
  __typename ... on Counters { cursor nodes { id ... on Question { votes } } }
} }"""
VOTE = "mutation ($id: ID!) { upvoteQuestion(questionId: $id) { question { id votes } problems { code } } }"
STOCK = "mutation ($id: ID!) { doNothing(questionId: $id) { question { id votes } } }"
COUNTS = "query ($id: ID!) { questionBoard(id: $id) { questions(first: 100) { nodes { id votes } } } }"
CONNECTIONS = 64
EMPTIED = [sys.executable, "-m", "bench.emptied"]
RATES = {"postgresql": 400.0, "sqlite": 150.0}  # votes a second that are offered
BOUNDS = {"counter_messages_per_s": 2.0, "cpu_ratio_to_empty": 2.5}
ROUND = 200  # mutations
PATIENCE = 60.0  # seconds in which the last counts are to be told

Votes = Iterator[tuple[str, str]]


class Watchers(Crowd):
    """Keeps what counters it hears, to be read afterwards."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.told: dict[Subscriber, list[tuple[float, bytes]]] = {}

    def heard(self, subscriber: Subscriber, data: bytes, begin: int, end: int) -> None:
        if data.find(b'"Counters"', begin, begin + 200) >= 0:
            self.told.setdefault(subscriber, []).append((time.perf_counter(), data[begin:end]))

    def rates(self) -> list[float]:
        """Messages a second of each, between their first and their last."""
        spans = [(len(told) - 1, told[-1][0] - told[0][0]) for told in self.told.values()]
        return [number / seconds for number, seconds in spans if number]

    def last(self, subscriber: Subscriber) -> dict[str, int]:
        """The counts that this one was told last."""
        counts: dict[str, int] = {}
        for _, text in self.told.get(subscriber, []):
            for node in json.loads(text)["payload"]["data"]["questionBoard"]["nodes"]:
                counts[node["id"]] = node["votes"]
        return counts


def pairs(within: Hall) -> Votes:
    """Who votes for what, each once: all vote for one question, then all for the next."""
    for n in range(len(within.questions)):
        for m, token in enumerate(within.people["visitors"]):
            yield token, within.questions[(n + m) % len(within.questions)]


async def cast(free: asyncio.Queue[Asking], vote: tuple[str, str], due: float) -> float:
    asking = await free.get()
    try:
        await asking.ask(VOTE, {"id": vote[1]}, token=vote[0])
    finally:
        free.put_nowait(asking)
    return time.perf_counter() - due


async def offer(serving: Serving, votes: Votes, options: argparse.Namespace) -> dict[str, float]:
    """As many as the rate says, each at its time."""
    free: asyncio.Queue[Asking] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Asking(serving.address))
    cpu, began, casting = serving.cpu(), time.perf_counter(), []
    for n, vote in enumerate(islice(votes, int(options.rate * options.seconds))):
        due = began + n / options.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        casting.append(asyncio.create_task(cast(free, vote, due)))
    times = sorted(await asyncio.gather(*casting))
    seconds = time.perf_counter() - began
    await serving.rest()
    return {
        "votes": len(times),
        "offered_per_s": options.rate,
        "reached_per_s": len(times) / seconds,
        "p50_ms": 1e3 * times[len(times) // 2],
        "p99_ms": 1e3 * times[len(times) * 99 // 100],
        "cpu_us_per_vote": 1e6 * (serving.cpu() - cpu) / len(times),
    }


async def watched(serving: Serving, within: Hall, votes: Votes, options: argparse.Namespace) -> dict[str, Any]:
    crowd = Watchers(serving.address)
    people = (Following(token, LIVE, {"id": within.board}) for token in within.people["visitors"])
    await crowd.come(people, serving.rest)
    await serving.rest()
    found: dict[str, Any] = await offer(serving, votes, options)
    counted = (await Asking(serving.address, within.owner).ask(COUNTS, {"id": within.board}))["questionBoard"]
    counts = {node["id"]: node["votes"] for node in counted["questions"]["nodes"] if node["votes"]}
    found["viewers_with_final_counts"] = await final(crowd, counts)
    found["counter_messages_per_s"] = max(crowd.rates(), default=0.0)
    found["is_every_vote_counted"] = sum(counts.values()) == found["votes"]
    crowd.leave()
    await serving.rest()
    return found


async def final(crowd: Watchers, counts: dict[str, int]) -> int:
    """How many viewers have been told these counts; all of them, it should be, before long."""
    until = time.perf_counter() + PATIENCE
    while True:
        told = sum(crowd.last(one) == counts for one in crowd.subscribers)
        if told == len(crowd.subscribers) or time.perf_counter() > until:
            return told
        await asyncio.sleep(1)


async def spent(serving: Serving, document: str, votes: Votes) -> float:
    """µs of CPU of one mutation, one after the other with nobody there."""
    asking, cpu = Asking(serving.address), serving.cpu()
    for token, question in islice(votes, ROUND):
        await asking.ask(document, {"id": question}, token=token)
    await serving.rest()
    return 1e6 * (serving.cpu() - cpu) / ROUND


async def run(
    ours: tuple[Serving, Hall], emptied: tuple[Serving, Hall], stock: Serving, options: argparse.Namespace
) -> dict[str, Any]:
    votes = pairs(ours[1])
    found = await watched(*ours, votes, options)
    rounds: dict[str, list[float]] = {"vote": [], "empty": [], "strawberry_empty": []}
    for _ in range(options.rounds + 1):
        rounds["vote"].append(await spent(ours[0], VOTE, votes))
        rounds["empty"].append(await spent(emptied[0], VOTE, pairs(emptied[1])))
        rounds["strawberry_empty"].append(await spent(stock, STOCK, (("", question) for _, question in pairs(ours[1]))))
    cpu = {f"{name}_cpu_us": median(spent[1:]) for name, spent in rounds.items()}
    ratio = cpu["vote_cpu_us"] / cpu["empty_cpu_us"]
    return (
        found
        | cpu
        | {
            "cpu_ratio_to_empty": ratio,
            "cpu_ratio_to_strawberry_empty": cpu["vote_cpu_us"] / cpu["strawberry_empty_cpu_us"],
        }
    )


def report(found: dict[str, Any], options: argparse.Namespace) -> bool:
    """Print what was measured; whether it is within the bounds."""
    bounds = {name: {"most": most, "is_met": found[name] <= most} for name, most in BOUNDS.items()}
    is_exact = found["is_every_vote_counted"] and found["viewers_with_final_counts"] == options.viewers
    is_fast = found["reached_per_s"] >= 0.9 * options.rate
    bounds["final_counts"], bounds["reached"] = {"is_met": is_exact}, {"is_met": is_fast}
    if options.json:
        print(json.dumps({"database": options.kind, **found, "bounds": bounds, "load": os.getloadavg()[0]}))
    else:
        table = Table(
            "what", "measured", title=f"{options.viewers} viewers, {options.questions} questions, {options.kind}"
        )
        for name, value in found.items():
            table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else str(value))
        wide().print(table)
        print(
            "bounds:", ", ".join(f"{name} {'met' if bound['is_met'] else 'NOT met'}" for name, bound in bounds.items())
        )
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    return all(bound["is_met"] for bound in bounds.values())


def chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Many votes a second, and everybody watches.")
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--rate", type=float, help="votes offered a second; by default 150 on SQLite, 400 on PostgreSQL"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default="", help="An empty one, or PostgreSQL without a name; by default SQLite.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.kind = "postgresql" if options.database.startswith("postgresql") else "sqlite"
    options.rate = options.rate or RATES[options.kind]
    return options


def main() -> None:
    options = chosen()
    room()
    os.sched_setaffinity(0, LOAD_CORE)
    sizes = {"visitors": options.viewers, "questions": options.questions}
    with ExitStack() as stack:
        ours = stack.enter_context(hall(sizes, options.database))
        emptied = stack.enter_context(hall(sizes, options.database, program=EMPTIED))
        rows = stack.enter_context(TemporaryDirectory())
        stock = stack.enter_context(module("bench.stock", f"{rows}/stock.db"))
        is_within = report(uvloop.run(run(ours, emptied, stock, options)), options)
    sys.exit(not is_within)


if __name__ == "__main__":
    main()
