"""Spans for those who collect traces; skipped where OpenTelemetry is not installed."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

trace = pytest.importorskip("opentelemetry.sdk.trace", reason="needs the extra plenary[otel]")
export = pytest.importorskip("opentelemetry.sdk.trace.export")
memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
spans = pytest.importorskip("schema.spans")

from opentelemetry.trace import SpanKind, StatusCode  # noqa: E402 - it is there, or the module was skipped
from pydantic import SecretStr, ValidationError  # noqa: E402

import settings  # noqa: E402
from resolvers.passwords import Passwords  # noqa: E402
from server import Service, Settings  # noqa: E402
from tests.client import Client  # noqa: E402
from tests.conftest import SELDOM, ManualClock  # noqa: E402
from tests.lines import written  # noqa: E402
from tests.started import VIEWER, Door, started  # noqa: E402

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collected:
    """What a collector has been sent."""

    def __init__(self) -> None:
        self._exporter = memory.InMemorySpanExporter()
        self.spans = spans.Spans(export.SimpleSpanProcessor(self._exporter))

    @property
    def all(self) -> Sequence[Any]:
        finished: Sequence[Any] = self._exporter.get_finished_spans()
        return finished

    @property
    def only(self) -> Any:
        (span,) = self.all
        return span


@pytest.fixture
def collected() -> Collected:
    return Collected()


@pytest.fixture
def service(sqlite_url: str, clock: ManualClock, collected: Collected) -> Service:
    settings = Settings(database_url=sqlite_url, secret_key=SecretStr("s" * 32))
    return Service(settings, clock, Passwords(memory_kib=8, passes=1), {}, SELDOM, collected.spans)


@pytest.fixture
async def client(service: Service) -> AsyncIterator[Client]:
    async with service.running():
        yield Client(service)


async def test_an_operation_is_one_span(client: Client, collected: Collected) -> None:
    await client.ask(f"query WhoAmI {VIEWER}")
    span = collected.only
    assert (span.name, span.kind, span.status.status_code) == ("query WhoAmI", SpanKind.SERVER, StatusCode.UNSET)
    assert dict(span.attributes) == {
        "graphql.operation.type": "query",
        "graphql.operation.name": "WhoAmI",
        "plenary.transport": "http",
        "plenary.viewer": "anonymous",
        "plenary.cost": 2,
    }
    assert span.events == ()
    assert 0 < span.end_time - span.start_time < 60e9
    assert span.resource.attributes["service.name"] == "plenary"


async def test_a_name_is_bounded_and_no_document_is_told(client: Client, collected: Collected) -> None:
    await client.ask(f"query {'x' * 500} {{ __typename }}")
    assert collected.only.name == "query " + "x" * 64
    assert "__typename" not in collected.only.to_json()


async def test_a_refusal_has_its_code_and_a_bug_is_an_error(
    client: Client, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_arguments: Any) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("resolvers.accounts.of_viewer", broken)
    client.viewer = (await client.service.live._feed.head()).epoch  # somebody
    with written() as lines:
        await client.execute("{ nothing }")
        await client.execute(VIEWER)
    refused, bug = collected.all
    assert (refused.attributes["error.type"], refused.status.status_code) == ("INVALID", StatusCode.UNSET)
    assert (bug.attributes["error.type"], bug.status.status_code) == ("INTERNAL", StatusCode.ERROR)
    assert "secret" not in bug.to_json()
    assert f"{bug.context.trace_id:032x}" == lines.only("bug")["trace_id"]


async def test_a_span_hangs_on_the_callers(service: Service, collected: Collected) -> None:
    async with started(service) as door:
        await _ask(door, CALLER)
        await _ask(door, CALLER.removesuffix("01") + "00")  # which it does not record, and nor do we
    span = collected.only
    assert f"{span.context.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{span.parent.span_id:016x}" == CALLER.split("-")[2]


async def _ask(door: Door, traceparent: str) -> None:
    async with door.http(traceparent=traceparent) as client:
        assert (await client.post("/graphql", json={"query": VIEWER})).status_code == 200


@pytest.mark.parametrize("value", ["collector:4318", "grpc://collector"])
def test_the_collector_is_an_address(value: str) -> None:
    with pytest.raises(ValidationError, match="must begin with http"):
        Settings(otlp_endpoint=value)


def test_without_the_extra_the_setting_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _name: None)
    with pytest.raises(ValidationError, match=r"plenary\[otel\]"):
        Settings(otlp_endpoint="http://127.0.0.1:4318/v1/traces")
