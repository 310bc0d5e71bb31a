"""What a subscriber takes of the server's memory: one who listens, and one who has stopped reading.

    python -m bench.memory [--subscribers 5000] [--stalled 1000] [--events 600] [--json]

Memory is what the one process has resident, against before they came; a few have come by then, so that what is built
once is not counted. Those who stall have small buffers in the kernel, so that what they do not read waits with us.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
from typing import NamedTuple

import uvloop
from rich.table import Table

from bench.asking import Asking
from bench.fanout import FIELDS, LIVE, OURS, Send
from bench.halls import Hall, hall
from bench.serving import LOAD_CORE, Serving, wide
from bench.sockets import Crowd, Following, room

BOUND = 40.0  # KiB for one who listens
FIRST = 50  # who come before anything is measured
BODY = "Question number {}: " + "and what of it? " * 29  # nearly as long as a board takes
QUERY = LIVE.replace("FIELDS", FIELDS)


class Memory(NamedTuple):
    """KiB a subscriber, and how many are still there."""

    kib: float
    remaining: int
    kib_halfway: float = 0.0


async def gathered(serving: Serving, within: Hall, number: int, *, buffer: int = 0) -> tuple[Crowd, Send, float]:
    """So many subscribers, the sender of events, and how much memory there was before they came."""
    numbers, asker = itertools.count(), Asking(serving.address, within.owner)
    crowd = Crowd(serving.address, buffer=buffer)

    async def send() -> None:
        await asker.ask(OURS, {"id": within.board, "body": BODY.format(next(numbers))})

    people = (Following(token, QUERY, {"id": within.board}) for token in within.people["visitors"])
    await crowd.come(itertools.islice(people, FIRST), serving.rest)
    await crowd.warm(send)
    await serving.rest()
    before = serving.resident()
    await crowd.come(itertools.islice(people, number), serving.rest)
    return crowd, send, before


async def idle(serving: Serving, within: Hall, number: int) -> Memory:
    """They have heard a few events, and hear nothing now."""
    crowd, send, before = await gathered(serving, within, number)
    await crowd.warm(send)
    await serving.rest()
    found = Memory((serving.resident() - before) / number, crowd.remaining - FIRST)
    crowd.leave()
    return found


async def stalled(serving: Serving, within: Hall, number: int, events: int) -> Memory:
    """They stop reading, and events go on for the few who came first: the most that there is meanwhile."""
    crowd, send, _ = await gathered(serving, within, number, buffer=4096)
    await crowd.warm(send)
    await serving.rest()
    before = most = serving.resident()
    late = crowd.subscribers[FIRST:]
    for subscriber in late:
        subscriber.transport.pause_reading()
    halfway = most
    for n in range(events):
        await send()
        most = max(most, serving.resident())
        halfway = most if n < events // 2 else halfway
    await serving.rest()
    for subscriber in late:
        subscriber.transport.resume_reading()
    await asyncio.sleep(1)
    most = max(most, serving.resident())
    remaining = sum(not one.is_lost for one in late)
    found = Memory((most - before) / number, remaining, (halfway - before) / number)
    crowd.leave()
    return found


def report(listening: Memory, stalling: Memory, options: argparse.Namespace) -> bool:
    """Print what was measured; whether it is within the bound."""
    is_within = listening.kib <= BOUND and listening.remaining == options.subscribers
    if options.json:
        figures = {"idle_kib_per_subscriber": listening.kib, "stalled_kib_per_subscriber": stalling.kib}
        figures["stalled_kib_halfway"] = stalling.kib_halfway
        remaining = {"idle_remaining": listening.remaining, "stalled_remaining": stalling.remaining}
        sizes = {"subscribers": options.subscribers, "stalled": options.stalled, "events": options.events}
        bounds = {"idle_kib_per_subscriber": {"most": BOUND, "is_met": is_within}}
        print(json.dumps({**figures, **remaining, **sizes, "bounds": bounds, "load": os.getloadavg()[0]}))
    else:
        table = Table("subscribers of one process", "number", "still there", "memory of each")
        table.add_row("who listen", f"{options.subscribers:,}", f"{listening.remaining:,}", f"{listening.kib:.1f} KiB")
        name = f"who do not read, more, after {options.events // 2} events"
        table.add_row(name, "", "", f"{stalling.kib_halfway:.1f} KiB")
        name = f"who do not read, more, after {options.events} events"
        table.add_row(name, f"{options.stalled:,}", f"{stalling.remaining:,}", f"{stalling.kib:.1f} KiB")
        wide().print(table)
        print(f"bound: {BOUND:.0f} KiB for one who listens; load of the machine: {os.getloadavg()[0]:.1f}")
    return is_within


def main() -> None:
    parser = argparse.ArgumentParser(description="What a subscriber takes of the server's memory.")
    parser.add_argument("--subscribers", type=int, default=5_000)
    parser.add_argument("--stalled", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=600, help="while they do not read")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    room()
    os.sched_setaffinity(0, LOAD_CORE)
    with hall({"visitors": options.subscribers + FIRST}) as (serving, within):
        listening = uvloop.run(idle(serving, within, options.subscribers))
    # They are to stay, however long they do not read.
    with hall({"visitors": options.stalled + FIRST}, settings={"UNREAD_SECONDS": "3600"}) as (serving, within):
        stalling = uvloop.run(stalled(serving, within, options.stalled, options.events))
    sys.exit(not report(listening, stalling, options))


if __name__ == "__main__":
    main()
