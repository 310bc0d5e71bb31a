"""Spans: one for each operation, for those who collect traces.

Needs the extra plenary[otel].
"""

import time

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from schema.observing import CANCELLED, INTERNAL, OK, Observation

CALLER = TraceContextTextMapPropagator()


class Ids(RandomIdGenerator):
    """A span has the trace id that the log lines and the client's error have."""

    trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id


class Spans:
    def __init__(self, processor: SpanProcessor) -> None:
        self._ids = Ids()
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
            resource = resource.merge(Resource({SERVICE_NAME: "plenary"}))
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("plenary")

    def ended(self, seen: Observation) -> None:
        """Made at the end, when all is known: so none is open for as long as a subscription lasts."""
        self._ids.trace_id = int(seen.trace.id, 16)
        until = time.time_ns()
        span = self._tracer.start_span(
            " ".join(filter(None, (seen.type, seen.name))),
            context=CALLER.extract({"traceparent": seen.trace.parent}, Context()) if seen.trace.parent else Context(),
            kind=SpanKind.SERVER,
            start_time=until - int(seen.seconds * 1e9),
            attributes=_attributes(seen),
        )
        if seen.outcome == INTERNAL:
            span.set_status(Status(StatusCode.ERROR))
        span.end(until)

    def close(self) -> None:
        """Send what waits. Takes as long as the collector does."""
        self._provider.shutdown()


def _attributes(seen: Observation) -> dict[str, AttributeValue]:
    """By OpenTelemetry's conventions for GraphQL. The document is not among them: it may hold what somebody wrote."""
    attributes: dict[str, AttributeValue] = {
        "graphql.operation.type": seen.type,
        "plenary.transport": seen.transport.value,
        "plenary.viewer": seen.ctx.kind.value,
    }
    if seen.name:
        attributes["graphql.operation.name"] = seen.name
    if seen.outcome not in {OK, CANCELLED}:
        attributes["error.type"] = seen.outcome
    if seen.cost is not None:
        attributes["plenary.cost"] = seen.cost
    if seen.events:
        attributes["plenary.events"] = seen.events
    return attributes


def exporting(endpoint: str) -> Spans:
    """To a collector that speaks OTLP over HTTP. The rest is read from OpenTelemetry's own variables."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - not in tests

    return Spans(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
