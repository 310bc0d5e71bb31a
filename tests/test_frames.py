"""WebSocket below its messages: frames that break the rules, that never end, and connections that vanish."""

import asyncio
import json
from collections.abc import Callable

import pytest

from tests.client import until
from tests.raw import BINARY, CLOSE, CONT, INIT, PING, PONG, TEXT, UPGRADE, frame, raw, subscribe, text, upgraded
from tests.started import NOBODY, VIEWER, Door, tracebacks

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"]),
]

ASK = {"type": "ping", "payload": {"n": 1}}


async def quiet(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is left of those who came, nothing was logged, and the next is served."""
    await until(lambda: not door.server.server_state.connections)
    assert tracebacks(caplog) == []
    async with door.signed_in() as socket:
        assert await socket.ask(VIEWER) == NOBODY


BAD = {
    "no mask": (1002, frame(TEXT, b"{}", mask=False)),
    "reserved bits": (1002, frame(TEXT, b"{}", rsv=4)),
    "an unknown opcode": (1002, frame(3, b"{}")),
    "an unknown control opcode": (1002, frame(11)),
    "a long ping": (1002, frame(PING, bytes(126))),
    "a ping in fragments": (1002, frame(PING, fin=False)),
    "a fragment of nothing": (1002, frame(CONT, b"{}")),
    "a message within a message": (1002, frame(TEXT, b"{", fin=False) + frame(TEXT, b"}")),
    "a close of one byte": (1002, frame(CLOSE, b"x")),
    "a close with a code that nobody may send": (1002, frame(CLOSE, (1005).to_bytes(2))),
    "a close whose reason is no UTF-8": (1007, frame(CLOSE, (1000).to_bytes(2) + b"\xff")),
    "a text that is no UTF-8": (1007, frame(TEXT, b'{"type": "\xff"}')),
    "half a character": (1007, frame(TEXT, '"ä"'.encode()[:2])),
    "half of a surrogate pair": (1007, frame(TEXT, b'"\xed\xa0\x80"')),
    "fragments that are no UTF-8": (1007, frame(TEXT, b'"\xc3', fin=False) + frame(CONT, b'x"')),
    "a message of 64 KiB and a byte": (1009, frame(TEXT, bytes(64 * 1024 + 1))),
    "a message of 2 MiB": (1009, frame(TEXT, bytes(2 * 1024 * 1024))),
    "a message without end": (1009, frame(TEXT)[:1] + b"\xff" + b"\x7f" + b"\xff" * 7 + bytes(4) + bytes(100_000)),
    "fragments of more than 64 KiB": (1009, frame(TEXT, b"x" * 40_000, fin=False) + frame(CONT, b"x" * 40_000)),
    "a binary frame": (4400, frame(BINARY, b'{"type": "ping"}')),
    "binary fragments": (4400, frame(BINARY, b'{"type":', fin=False) + frame(CONT, b' "ping"}')),
    "an empty binary frame": (4400, frame(BINARY)),
    "an empty text": (4400, frame(TEXT)),
    "empty fragments": (4400, frame(TEXT, fin=False) + frame(CONT)),
    "1,000 empty fragments": (4429, frame(TEXT, fin=False) + frame(CONT, fin=False) * 1_000),
    "100,000 empty fragments": (4429, frame(TEXT, fin=False) + frame(CONT, fin=False) * 100_000),
    "a message in 65,536 fragments": (4429, frame(TEXT, fin=False) + frame(CONT, b"x", fin=False) * (1 << 16)),
    "100,000 pings": (4429, frame(PING) * 100_000),
    "10,000 long pings": (4429, frame(PING, bytes(125)) * 10_000),
    "100,000 pongs": (4429, frame(PONG) * 100_000),
    "10,000 messages": (4429, text({"type": "pong"}) * 10_000),
    "10,000 questions": (4429, text({"type": "ping"}) * 10_000),
    "10,000 ends": (4429, text({"type": "complete", "id": "1"}) * 10_000),
}


@pytest.mark.parametrize(("code", "data"), BAD.values(), ids=BAD.keys())
async def test_what_breaks_the_rules_is_told_by_a_code(
    door: Door, code: int, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with upgraded(door.port) as connection:
        sending = asyncio.create_task(connection.send(data))
        assert (await connection.closed()).code == code
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    await quiet(door, caplog)


async def test_a_message_may_come_in_fragments_with_pings_between_them(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    message = json.dumps({"type": "ping", "payload": {"ä": "ö" * 100}}, ensure_ascii=False).encode()
    async with upgraded(door.port) as connection:
        pieces = [frame(CONT, message[at : at + 1], fin=False) for at in range(1, len(message))]
        await connection.send(frame(TEXT, message[:1], fin=False) + b"".join(pieces))
        await connection.send(frame(PING, b"still there?") + frame(CONT))
        assert await connection.frame() == (PONG, b"still there?")
        assert await connection.message() == {"type": "pong", "payload": {"ä": "ö" * 100}}
    await quiet(door, caplog)


async def test_bytes_may_come_one_at_a_time(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    async with raw(door.port) as connection:
        for byte in UPGRADE.encode():
            await connection.send(bytes([byte]))
            await asyncio.sleep(0)
        assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        for byte in INIT + text(ASK):
            await connection.send(bytes([byte]))
            await asyncio.sleep(0)
        assert await connection.message() == {"type": "connection_ack"}
        assert await connection.message() == {"type": "pong", "payload": {"n": 1}}
    await quiet(door, caplog)


async def test_a_message_of_64_kib_is_taken(door: Door) -> None:
    message = json.dumps({"type": "ping", "payload": {"x": ""}})
    message = message.replace('""', '"' + "x" * (64 * 1024 - len(message)) + '"')
    async with upgraded(door.port) as connection:
        await connection.send(text(message))
        assert (await connection.message())["payload"]["x"].startswith("xxx")


async def test_all_that_comes_at_once_is_answered_in_its_order(door: Door) -> None:
    async with upgraded(door.port) as connection:
        await connection.send(b"".join(text({"type": "ping", "payload": {"n": n}}) for n in range(90)))
        assert [(await connection.message())["payload"]["n"] for n in range(90)] == list(range(90))


MORE = {
    "a question": text(ASK),
    "no JSON": text("x"),
    "a ping": frame(PING),
    "a binary frame": frame(BINARY, b"\xff"),
    "a close": frame(CLOSE),
    "half a message": frame(TEXT, fin=False),
    "no UTF-8": frame(TEXT, b"\xff"),
    "no frame": frame(3),
}


@pytest.mark.parametrize("more", MORE.values(), ids=MORE.keys())
async def test_what_a_client_says_after_its_close_is_heard_by_nobody(
    door: Door, more: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with upgraded(door.port) as connection:
        await connection.send(frame(CLOSE, (1000).to_bytes(2)) + more * 50)
        assert (await connection.ended())[:4] == frame(CLOSE, (1000).to_bytes(2), mask=False)
    await quiet(door, caplog)


@pytest.mark.parametrize("more", list(MORE.values())[:4], ids=list(MORE)[:4])
async def test_what_a_client_says_after_our_close_is_heard_by_nobody(
    door: Door, more: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with upgraded(door.port) as connection:
        await connection.send(text("") + more * 50)
        assert (await connection.closed()).code == 4400
    await quiet(door, caplog)


HANDSHAKES = {
    "no key": UPGRADE.replace("Sec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n", ""),
    "a short key": UPGRADE.replace("eHh4eHh4eHh4eHh4eHh4eA==", "eHh4"),
    "no version": UPGRADE.replace("Sec-WebSocket-Version: 13\r\n", ""),
    "another version": UPGRADE.replace("Version: 13", "Version: 8"),
    "a POST": UPGRADE.replace("GET ", "POST "),
    "bytes in the path": UPGRADE.replace("/graphql", "/graphql?\xff\xfe"),
    "a header without a name": UPGRADE.replace("Host: x", ": x"),
    "a header over two lines": UPGRADE.replace("Host: x", "Host: x\r\n y"),
    "200 headers": UPGRADE.replace("Host: x", "Host: x\r\n" + "\r\n".join(f"h{n}: x" for n in range(200))),
    "a header of 10 kB": UPGRADE.replace("Host: x", "Host: " + "x" * 10_000),
    "a path of 10 kB": UPGRADE.replace("/graphql", "/" + "x" * 10_000),
    "a path that is none": UPGRADE.replace("/graphql", "*"),
    "a whole address": UPGRADE.replace("/graphql", "http://x:99999999/graphql"),
    "another path": UPGRADE.replace("/graphql", "/nothing"),
    "protocols that are none": UPGRADE.replace("graphql-transport-ws", ",,;\x01"),
    "two origins": UPGRADE.replace("Host: x", "Host: x\r\nOrigin: http://a\r\nOrigin: http://b"),
    "an origin that is none": UPGRADE.replace("Host: x", "Host: x\r\nOrigin: http://[::1"),
}


@pytest.mark.parametrize("handshake", HANDSHAKES.values(), ids=HANDSHAKES.keys())
async def test_a_handshake_that_is_none_is_refused_at_once(
    door: Door, handshake: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with raw(door.port) as connection:
        await connection.send(handshake.encode("latin-1"))
        answer = await connection.ended()
    assert answer[:10] in {b"HTTP/1.1 4", b"HTTP/1.1 5", b""}, answer
    await quiet(door, caplog)


VANISHING: dict[str, Callable[[int], list[bytes]]] = {
    "before a word": lambda _: [],
    "in the first line": lambda _: [UPGRADE.encode()[:30]],
    "in the handshake": lambda _: [UPGRADE.encode()[:-2]],
    "while it is accepted": lambda _: [UPGRADE.encode()],
    "in a frame": lambda _: [UPGRADE.encode(), INIT[:5]],
    "while it is signed in": lambda _: [UPGRADE.encode(), INIT],
    "in a fragment": lambda _: [UPGRADE.encode(), INIT, frame(TEXT, b"{", fin=False)],
    "while it is answered": lambda _: [UPGRADE.encode(), INIT, subscribe("1", "{ __schema { types { name } } }")],
    "with much to come": lambda n: [
        UPGRADE.encode(),
        INIT,
        b"".join(subscribe(str(i), "{ viewer { id } __schema { types { fields { name } } } }") for i in range(n)),
    ],
    "after a bad message": lambda _: [UPGRADE.encode(), text("")],
    "after a bad frame": lambda _: [UPGRADE.encode(), frame(3)],
    "after its goodbye": lambda _: [UPGRADE.encode(), INIT, frame(CLOSE)],
}


@pytest.mark.parametrize("said", VANISHING.values(), ids=VANISHING.keys())
@pytest.mark.parametrize("pause", [0, 0.002, 0.02], ids=["at once", "soon", "later"])
async def test_whoever_vanishes_leaves_no_trace(
    door: Door, said: Callable[[int], list[bytes]], pause: float, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        async with raw(door.port) as connection:
            for piece in said(20):
                await connection.send(piece)
                await asyncio.sleep(pause)  # wherever the server is by then
            connection.vanish()
    await quiet(door, caplog)
