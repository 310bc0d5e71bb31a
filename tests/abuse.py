"""Those who mean harm, and what became of them: `python -m tests.abuse KIND PORT COUNT SECONDS`.

They are as nice as can be to other processes: they stand for machines elsewhere, which take no processor from ours.
"""

import asyncio
import itertools
import json
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.raw import INIT, PING, UPGRADE, Raw, frame, subscribe, text

LARGE = "{ __schema { types { name description fields { name description } } } }"  # a hundred kilobytes
BODY = json.dumps({"query": LARGE}).encode()
POST = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
RECEIVES = 4 * 1024
WAIT = 60.0
ESTABLISHED = b"\x01"  # as tcp_info begins, on Linux

# What became of one connection: the code it was closed with, "cut", or "left" when the time was over before.
Fate = int | str
Attack = Callable[[int, float], Awaitable[Fate]]


async def fate(connection: Raw) -> Fate:
    """How it ends, without saying anything more."""
    try:
        async with asyncio.timeout(WAIT):
            while not (code := (await connection.frame()).code):
                pass
    except TimeoutError:
        return "left"
    except (OSError, EOFError):
        return "cut"
    else:
        return code
    finally:
        connection.writer.transport.abort()


async def silent(port: int, _until: float) -> Fate:
    """Opens a socket and never says connection_init."""
    connection = await Raw.connect(port)
    await connection.upgrade()
    return await fate(connection)


async def mute(port: int, _until: float) -> Fate:
    """Opens a connection and sends its headers a byte at a time."""
    connection = await Raw.connect(port)
    await connection.send(b"POST /graphql HTTP/1.1\r\nHost: x\r\n")
    ending = asyncio.create_task(fate(connection))
    while not ending.done():
        connection.writer.write(b"x")
        await asyncio.wait([ending], timeout=0.5)
    return await ending


async def _flood(port: int, until: float, flood: bytes) -> Fate:
    """Floods until it is thrown out, again and again."""
    told = Counter[Fate]()
    while asyncio.get_running_loop().time() < until:
        connection = await Raw.connect(port)
        await connection.upgrade()
        ending = asyncio.create_task(fate(connection))
        connection.writer.write(INIT)
        while not ending.done():
            connection.writer.write(flood)
            with suppress(OSError):
                await connection.writer.drain()
            await asyncio.sleep(0)
        told[await ending] += 1
        await asyncio.sleep(0.2)  # a client that is told not to come back, and does
    return ",".join(map(str, sorted(told, key=str)))


async def pings(port: int, until: float) -> Fate:
    return await _flood(port, until, text({"type": "ping", "payload": {"x": "y"}}) * 1_000)


async def frames(port: int, until: float) -> Fate:
    return await _flood(port, until, frame(PING) * 10_000)


async def _sip(port: int, *said: bytes) -> Fate:
    """Reads a byte a second, until the other end has had enough."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVES)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        for piece in said:
            await loop.sock_sendall(sock, piece)
            await loop.sock_recv(sock, 1)
        try:
            async with asyncio.timeout(WAIT):
                while sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == ESTABLISHED:
                    await loop.sock_recv(sock, 1)
                    await asyncio.sleep(1)
        except TimeoutError:
            return "left"
        except OSError:
            pass
    return "cut"


async def sipping_http(port: int, _until: float) -> Fate:
    """Asks for something large, and sips it. One after the other: what asking costs is for others to bound."""
    await asyncio.sleep(random.uniform(0, 3))
    return await _sip(port, POST % len(BODY) + BODY)


async def sipping_socket(port: int, _until: float) -> Fate:
    """Asks for little many times, under ids that are long: each comes back twice."""
    return await _sip(
        port, UPGRADE.encode(), INIT, b"".join(subscribe("x" * 60_000 + str(n), "{ __typename }") for n in range(30))
    )


def _dear(n: int) -> str:
    """A document that nobody has sent before, and that takes its time or would."""
    flat = " ".join(f"x{n}_{m}: 1" for m in range(250))
    doubling = " ".join(f"fragment F{m} on Query {{ ...F{m + 1} ...F{m + 1} }}" for m in range(60))
    aliases = " ".join(f"a{n}_{m}: __typename" for m in range(1_000))
    return (
        f"{{ node(id: {{{flat}}}) {{ id }} }}",
        f"{{ a{n}: __typename ...F0 }} {doubling} fragment F60 on Query {{ __typename }}",
        f"{{ {aliases} }}",
        f"query Q{n} {'{ a ' * 15_000}",
    )[n % 4]


async def documents(port: int, until: float) -> Fate:
    """Sends as many dear documents as a socket may send messages."""
    connection = await Raw.connect(port)
    await connection.upgrade()
    await connection.send(INIT)
    await connection.message()
    codes, n = set[str](), 0
    while asyncio.get_running_loop().time() < until:
        await connection.send(subscribe(str(n), _dear(n)))
        codes.add((await connection.message())["payload"][0]["extensions"]["code"])
        n += 1
        await asyncio.sleep(0.01)
    connection.writer.transport.abort()
    return ",".join(sorted(codes))


async def large(port: int, until: float) -> Fate:
    """Posts two mebibytes, and then JSON that is 50,000 deep, again and again."""
    told = Counter[str]()
    bodies = itertools.cycle([b"x" * 2 * 1024 * 1024, b"[" * 50_000 + b"]" * 50_000])
    while asyncio.get_running_loop().time() < until:
        body = next(bodies)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(POST % len(body) + body)
        with suppress(OSError, EOFError):
            told[(await reader.readuntil(b"\r\n")).split()[1].decode()] += 1
        writer.transport.abort()
        await asyncio.sleep(0.02)
    return ",".join(sorted(told))


async def attack(kind: Attack, port: int, count: int, seconds: float) -> Counter[str]:
    until = asyncio.get_running_loop().time() + seconds
    return Counter(map(str, await asyncio.gather(*(kind(port, until) for _ in range(count)))))


KINDS = {kind.__name__: kind for kind in (silent, mute, pings, frames, sipping_http, sipping_socket, documents, large)}

if __name__ == "__main__":
    os.nice(19)
    name, port, count, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(attack(KINDS[name], int(port), int(count), float(seconds)))))
