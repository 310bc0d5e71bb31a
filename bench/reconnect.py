"""One of two processes is killed while its hall listens: who is back on the other, how soon, and with what history.

    python -m bench.reconnect [--subscribers 2000] [--pace 4] [--database URL] [--json]

Both processes share one PostgreSQL database. Questions are asked at the second all the time. The first is killed with
SIGKILL when half of its subscribers have heard one event: so some have heard it and some have not. Each comes back as
docs/live.md tells clients to, after a pause with some chance in it, `after` the last cursor that it has. A history is
exact if it has every question since the stream began exactly once, in order.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import uvloop
from rich.table import Table

from bench.asking import Asking
from bench.fanout import BODY, FIELDS, OURS
from bench.halls import UNBOUNDED, Hall, filled
from bench.serving import LOAD_CORE, Serving, fresh, serve, wide
from bench.sockets import AT_ONCE, Crowd, Following, Subscriber, room

POSTGRES = "postgresql+asyncpg://postgres@127.0.0.1:5432"
BOUND = 10.0  # seconds until all are back
PATIENCE = 45.0  # seconds until the histories are whole
PAUSE = 0.5  # seconds, times 0.5 to 1.5: the first pause of docs/live.md
LIVE = """subscription Live($id: ID!, $after: FeedCursor) { questionBoard(id: $id, after: $after) {
  __typename
  ... on Added { cursor node { ... on Question { FIELDS } } }
  ... on Removed { cursor id }
  ... on Heartbeat { cursor }
  ... on ResyncRequired { reason }
} }""".replace("FIELDS", FIELDS)
NUMBER = re.compile(rb"Question number (\d+):")
CURSOR = re.compile(rb'"cursor":"([^"]*)"')


class Person:
    """Somebody with a history, on whatever socket they are."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.cursor: str | None = None
        self.history: list[int] = []
        self.back_at = 0.0

    def following(self, board: str) -> Following:
        return Following(self.token, LIVE, {"id": board, "after": self.cursor})


