"""What a small query costs: ours, for nobody and signed in, stock Strawberry with caches, and a bare Starlette route.

    python -m bench.http [--requests 4000] [--rounds 5] [--connections 16] [--json]

All four run in one go, each in a process of its own on one core, the load on another. Each is asked in short rounds
that take turns, and the middle round counts: so what else the machine does falls on all alike.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import ExitStack
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from bench.serving import LOAD_CORE, PASSWORD, Serving, plenary, reference

QUERY = "{ viewer { signedInUntil } }"
SIGN_IN = f'mutation {{ signIn(input: {{email: "ann@example.com", password: "{PASSWORD}"}}) {{ token }} }}'
BOUND = 1.3  # ours for nobody, of stock Strawberry's CPU
PLENTY = "1000000000:1000000000"  # budgets are counted, and never empty


class Target(NamedTuple):
    serving: Serving
    token: str = ""


class Round(NamedTuple):
    cpu_us: float
    per_second: float


class Connection(asyncio.Protocol):
    """Asks the same again as soon as it has been answered."""

    def __init__(self, request: bytes, times: int) -> None:
        self._request, self._left = request, times
        self._received = b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]):
            return
        if b" 200 " not in head.split(b"\r\n")[0] or b'"errors"' in body:
            self.done.set_exception(RuntimeError(body.decode()))
            return
        self._received = b""
        self._left -= 1
        if self._left:
            self._transport.write(self._request)
        else:
            self.done.set_result(body)
            self._transport.close()


async def ask(target: Target, query: str, *, times: int = 1, connections: int = 1) -> bytes:
    parts = urlsplit(target.serving.address)
    body = json.dumps({"query": query}).encode()
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    head += f"Authorization: Bearer {target.token}\r\n" if target.token else ""
    loop = asyncio.get_running_loop()

    async def one() -> bytes:
        made = await loop.create_connection(
            lambda: Connection(f"{head}\r\n".encode() + body, times // connections), parts.hostname, parts.port
        )
        answer: bytes = await made[1].done
        return answer

    return (await asyncio.gather(*(one() for _ in range(connections))))[0]


async def measure(target: Target, requests: int, connections: int) -> Round:
    cpu, began = target.serving.cpu(), time.perf_counter()
    await ask(target, QUERY, times=requests, connections=connections)
    seconds = time.perf_counter() - began
    return Round((target.serving.cpu() - cpu) / requests * 1e6, requests / seconds)


async def compare(targets: dict[str, Target], options: argparse.Namespace) -> dict[str, Round]:
    for target in targets.values():
        await ask(target, QUERY, times=500, connections=options.connections)
    rounds: dict[str, list[Round]] = {name: [] for name in targets}
    for _ in range(options.rounds):
        for name, target in targets.items():
            rounds[name].append(await measure(target, options.requests, options.connections))
    return {name: Round(*map(median, zip(*found, strict=True))) for name, found in rounds.items()}


def report(found: dict[str, Round], *, as_json: bool) -> bool:
    """Print what was measured; whether it is within the bound."""
    ratios = {name: one.cpu_us / found["strawberry"].cpu_us for name, one in found.items()}
    if as_json:
        servers = {name: one._asdict() for name, one in found.items()}
        print(json.dumps({"query": QUERY, "servers": servers, "cpu_ratio_to_strawberry": ratios}))
    else:
        table = Table("server", "CPU per request", "requests/s", "CPU of stock Strawberry", title=QUERY)
        for name, one in found.items():
            table.add_row(name, f"{one.cpu_us:.0f} µs", f"{one.per_second:,.0f}", f"{ratios[name]:.2f} times")
        Console().print(table)
        print(f"load of the machine: {os.getloadavg()[0]:.1f}; bound: nobody at most {BOUND} times strawberry")
    return ratios["plenary, nobody"] <= BOUND


def main() -> None:
    parser = argparse.ArgumentParser(description="What a small query costs.")
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, LOAD_CORE)
    with ExitStack() as stack:
        ours = stack.enter_context(plenary(BUDGET_ANONYMOUS=PLENTY, BUDGET_MEMBER=PLENTY))
        stock, bare = (stack.enter_context(reference(name)) for name in ("strawberry", "starlette"))
        token = json.loads(asyncio.run(ask(Target(ours), SIGN_IN)))["data"]["signIn"]["token"]
        targets = {
            "plenary, nobody": Target(ours),
            "plenary, signed in": Target(ours, token),
            "strawberry": Target(stock),
            "starlette": Target(bare),
        }
        is_within = report(asyncio.run(compare(targets, options)), as_json=options.json)
    sys.exit(not is_within)


if __name__ == "__main__":
    main()
