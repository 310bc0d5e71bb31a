"""A hall comes at once: visitors join one board by one code from one address, as they arrive, at a started server.

    python -m bench.joining [--visitors 2000] [--seconds 60] [--database URL]

Arrivals do not wait for each other, and each brings a connection of its own, as phones do. Between two joins one
`{ __typename }` is asked in the same way: the reference, which shares the machine with what is measured.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench.serving import PASSWORD, plenary

BOUND = 1.0  # seconds, the 99th percentile of a join
JOIN = "mutation ($code: String!, $name: String!) { joinBoard(code: $code, name: $name) { token problems { code } } }"
REFERENCE = "{ __typename }"


class Answer(NamedTuple):
    seconds: float
    data: Any


class Server:
    """Where the service listens, and as whom to ask."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self.token = ""

    async def ask(self, document: str, **variables: Any) -> Answer:
        """One request on a connection of its own, and how long it took from before connecting."""
        body = json.dumps({"query": document, "variables": variables}).encode()
        head = [f"POST /graphql HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nConnection: close"]
        head += [f"Authorization: Bearer {self.token}"] if self.token else []
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        writer.write("\r\n".join([*head, f"Content-Length: {len(body)}\r\n\r\n"]).encode() + body)
        answer = await reader.read()
        seconds = time.perf_counter() - began
        writer.close()
        return Answer(seconds, json.loads(answer.partition(b"\r\n\r\n")[2])["data"])

    async def do(self, call: str, result: str, variables: str = "", **values: Any) -> Any:
        """What a mutation returns; it must succeed."""
        document = f"mutation {variables and f'({variables})'} {{ {call} {{ {result} problems {{ message }} }} }}"
        (payload,) = (await self.ask(document, **values)).data.values()
        if payload["problems"]:
            sys.exit(f"{call}: {payload['problems']}")
        return payload


async def arrange(server: Server) -> str:
    """A hall with an open board that takes visitors: its join code."""
    signing_in = f'signIn(input: {{email: "ann@example.com", password: "{PASSWORD}"}})'
    server.token = (await server.do(signing_in, "token"))["token"]
    (network,) = (await server.ask("{ viewer { networks { id } } }")).data["viewer"]["networks"]
    hall = await server.do(
        'createCommunity(networkId: $id, input: {name: "Hall", admits: EXTERNALS})',
        "community { id }",
        "$id: ID!",
        id=network["id"],
    )
    made = await server.do(
        'createQuestionBoard(communityId: $id, input: {title: "Keynote"})',
        "questionBoard { id }",
        "$id: ID!",
        id=hall["community"]["id"],
    )
    board = made["questionBoard"]["id"]
    await server.do("openQuestionBoard(boardId: $id)", "questionBoard { id }", "$id: ID!", id=board)
    await server.do("setVisitors(boardId: $id, visitors: ASK_AND_VOTE)", "questionBoard { id }", "$id: ID!", id=board)
    code = await server.do("createJoinCode(boardId: $id)", "questionBoard { joinCode }", "$id: ID!", id=board)
    server.token = ""
    return str(code["questionBoard"]["joinCode"])


async def arrive(server: Server, code: str, visitors: int, seconds: float) -> tuple[list[Answer], list[Answer]]:
    """The joins, and the reference between them, each at its time whatever became of those before."""
    joins, references = [], []
    began, pause = time.perf_counter(), seconds / visitors
    for n in range(visitors):
        await asyncio.sleep(max(0.0, began + n * pause - time.perf_counter()))
        joins.append(asyncio.create_task(server.ask(JOIN, code=code, name=f"Visitor {n}")))
        await asyncio.sleep(max(0.0, began + (n + 0.5) * pause - time.perf_counter()))
        references.append(asyncio.create_task(server.ask(REFERENCE)))
    return await asyncio.gather(*joins), await asyncio.gather(*references)


def percentiles(answers: list[Answer]) -> dict[str, float]:
    ordered = sorted(answer.seconds for answer in answers)
    at = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in at.items()}


def report(joins: list[Answer], references: list[Answer], seconds: float) -> bool:
    """Print what was measured; whether it is within the bound."""
    refused = [answer for answer in joins if answer.data["joinBoard"]["problems"]]
    tokens = {answer.data["joinBoard"]["token"] for answer in joins} - {None}
    times, reference = percentiles(joins), percentiles(references)
    print(f"{len(joins)} joins in {seconds:.0f} s ({len(joins) / seconds:.1f} a second), one code, one address")
    print(f"refused: {len(refused)}, distinct visitors: {len(tokens)}")
    for name, value in times.items():
        ratio = value / reference[name]
        print(f"{name}: {1e3 * value:7.1f} ms   {{ __typename }}: {1e3 * reference[name]:7.1f} ms   ratio {ratio:.1f}")
    print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return not refused and len(tokens) == len(joins) and times["p99"] < BOUND


async def measure(address: str, visitors: int, seconds: float) -> bool:
    server = Server(address)
    code = await arrange(server)
    began = time.perf_counter()
    joins, references = await arrive(server, code, visitors, seconds)
    return report(joins, references, time.perf_counter() - began)


def main() -> None:
    options = argparse.ArgumentParser(description="Visitors join one board by one code from one address.")
    options.add_argument("--visitors", type=int, default=2_000)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--database", default="", help="An empty database; by default SQLite in a folder of its own.")
    chosen = options.parse_args()
    with plenary(chosen.database) as serving:
        is_within = asyncio.run(measure(serving.address, chosen.visitors, chosen.seconds))
    sys.exit(not is_within)


if __name__ == "__main__":
    main()
