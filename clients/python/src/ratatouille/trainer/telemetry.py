"""Spans and metrics by OTLP, where OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otlp` is installed; else nothing is recorded."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from .. import __version__
from ..connection import CallSpan, Metadata, Tracing, untraced
from ..errors import ServiceError

_CLOSE_SECONDS = 0.5


class Telemetry(Tracing):
    """Records nothing: what there is without an endpoint."""

    @contextlib.contextmanager
    def span(self, name: str, attributes: Mapping[str, Any] | None = None, parent: str = "") -> Iterator[None]:
        """The time of a piece of work; what happens in it belongs to it.

        :param parent: W3C traceparent of what asked for the work; "": the span that is open
        """
        yield

    def trace_fields(self) -> Mapping[str, str]:
        """What a line of the log says of the trace that it belongs to."""
        return {}

    def steps(self, count: int) -> None:
        """Counts steps of trainings."""

    def speed(self, steps_per_second: float) -> None:
        """Records the speed of a training."""

    def close(self) -> None:
        """Sends what is recorded."""


def start_telemetry(service: str) -> tuple[Telemetry, str | None]:
    """Telemetry as the environment asks for it, and what people have to know of it, if anything."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return Telemetry(), None
    try:
        return _Recorded(service), None
    except ImportError as error:
        return Telemetry(), f"nothing is recorded: OTEL_EXPORTER_OTLP_ENDPOINT needs pip install 'ratatouille-trainer[otlp]' ({error})"


class _Recorded(Telemetry):
    def __init__(self, service: str) -> None:
        from opentelemetry import propagate, trace
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": service, "service.version": __version__, "service.instance.id": str(uuid4())})
        self._spans = TracerProvider(resource=resource)
        # Soon, so that little is lost with a trainer that is killed.
        self._spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=2), schedule_delay_millis=1000))
        every = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or 10_000)
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(timeout=2), export_interval_millis=every)
        self._metrics = MeterProvider(metric_readers=[reader], resource=resource)
        self._trace = trace
        self._propagate = propagate
        self._tracer = self._spans.get_tracer("ratatouille.trainer")
        meter = self._metrics.get_meter("ratatouille.trainer")
        self._steps = meter.create_counter("ratatouille.training.steps", "{step}", "Training steps that were computed.")
        self._calls = meter.create_histogram("rpc.client.call.duration", "s", "How long calls take at the caller.")
        self._speed = meter.create_histogram("ratatouille.training.speed", "{step}/s", "Steps per second of each training.")

    @contextlib.contextmanager
    def span(self, name: str, attributes: Mapping[str, Any] | None = None, parent: str = "") -> Iterator[None]:
        context = self._propagate.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(name, context=context, attributes=dict(attributes or {})):
            yield

    def call(self, path: str, address: str, traced: bool) -> CallSpan:
        return _RecordedCall(self, path, address) if traced else CallSpan(untraced())

    def begin_call(self, path: str, address: str, metadata: Metadata) -> Any:
        host, _, port = address.rpartition(":")
        attributes: dict[str, Any] = {"rpc.system.name": "grpc", "rpc.method": path[1:], "server.address": host.strip("[]")}
        if port.isdigit():
            attributes["server.port"] = int(port)
        span = self._tracer.start_span(path[1:], kind=self._trace.SpanKind.CLIENT, attributes=attributes)
        carrier: dict[str, str] = {}
        self._propagate.inject(carrier, context=self._trace.set_span_in_context(span))
        metadata.extend((name, value) for name, value in carrier.items() if name in ("traceparent", "tracestate"))
        return span

    def end_call(self, span: Any, path: str, seconds: float, error: BaseException | None) -> None:
        code = error.code if isinstance(error, ServiceError) else "OK" if error is None else "UNKNOWN"
        span.set_attribute("rpc.response.status_code", code)
        if error is not None:
            span.set_attribute("error.type", code)
            span.set_status(self._trace.StatusCode.ERROR, str(error))
        span.end()
        self._calls.record(seconds, {"rpc.method": path[1:], "rpc.response.status_code": code})

    def trace_fields(self) -> Mapping[str, str]:
        context = self._trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def steps(self, count: int) -> None:
        self._steps.add(count)

    def speed(self, steps_per_second: float) -> None:
        self._speed.record(steps_per_second)

    def close(self) -> None:
        # A receiver that does not answer must not hold the end up.
        closing = [threading.Thread(target=end, daemon=True) for end in (self._spans.shutdown, self._metrics.shutdown)]
        for thread in closing:
            thread.start()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in closing:
            thread.join(max(0.0, deadline - time.monotonic()))


class _RecordedCall(CallSpan):
    def __init__(self, telemetry: _Recorded, path: str, address: str) -> None:
        super().__init__([])
        self._telemetry = telemetry
        self._place = (path, address)
        self._span: Any = None
        self._began = time.monotonic()

    def __enter__(self) -> Metadata:
        self._span = self._telemetry.begin_call(*self._place, self.metadata)
        return self.metadata

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._telemetry.end_call(self._span, self._place[0], time.monotonic() - self._began, error)