class Hearing(Crowd):
    """Keeps everybody's history."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.people: dict[Subscriber, Person] = {}
        self.heard_of: dict[int, int] = {}
        self.told: Counter[str] = Counter()
        self.board = ""
        self._coming_back: set[asyncio.Task[None]] = set()
        self.half: tuple[int, asyncio.Event] = (0, asyncio.Event())

    async def seat(self, person: Person) -> None:
        subscriber = await self.connect(person.following(self.board))
        self.people[subscriber] = person
        await subscriber.coming

    def move(self, address: str) -> None:
        """From now on they come to this server."""
        self.address = urlsplit(address)

    def heard(self, subscriber: Subscriber, data: bytes, begin: int, end: int) -> None:
        person = self.people[subscriber]
        if cursor := CURSOR.search(data, begin, end):
            person.cursor = cursor[1].decode()
        if (found := NUMBER.search(data, begin, end)) is None:
            self._note(subscriber, data[begin:end])
            return
        number = int(found[1])
        person.history.append(number)
        person.back_at = person.back_at or time.perf_counter()
        self.heard_of[number] = self.heard_of.get(number, 0) + 1
        if self.heard_of[number] == self.half[0]:
            self.half[1].set()

    def _note(self, subscriber: Subscriber, text: bytes) -> None:
        """What is no event. Who is told of an error comes back after a pause; who must ask anew has lost something."""
        message = json.loads(text)
        self.told[message["type"]] += 1
        self.told["ResyncRequired"] += b"ResyncRequired" in text
        if message["type"] == "error":
            subscriber.transport.abort()
            task = asyncio.create_task(self.come_back(self.people.pop(subscriber)))
            self._coming_back.add(task)
            task.add_done_callback(self._coming_back.discard)

    async def come_back(self, person: Person) -> None:
        for tries in itertools.count():
            await asyncio.sleep(PAUSE * 2 ** min(tries, 6) * random.uniform(0.5, 1.5))  # noqa: S311 - not a secret
            try:
                await self.seat(person)
            except (ConnectionError, OSError):
                self.told["refused"] += 1
            else:
                return

    def stands_at(self, last: int) -> int:
        """How many have heard it."""
        return sum(last in person.history[-3:] for person in self.people.values())


class Stream:
    """Questions at a steady pace; `asked` is the number of the last one that is committed."""

    def __init__(self, asker: Asking, board: str, pace: float) -> None:
        self._asker, self._board, self._pace = asker, board, pace
        self.asked = -1

    async def ask(self) -> None:
        body = BODY.format(self.asked + 1)
        await self._asker.ask(OURS, {"id": self._board, "body": body})
        self.asked += 1

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        is_over = asyncio.Event()

        async def flow() -> None:
            while not is_over.is_set():
                await self.ask()
                await asyncio.sleep(1 / self._pace)

        task = asyncio.create_task(flow())
        yield
        is_over.set()
        await task


async def gather(crowd: Hearing, stream: Stream, first: Serving, within: Hall) -> list[Person]:
    """All have come, and have heard one question: from there on their histories are to be exact."""
    people = [Person(token) for token in within.people["visitors"]]
    for some in (people[n : n + AT_ONCE] for n in range(0, len(people), AT_ONCE)):
        await asyncio.gather(*map(crowd.seat, some))
        await first.rest()
    for _ in range(10):
        await stream.ask()
        with suppress(TimeoutError):
            await until(lambda: crowd.stands_at(stream.asked) == len(people), 10)
            break
    else:
        raise RuntimeError(f"{crowd.stands_at(stream.asked)} hear: {crowd.told}")
    for person in people:
        person.history.clear()
    return people


async def until(is_so: Any, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - it is looked at, not told
            await asyncio.sleep(0.05)


async def run(first: Serving, second: Serving, within: Hall, options: argparse.Namespace) -> dict[str, Any]:
    stream = Stream(Asking(second.address, within.owner), within.board, options.pace)
    crowd = Hearing(first.address)
    crowd.board = within.board
    people = await gather(crowd, stream, first, within)
    began = stream.asked + 1
    async with stream.flowing():
        await asyncio.sleep(3)
        crowd.half = (len(people) // 2, asyncio.Event())
        await crowd.half[1].wait()
        os.kill(first.pid, signal.SIGKILL)
        killed, cpu = time.perf_counter(), second.cpu()
        await until(lambda: crowd.remaining == 0, 10)
        at_kill = stream.asked
        for person in people:
            person.back_at = 0.0
        crowd.subscribers.clear()
        crowd.people.clear()
        crowd.move(second.address)
        crowd.told.clear()
        await asyncio.gather(*map(crowd.come_back, people))
        seated = time.perf_counter() - killed
        with suppress(TimeoutError):
            await until(lambda: all(person.back_at for person in people), PATIENCE)
    with suppress(TimeoutError):
        await until(lambda: crowd.stands_at(stream.asked) == len(people), PATIENCE)
    whole = list(range(began, stream.asked + 1))
    back = sorted(person.back_at - killed if person.back_at else PATIENCE for person in people)
    return {
        "events": len(whole),
        "asked_when_killed": at_kill - began + 1,
        "seated_within_s": seated,
        "back_p50_s": median(back),
        "back_within_s": back[-1],
        "refused": crowd.told["refused"],
        "errors_told": crowd.told["error"],
        "resyncs_told": crowd.told["ResyncRequired"],
        "exact_histories": sum(person.history == whole for person in people),
        "with_doubles": sum(len(set(person.history)) < len(person.history) for person in people),
        "with_losses": sum(not set(whole) <= set(person.history) for person in people),
        "cpu_s_of_the_other_meanwhile": second.cpu() - cpu,
        "still_there": len(crowd.people),
    }


def report(found: dict[str, Any], options: argparse.Namespace) -> bool:
    """Print what was measured; whether it is within the bounds."""
    is_back: bool = found["back_within_s"] <= BOUND
    is_exact: bool = found["exact_histories"] == options.subscribers
    bounds: dict[str, Any] = {
        "back_within_s": {"most": BOUND, "is_met": is_back},
        "exact_histories": {"is_met": is_exact},
    }
    if options.json:
        print(json.dumps({"subscribers": options.subscribers, **found, "bounds": bounds, "load": os.getloadavg()[0]}))
    else:
        table = Table(
            "what", "measured", title=f"{options.subscribers:,} subscribers, {options.pace:g} events a second"
        )
        for name, value in found.items():
            table.add_row(name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
        wide().print(table)
        print(
            "bounds:", ", ".join(f"{name} {'met' if bound['is_met'] else 'NOT met'}" for name, bound in bounds.items())
        )
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    return is_back and is_exact


def main() -> None:
    parser = argparse.ArgumentParser(description="A process is killed; everybody comes back to another.")
    parser.add_argument("--subscribers", type=int, default=2_000)
    parser.add_argument("--pace", type=float, default=4.0, help="events a second")
    parser.add_argument("--database", default=POSTGRES, help="An empty one, or PostgreSQL without a name.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    room()
    os.sched_setaffinity(0, LOAD_CORE)
    with fresh(options.database, **UNBOUNDED) as place:
        within = filled(place, {"visitors": options.subscribers})
        with serve(place) as first, serve(place) as second:
            found = uvloop.run(run(first, second, within, options))
    sys.exit(not report(found, options))


if __name__ == "__main__":
    main()
