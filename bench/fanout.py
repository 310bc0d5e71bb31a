"""What one event costs for each who hears it: ours, plain Strawberry, websockets.broadcast() and a bare transport.

    python -m bench.fanout [--subscribers 1000] [--events 20] [--rounds 5] [--database URL] [--cold] [--personal]
                           [--scale 100,1000,5000] [--plot FILE.svg] [--json]

All four run in one go, each in a process of its own on one core, the load on another; rounds take turns and the middle
one counts. An event is a committed question for ours and for Strawberry, and a text of the same size for the two that
only send. It is sent when everybody has the one before. CPU is all that the server's process spends meanwhile, so that
of the mutation is in it; latency counts from when the sender sends.

`--cold` also measures events right before each of which somebody's roles in the community have changed.
`--personal` selects two fields that depend on the viewer.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import uvloop
from rich.table import Table

from bench import plots
from bench.asking import Asking
from bench.halls import Hall, hall
from bench.serving import LOAD_CORE, Serving, module, wide
from bench.sockets import Crowd, Following, Socket, frame, room

FIELDS = "id number body publishedAt state votes anonymous onScreen rank revision answer"
PERSONAL = FIELDS.replace("rank revision", "isMine viewerHasVoted")
LIVE = """subscription Live($id: ID!) { questionBoard(id: $id) {
  __typename
  ... on Added { cursor node { ... on Question { FIELDS } } }
  ... on Removed { cursor id }
} }"""
ASK = "mutation Ask($id: ID!, $body: String!) { askQuestion(boardId: $id, ARGUMENTS) { question { id } PROBLEMS } }"
OURS = ASK.replace("ARGUMENTS", "input: {body: $body}").replace("PROBLEMS", "problems { message }")
STOCK = ASK.replace("ARGUMENTS", "body: $body").replace("PROBLEMS", "")
ROLES = """mutation ($id: ID!, $roles: [CommunityRole!]!) {
  changeRoles(membershipId: $id, roles: $roles) { problems { message } }
}"""
BOUNDS = {"plenary/websockets_broadcast": 1.25, "plenary/strawberry": 1 / 20}
BODY = "Question number {}: what will this hall remember of it in ten years?"
COLD = "plenary, cold"
REST = 0.02  # seconds in which the server does what it still has to after an event
PATIENCE = 20_000  # deliveries of plain Strawberry in one round

Send = Callable[[], Awaitable[Any]]


class Target(NamedTuple):
    serving: Serving
    crowd: Crowd
    send: Send
    before: Send | None = None


class Round(NamedTuple):
    cpu_us_per_delivery: float
    deliveries_per_s: float
    p50_ms: float
    p99_ms: float
    answered_ms: float
    load_us_per_delivery: float


async def measure(target: Target, events: int) -> Round:
    crowd, cpu, load, found = target.crowd, 0.0, 0.0, []
    for _ in range(events):
        if target.before:
            await target.before()
            await target.serving.rest()
        cpu, load = cpu - target.serving.cpu(), load - time.process_time()
        found.append(await crowd.deliver(target.send))
        await asyncio.sleep(REST)
        cpu, load = cpu + target.serving.cpu(), load + time.process_time()
    heard = sorted(itertools.chain.from_iterable(one.heard for one in found))
    seconds = sum(max(one.heard) for one in found)
    return Round(
        1e6 * cpu / len(heard),
        len(heard) / seconds,
        1e3 * heard[len(heard) // 2],
        1e3 * heard[len(heard) * 99 // 100],
        1e3 * median(one.answered for one in found),
        1e6 * load / len(heard),
    )


async def alone(serving: Serving, send: Send, events: int) -> float:
    """The sender's own CPU in µs, with nobody there who hears it."""
    for _ in range(events):
        await send()
    cpu = serving.cpu()
    for _ in range(events):
        await send()
    await asyncio.sleep(REST)
    return 1e6 * (serving.cpu() - cpu) / events


def asking(asker: Asking, document: str, board: str) -> Send:
    numbers = itertools.count()
    return lambda: asker.ask(document, {"id": board, "body": BODY.format(next(numbers))})


