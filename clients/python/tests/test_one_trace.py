"""One trace leads from the command through services and events to a trainer in Python, to predictions, averages and the report."""

from __future__ import annotations

import gzip
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from kit import ROOT, System, TrainerProcess, until
from test_own_data import draw


@dataclass(frozen=True)
class Span:
    """What came of a span; `parent` is empty for a root."""

    service: str
    kind: int
    name: str
    trace: str
    id: str
    parent: str


class Sink:
    """A receiver of OTLP over HTTP."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: set[str] = set()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self._body()
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                sink.take(self.path, body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers["content-length"]))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/metrics":
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                service = next(one.value.string_value for one in resource.resource.attributes if one.key == "service.name")
                self.metrics |= {f"{service} {metric.name}" for scope in resource.scope_metrics for metric in scope.metrics}
            return
        for of in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = next(one.value.string_value for one in of.resource.attributes if one.key == "service.name")
            for scope in of.scope_spans:
                self.spans += [
                    Span(service, span.kind, span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    for span in scope.spans
                ]

    def close(self) -> None:
        self._server.shutdown()


@pytest.fixture
def sink() -> Iterator[Sink]:
    opened = Sink()
    yield opened
    opened.close()


RUN = """
name: small
target: { records: ./numbers }
held-out: [wide]
foundation: { network: two-numbers, head: [out.weight] }
auxiliaries: [{ name: rings, records: ./rings, steps: 10 }]
probe: { steps: 10, learning-rate: 0.5 }
fine-tuning: { members: 2, steps: 10, learning-rate: 0.5 }
methods: [erm, recycling]
backend: own
"""


def test_one_trace_without_orphans(sink: Sink, tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "small.yaml").write_text(RUN)
    recorded = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "RATATOUILLE_NETWORKS": "two-numbers"}
    system = System(tmp_path / "data", "--trainers", "1", environment=recorded)
    with TrainerProcess(tmp_path / "my_training.py", system.address, tmp_path / "trainer", environment=recorded) as trainer:
        command = [str(ROOT / "ratatouille"), "recycle", "small.yaml", "--quiet", "--server", system.address]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **recorded})
        assert ran.returncode == 0, ran.stderr
        trainer.signal(15)
        assert trainer.ends(5) == 0
    system.stop()

    root = until(lambda: next((span for span in sink.spans if span.name == "ratatouille recycle"), None), "the span of the command")
    by_id = {span.id: span for span in sink.spans}
    ours = [span for span in sink.spans if span.service == "trainer" and span.name == "run job" and _is_python(span, sink.spans)]
    assert len(ours) > 5

    def ancestry(span: Span) -> list[Span]:
        found = [span]
        while found[-1].parent:
            assert found[-1].parent in by_id, f"{found[-1]} has a parent that never came"
            found.append(by_id[found[-1].parent])
        return found

    for span in sink.spans:
        if span.trace == root.trace:
            assert ancestry(span)[-1] == root
    for job in ours:
        assert job.trace == root.trace
        names = [f"{span.service} {span.name}" for span in ancestry(job)]
        assert names[1].startswith("ratatouille process ratatouille.v1.work.cpu.own."), names
        assert "ratatouille ratatouille.v1.FinetuneService/SubmitJob" in names
        assert names[-1] == "ratatouille ratatouille recycle"
    below = {span.name for span in sink.spans if any(one in ours for one in ancestry(span)) and span.service == "trainer"}
    assert below >= {
        "run job",
        "run recipe",
        "ratatouille.v1.FinetuneService/BeginAttempt",
        "ratatouille.v1.FinetuneService/ReportProgress",
        "ratatouille.v1.FinetuneService/CompleteAttempt",
        "ratatouille.v1.CatalogService/UploadBlob",
        "ratatouille.v1.CatalogService/DownloadBlob",
    }
    inside = {span.name for span in sink.spans if span.trace == root.trace}
    assert inside >= {"average", "measure", "process ratatouille.v1.job.finished"}
    assert {"trainer ratatouille.training.steps", "trainer rpc.client.call.duration"} <= sink.metrics


def _is_python(job: Span, spans: list[Span]) -> bool:
    """Its recipe is one that the built-in trainer, which makes data sets and splits, does not run."""
    return any(span.parent == job.id and span.name == "run recipe" for span in spans) and any(
        span.name.startswith("process ratatouille.v1.work.cpu.own.") and span.id == job.parent for span in spans
    )
