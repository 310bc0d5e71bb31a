"""Every message that is none of graphql-transport-ws: closed with 4400, and never a traceback."""

import json
from typing import Any

import pytest

from tests.started import VIEWER, Door, tracebacks

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def subscribe(**payload: Any) -> str:
    return json.dumps({"type": "subscribe", "id": "1", "payload": payload})


MALFORMED = {
    "nothing": "",
    "blanks": " \n\t ",
    "a byte order mark": '\ufeff{"type": "ping"}',
    "no JSON": "connection_init",
    "half a JSON": '{"type": "ping"',
    "two": '{"type": "ping"}{"type": "ping"}',
    "a comma too many": '{"type": "ping",}',
    "single quotes": "{'type': 'ping'}",
    "a comment": '{"type": "ping"} // hello',
    "a zero byte": '{"type": "ping"}\x00',
    "a line break in a text": '{"type": "pi\nng"}',
    "NaN": '{"type": "ping", "payload": {"n": NaN}}',
    "infinity": '{"type": "ping", "payload": {"n": -Infinity}}',
    "a number that is too large": '{"type": "ping", "payload": {"n": 1e999}}',
    "a number without end": '{"type": "ping", "payload": {"n": %s}}' % ("9" * 10_000),
    "null": "null",
    "a number": "1",
    "a boolean": "true",
    "a text": '"ping"',
    "a list": "[]",
    "a list of messages": '[{"type": "ping"}]',
    "no type": "{}",
    "a type that is null": '{"type": null}',
    "a type that is a list": '{"type": ["ping"]}',
    "a type that is a number": '{"type": 1}',
    "an empty type": '{"type": ""}',
    "a type in capitals": '{"type": "PING"}',
    "a type with a blank": '{"type": "ping "}',
    "a type of 60 kB": '{"type": "%s"}' % ("ä" * 30_000),
    "half a surrogate pair as type": '{"type": "\\ud800"}',
    "an unknown type": '{"type": "start"}',
    "a method of the handler": '{"type": "invalid_message"}',
    "the legacy protocol": '{"type": "connection_terminate"}',
    "an acknowledgement": '{"type": "connection_ack"}',
    "a next": json.dumps({"type": "next", "id": "1", "payload": {"data": None}}),
    "an error": json.dumps({"type": "error", "id": "1", "payload": [{"message": "x"}]}),
    "a ping with a list": '{"type": "ping", "payload": []}',
    "a ping with a boolean": '{"type": "ping", "payload": false}',
    "a ping with an empty text": '{"type": "ping", "payload": ""}',
    "a pong with a text": '{"type": "pong", "payload": "x"}',
    "a pong with a number": '{"type": "pong", "payload": 0}',
    "a subscribe without id": json.dumps({"type": "subscribe", "payload": {"query": VIEWER}}),
    "a subscribe with null": json.dumps({"type": "subscribe", "id": None, "payload": {"query": VIEWER}}),
    "a subscribe with a number": json.dumps({"type": "subscribe", "id": 1, "payload": {"query": VIEWER}}),
    "a subscribe with an object": json.dumps({"type": "subscribe", "id": {}, "payload": {"query": VIEWER}}),
    "a subscribe with an empty id": json.dumps({"type": "subscribe", "id": "", "payload": {"query": VIEWER}}),
    "a subscribe without payload": '{"type": "subscribe", "id": "1"}',
    "a subscribe with null as payload": '{"type": "subscribe", "id": "1", "payload": null}',
    "a subscribe with a list": '{"type": "subscribe", "id": "1", "payload": []}',
    "a subscribe with a text": json.dumps({"type": "subscribe", "id": "1", "payload": VIEWER}),
    "a subscribe with a batch": json.dumps({"type": "subscribe", "id": "1", "payload": [{"query": VIEWER}]}),
    "a subscribe without query": subscribe(),
    "a query that is null": subscribe(query=None),
    "a query that is an object": subscribe(query={}),
    "a query that is a list": subscribe(query=[VIEWER]),
    "a query that is a number": subscribe(query=1),
    "variables that are a list": subscribe(query=VIEWER, variables=[]),
    "variables that are a text": subscribe(query=VIEWER, variables="x"),
    "variables that are a number": subscribe(query=VIEWER, variables=0),
    "variables that are a boolean": subscribe(query=VIEWER, variables=False),
    "a name that is a number": subscribe(query=VIEWER, operationName=1),
    "a name that is a list": subscribe(query=VIEWER, operationName=[]),
    "extensions that are a list": subscribe(query=VIEWER, extensions=[]),
    "extensions that are a text": subscribe(query=VIEWER, extensions="x"),
    "a complete without id": '{"type": "complete"}',
    "a complete with null": '{"type": "complete", "id": null}',
    "a complete with an empty id": '{"type": "complete", "id": ""}',
    "a complete with a number": '{"type": "complete", "id": 1}',
    "a complete with a list": '{"type": "complete", "id": ["1"]}',
    "a binary frame": b'{"type": "ping"}',
    "a binary frame that is no text": b"\xff\xfe",
    "a list 50,000 deep": "[" * 50_000,
    "a list 30,000 deep that ends": "[" * 30_000 + "]" * 30_000,
    "an object 12,000 deep": '{"a":' * 12_000,
    "a payload 5,000 deep": '{"type": "ping", "payload": ' + '{"a":' * 5_000 + "1" + "}" * 5_001,
    "variables 20,000 deep": subscribe(query=VIEWER, variables={"x": 0}).replace("0", "[" * 20_000 + "]" * 20_000),
}


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_message_closes_with_4400_and_no_traceback(
    door: Door, message: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.signed_in() as socket:
        await socket.send(message)
        assert await socket.closed() == 4400
    assert tracebacks(caplog) == []


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED.keys())
async def test_so_it_does_as_the_first_message(
    door: Door, message: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.socket() as socket:
        await socket.send(message)
        assert await socket.closed() == 4400
    assert tracebacks(caplog) == []


@pytest.mark.parametrize("payload", [[], [{}], "x", "", 1, 0, True, False], ids=repr)
async def test_a_connection_init_whose_payload_is_no_object_closes_with_4400(
    door: Door, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.socket() as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closed() == 4400
    assert tracebacks(caplog) == []


async def test_payloads_are_answered_or_refused_at_every_depth(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """What can be read may be too deep to be written: the limits of the two are not the same."""
    refused = 0
    for depth in range(700, 1_100, 20):
        async with door.signed_in() as socket:
            await socket.send('{"type": "ping", "payload": ' + '{"a":' * depth + "1" + "}" * (depth + 1))
            if (code := await socket.closed_or("pong")) is not None:
                assert code == 4400
                refused += 1
    assert refused
    assert tracebacks(caplog) == []


async def test_the_reason_of_a_close_fits_into_its_frame(door: Door) -> None:
    for type_ in ("ä" * 200, "x" * 200, "a" + "€" * 200):
        async with door.signed_in() as socket:
            await socket.send({"type": type_})
            assert await socket.closed() == 4400
            assert 100 < len(socket.reason.encode()) <= 123
            assert type_.startswith(socket.reason[-20:]) or socket.reason[-20:] in type_


@pytest.mark.parametrize(
    "more",
    [
        {"type": "ping", "id": 5},
        {"type": "ping", "extra": {"any": "thing"}},
        {"type": "ping", "payload": None},
        {"payload": {}, "type": "ping"},
    ],
    ids=["an id", "another member", "null", "another order"],
)
async def test_members_that_the_protocol_does_not_name_are_ignored(door: Door, more: Any) -> None:
    async with door.signed_in() as socket:
        await socket.send(more)
        assert (await socket.receive())["type"] == "pong"
        await socket.send({"type": "complete", "id": "1", "payload": []})
        await socket.send(
            {"type": "subscribe", "id": "1", "payload": {"query": VIEWER, "key": 7, "operationType": "x"}}
        )
        assert (await socket.receive())["type"] == "next"