def unsettling(asker: Asking, within: Hall) -> Send:
    roles = itertools.cycle([["RESPONDER"], ["MEMBER"]])

    async def unsettle() -> None:
        await asker.ask(ROLES, {"id": within.membership, "roles": next(roles)})

    return unsettle


async def talking(crowd: Crowd, size: int) -> Send:
    """Says what all others are to hear: a text of so many bytes."""
    talker = Socket()
    await crowd.open(talker)
    text = frame(b"x" * size)

    async def talk() -> None:
        talker.transport.write(text)

    return talk


class Field:
    """The four servers with their subscribers; those that do not fit into one process come one after the other."""

    def __init__(self, servers: dict[str, Serving], within: Hall, options: argparse.Namespace) -> None:
        self._servers, self._hall, self._options = servers, within, options
        self.alone: dict[str, float] = {}
        self._size = 0

    async def compare(self, subscribers: int) -> dict[str, Round]:
        at_once = [list(self._servers)] if len(self._servers) * subscribers < room() else [[n] for n in self._servers]
        rounds: dict[str, list[Round]] = {}
        for names in at_once:
            targets = {name: await self._target(name, subscribers) for name in names}
            if self._options.cold and "plenary" in targets:
                ours = targets["plenary"]
                asker = Asking(ours.serving.address, self._hall.owner)
                targets[COLD] = ours._replace(before=unsettling(asker, self._hall))
            for _ in range(self._options.rounds):
                for name, target in targets.items():
                    rounds.setdefault(name, []).append(await measure(target, self._events(name, subscribers)))
            for target in targets.values():
                target.crowd.leave()
            await asyncio.sleep(1)
        return {name: Round(*map(median, zip(*found, strict=True))) for name, found in rounds.items()}

    def _events(self, name: str, subscribers: int) -> int:
        events: int = self._options.events
        return min(events, max(3, PATIENCE // subscribers)) if name == "strawberry" else events

    async def _target(self, name: str, subscribers: int) -> Target:
        serving, board = self._servers[name], self._hall.board
        crowd, variables = Crowd(serving.address), {"id": board}
        tokens, query = [""] * subscribers, LIVE.replace("FIELDS", FIELDS)
        if name == "plenary":
            send = asking(Asking(serving.address, self._hall.owner), OURS, board)
            tokens = self._hall.people["visitors"][:subscribers]
            query = LIVE.replace("FIELDS", PERSONAL if self._options.personal else FIELDS)
        elif name == "strawberry":
            send = asking(Asking(serving.address), STOCK, board)
        else:
            send, query = await talking(crowd, self._size), ""
        if query and name not in self.alone:
            self.alone[name] = await alone(serving, send, self._options.events)
        await crowd.come((Following(token, query, variables) for token in tokens), serving.rest)
        await crowd.warm(send)
        await serving.rest()
        self._size = self._size or crowd.size
        return Target(serving, crowd, send)


def ratios(found: dict[str, Round]) -> dict[str, float]:
    ours = found["plenary"].cpu_us_per_delivery
    others = ("websockets_broadcast", "bare_transport", "strawberry")
    return {f"plenary/{name}": ours / found[name].cpu_us_per_delivery for name in others}


def summary(found: dict[str, Round], alone: dict[str, float], subscribers: int) -> dict[str, Any]:
    """All figures of one size. Those of a mutation are µs of CPU; `net` is without it."""
    servers = {
        name: one._asdict()
        | {"deliveries_per_s_of_cpu": 1e6 / one.cpu_us_per_delivery}
        | {"net_cpu_us_per_delivery": one.cpu_us_per_delivery - alone.get(name.partition(",")[0], 0) / subscribers}
        for name, one in found.items()
    }
    bounds = {name: {"most": most, "is_met": ratios(found)[name] <= most} for name, most in BOUNDS.items()}
    cold = servers.pop(COLD, None)
    if cold:
        cold["authorising_us"] = cold["cpu_us_per_delivery"] - servers["plenary"]["cpu_us_per_delivery"]
    return {
        "subscribers": subscribers,
        "servers": servers,
        "ratios": ratios(found),
        "bounds": bounds,
        "mutation_alone_cpu_us": alone,
        **({"cold": cold} if cold else {}),
    }


def show(sized: dict[str, Any]) -> None:
    table = Table(
        "server", "CPU per delivery", "mutation apart", "deliveries/s", "of a core", "p50", "p99", "load's CPU"
    )
    for name, one in (sized["servers"] | ({COLD: sized["cold"]} if "cold" in sized else {})).items():
        table.add_row(
            name,
            f"{one['cpu_us_per_delivery']:.1f} µs",
            f"{one['net_cpu_us_per_delivery']:.1f} µs",
            f"{one['deliveries_per_s']:,.0f}",
            f"{one['deliveries_per_s_of_cpu']:,.0f}",
            f"{one['p50_ms']:.1f} ms",
            f"{one['p99_ms']:.1f} ms",
            f"{one['load_us_per_delivery']:.1f} µs",
        )
    table.title = f"{sized['subscribers']:,} subscribers, {len(FIELDS.split())} fields"
    wide().print(table)
    print(", ".join(f"{name} {ratio:.3f}" for name, ratio in sized["ratios"].items()))
    print(", ".join(f"{name}'s mutation alone {cpu:,.0f} µs" for name, cpu in sized["mutation_alone_cpu_us"].items()))
    if "cold" in sized:
        print(f"after a change of rights: {sized['cold']['authorising_us']:+.1f} µs per delivery")


def report(sizes: list[dict[str, Any]], options: argparse.Namespace) -> bool:
    """Print what was measured; whether it is within the bounds."""
    growth = {
        name: one["cpu_us_per_delivery"] / sizes[0]["servers"][name]["cpu_us_per_delivery"]
        for name, one in sizes[-1]["servers"].items()
    }
    load = os.getloadavg()[0]
    if options.json:
        more = {"scale": sizes, "growth": growth} if len(sizes) > 1 else {}
        print(json.dumps(sizes[0] | more | {"rounds": options.rounds, "events": options.events, "load": load}))
    else:
        for sized in sizes:
            show(sized)
        if len(sizes) > 1:
            rounded = {name: round(one, 2) for name, one in growth.items()}
            print(
                "CPU per delivery from the smallest to the largest:",
                rounded,
            )
        print(f"load of the machine: {load:.1f}; bounds: {BOUNDS}")
    if options.plot:
        options.plot.write_text(plots.deliveries(sizes))
    return all(bound["is_met"] for sized in sizes for bound in sized["bounds"].values())


async def run(servers: dict[str, Serving], within: Hall, options: argparse.Namespace) -> list[dict[str, Any]]:
    field = Field(servers, within, options)
    return [summary(await field.compare(size), field.alone, size) for size in options.scale or [options.subscribers]]


def chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What one event costs for each who hears it.")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=20, help="of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--database", default="", help="An empty one; by default SQLite in a folder of its own.")
    parser.add_argument("--cold", action="store_true", help="Also with rights that have just changed.")
    parser.add_argument("--personal", action="store_true", help="Select fields that depend on the viewer.")
    parser.add_argument("--scale", type=lambda text: sorted(map(int, text.split(","))), default=[])
    parser.add_argument("--plot", type=Path, help="Draw deliveries/s over subscribers into this SVG.")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = chosen()
    room()
    os.sched_setaffinity(0, LOAD_CORE)
    with ExitStack() as stack:
        most = max(options.scale or [options.subscribers])
        ours, within = stack.enter_context(hall({"visitors": most}, options.database))
        rows = stack.enter_context(TemporaryDirectory())
        servers = {"plenary": ours, "strawberry": stack.enter_context(module("bench.stock", f"{rows}/stock.db"))}
        for name in ("websockets_broadcast", "bare_transport"):
            servers[name] = stack.enter_context(module("bench.broadcasts", name))
        is_within = report(uvloop.run(run(servers, within, options)), options)
    sys.exit(not is_within)


if __name__ == "__main__":
    main()
