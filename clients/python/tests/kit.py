"""A real system, data sets and models in it, and trainers, for tests."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar, cast

import grpc
import numpy as np

from ratatouille import Client, Run
from ratatouille._generated.catalog_pb2 import (
    BlobHeader,
    DownloadBlobRequest,
    GetArtifactRequest,
    GetArtifactResponse,
    PublishArtifactRequest,
    PublishArtifactResponse,
    UploadBlobRequest,
)
from ratatouille._generated.finetune_pb2 import (
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_SUCCEEDED,
    CancelJobRequest,
    CancelJobResponse,
    GetJobRequest,
    GetJobResponse,
    Job,
    JobNeeds,
    ListTrainersRequest,
    ListTrainersResponse,
    SubmitJobRequest,
    SubmitJobResponse,
    Trainer,
)
from ratatouille.connection import DOWNLOAD, UPLOAD, Connection, Method
from ratatouille.safetensors_file import Tensors, as_tensors, open_tensors, write_tensors

ROOT = Path(__file__).resolve().parents[3]
ENDED = (JOB_STATE_SUCCEEDED, JOB_STATE_FAILED, JOB_STATE_CANCELLED)
DOMAINS = ("even", "odd")
CLASSES = ("low", "high", "middle")
NETWORK = "two-numbers"

_GET_JOB = Method("/ratatouille.v1.FinetuneService/GetJob", GetJobRequest, GetJobResponse)
_SUBMIT = Method("/ratatouille.v1.FinetuneService/SubmitJob", SubmitJobRequest, SubmitJobResponse)
_CANCEL = Method("/ratatouille.v1.FinetuneService/CancelJob", CancelJobRequest, CancelJobResponse)
_TRAINERS = Method("/ratatouille.v1.FinetuneService/ListTrainers", ListTrainersRequest, ListTrainersResponse)
_PUBLISH = Method("/ratatouille.v1.CatalogService/PublishArtifact", PublishArtifactRequest, PublishArtifactResponse)
_GET = Method("/ratatouille.v1.CatalogService/GetArtifact", GetArtifactRequest, GetArtifactResponse)

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Looks again and again until there is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class System:
    """A system of one process without trainers, `ratatouille up`."""

    def __init__(self, directory: Path, *options: str, environment: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self.address = f"127.0.0.1:{free_port()}"
        self._options = options
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0
        self.start()

    def start(self) -> None:
        command = ["./ratatouille", "up", "--listen", self.address, "--data", str(self.directory), "--trainers", "0"]
        log = (self.directory.parent / f"{self.directory.name}.log").open("ab")
        environment = {**os.environ, **self._environment}
        self._process = subprocess.Popen([*command, *self._options], cwd=ROOT, stdout=log, stderr=log, env=environment)
        log.close()
        self.connection = Connection(self.address, token=self._environment.get("RATATOUILLE_TOKEN"))
        request = ListTrainersRequest()

        def answers() -> bool:
            with contextlib.suppress(Exception):
                self.connection.call(_TRAINERS, request, seconds=1, retry=False)
                return True
            return False

        until(answers, "the system")

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.connection.close()
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    # -- catalog

    def upload(self, data: bytes) -> str:
        def parts() -> Iterator[UploadBlobRequest]:
            yield UploadBlobRequest(header=BlobHeader(digest=digest_of(data), size_bytes=len(data)))
            for begin in range(0, len(data), 1 << 20):
                yield UploadBlobRequest(chunk=data[begin : begin + (1 << 20)])

        return self.connection.send(UPLOAD, parts(), seconds=60).digest

    def download(self, digest: str) -> bytes:
        return b"".join(one.chunk for one in self.connection.receive(DOWNLOAD, DownloadBlobRequest(digest=digest)))

    def publish(self, recipe: Mapping[str, Any], kind: str, data: bytes, more: Sequence[tuple[str, bytes]] = ()) -> str:
        """An artifact of one file, and perhaps others."""
        artifact, config, media_type, title = _KINDS[kind]
        text = canonical(recipe)
        layers = [(media_type, title, data), *((_SHARD, name, content) for name, content in more)]
        described = [
            {
                "mediaType": layer_type,
                "digest": self.upload(content),
                "size": len(content),
                "annotations": {"org.opencontainers.image.title": name},
            }
            for layer_type, name, content in layers
        ]
        body = b"{}" if kind != "model" else b'{"config":{"architecture":"unknown"},"modelfs":{"type":"layers","diffIds":[]}}'
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": artifact,
            "config": {"mediaType": config, "digest": digest_of(body), "size": len(body)},
            "layers": described,
            "annotations": {
                "org.ratatouille.recipe": text,
                "org.ratatouille.recipe.key": digest_of(text.encode()),
                "org.opencontainers.image.licenses": "CC0-1.0",
            },
        }
        request = PublishArtifactRequest(manifest=canonical(manifest).encode(), blobs=[body])
        return self.connection.call(_PUBLISH, request).artifact.digest

    def model(self, tensors: Mapping[str, Any]) -> str:
        """A model that was imported."""
        data = safetensors(as_tensors(tensors))
        file = {"path": "model.safetensors", "digest": digest_of(data), "bytes": len(data)}
        parameters = {"files": [file], "licence": "CC0-1.0", "source": "a test"}
        return self.publish({"kind": "import", "inputs": {}, "parameters": parameters}, "model", data)

    def weights_of(self, artifact: str, path: Path) -> Tensors:
        """The file of a model or of a prediction."""
        manifest = json.loads(self.connection.call(_GET, GetArtifactRequest(digest=artifact)).artifact.manifest)
        path.write_bytes(self.download(manifest["layers"][0]["digest"]))
        return open_tensors(path)

    def manifest(self, artifact: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.connection.call(_GET, GetArtifactRequest(digest=artifact)).artifact.manifest)
        return found

    def dataset(self, rows: int = 60, shards: int = 2, size: int = 0) -> Dataset:
        """Two numbers a row, which say its class; of two domains. `size` bytes of nothing follow each."""
        self._count += 1
        generator = np.random.default_rng(self._count)
        labels = np.arange(rows, dtype=np.int32) % len(CLASSES)
        numbers = (labels[:, None] + generator.normal(0, 0.1, (rows, 2))).astype("<f4")
        records = [row.tobytes() + bytes(size) for row in numbers]
        parts = [b"".join(records[shard::shards]) for shard in range(shards)]
        tensors = {
            "domain": (np.arange(rows, dtype=np.int32) // 2) % 2,
            "class": labels,
            "shard": np.arange(rows, dtype=np.int32) % shards,
            "offset": np.arange(rows, dtype=np.int64) // shards * len(records[0]),
            "bytes": np.full(rows, len(records[0]), dtype=np.int64),
        }
        names = [f"row {row}".encode() for row in range(rows)]
        columns = {
            **tensors,
            "sha256": np.stack([np.frombuffer(hashlib.sha256(record).digest(), np.uint8) for record in records]),
            "name": np.frombuffer(b"".join(names), np.uint8),
            "nameEnd": np.cumsum([len(name) for name in names]).astype(np.int32),
        }
        metadata = {
            "format": "ratatouille-images/1",
            "domains": json.dumps(DOMAINS),
            "classes": json.dumps(CLASSES),
            "shards": json.dumps([{"digest": digest_of(part), "bytes": len(part)} for part in parts]),
        }
        index = safetensors(as_tensors(columns), metadata)
        for part in parts:
            self.upload(part)
        recipe = {"kind": "dataset", "inputs": {}, "parameters": {"generator": "test/1", "index": digest_of(index)}}
        named = [(f"shard-{i:06d}.tar", part) for i, part in enumerate(parts)]
        digest = self.publish(recipe, "dataset", index, named)
        domain = tensors["domain"]
        order = [np.flatnonzero(domain == place).astype(np.int32) for place in range(2)]
        split = safetensors(
            as_tensors(
                {f"training.{i}": rows_[::2] for i, rows_ in enumerate(order)}
                | {f"validation.{i}": rows_[1::2] for i, rows_ in enumerate(order)}
            ),
            {"format": "ratatouille-split/1", "domains": json.dumps(DOMAINS)},
        )
        split_recipe = {
            "kind": "split",
            "inputs": {"dataset": digest},
            "parameters": {"scheme": "domainbed/1", "fraction": 0.5, "trial": 0},
        }
        return Dataset(digest, self.publish(split_recipe, "split", split), numbers, labels, domain)

    # -- jobs

    def submit(self, recipe: Mapping[str, Any], engine: str = "own", memory_mib: int = 100) -> str:
        needs = JobNeeds(device="cpu", backend=engine, memory_mib=memory_mib, network=NETWORK)
        request = SubmitJobRequest(recipe=json.dumps(recipe), label="a test", run_id="run-test", needs=needs)
        return self.connection.call(_SUBMIT, request).job.id

    def job(self, id_: str) -> Job:
        return self.connection.call(_GET_JOB, GetJobRequest(id=id_)).job

    def cancel(self, id_: str) -> None:
        self.connection.call(_CANCEL, CancelJobRequest(id=id_, reason="a test"))

    def await_job(self, id_: str, is_so: Callable[[Job], bool], what: str, seconds: float = 60) -> Job:
        def look() -> Job | None:
            job = self.job(id_)
            return job if is_so(job) else None

        try:
            return until(look, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.job(id_)}") from None

    def ended(self, id_: str, seconds: float = 60) -> Job:
        return self.await_job(id_, lambda job: job.state in ENDED, "the end of the job", seconds)

    def succeeded(self, id_: str, seconds: float = 60) -> Job:
        job = self.ended(id_, seconds)
        assert job.state == JOB_STATE_SUCCEEDED, job
        return job

    def trainers(self) -> list[Trainer]:
        return list(self.connection.call(_TRAINERS, ListTrainersRequest()).trainers)


@contextlib.contextmanager
def tiny_run(folder: Path) -> Iterator[Run]:
    """A run that has succeeded, in a system with a trainer: that of a run file, whose data the command has imported."""
    system = System(folder / "data", "--trainers", "1")
    try:
        command = ["./ratatouille", "recycle", "examples/tiny.yaml", "--quiet", "--server", system.address, "--out", str(folder / "out")]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        with Client(system.address, progress=False) as client:
            yield client.run(client.runs(limit=1)[0].id)
    finally:
        system.stop()


class Dataset:
    def __init__(self, digest: str, split: str, numbers: Any, labels: Any, domain: Any) -> None:
        self.digest, self.split, self.numbers, self.labels, self.domain = digest, split, numbers, labels, domain


_SHARD = "application/x-tar"
_KINDS = {
    "dataset": (
        "application/vnd.ratatouille.dataset.v1+json",
        "application/vnd.oci.empty.v1+json",
        "application/vnd.cncf.model.dataset.v1.raw",
        "dataset.safetensors",
    ),
    "split": (
        "application/vnd.ratatouille.split.v1+json",
        "application/vnd.oci.empty.v1+json",
        "application/vnd.ratatouille.split.v1.safetensors",
        "split.safetensors",
    ),
    "model": (
        "application/vnd.cncf.model.manifest.v1+json",
        "application/vnd.cncf.model.config.v1+json",
        "application/vnd.cncf.model.weight.v1.raw",
        "model.safetensors",
    ),
}


def safetensors(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> bytes:
    file = BytesIO()
    write_tensors(file, tensors, metadata or {})
    return file.getvalue()


def canonical(value: Any) -> str:
    """RFC 8785, of what tests have: no numbers that Python prints in another way."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def training(dataset: Dataset, *, seed: int = 1, steps: int = 30, weights: str | None = None, **changes: Any) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "network": {"name": NETWORK},
        "classes": len(CLASSES),
        "domains": list(DOMAINS),
        "optimiser": {"name": "adam", "learningRate": 0.25},
        "steps": steps,
        "batch": 4,
        "transform": {"training": "none/1", "validation": "none/1"},
        "head": ["bias", "matrix"],
        **changes,
    }
    inputs = {"dataset": dataset.digest, "split": dataset.split, **({} if weights is None else {"weights": weights})}
    return {"kind": "train", "inputs": inputs, "parameters": parameters, "seed": seed, "arithmetic": "~own/1"}


def prediction(dataset: Dataset, models: Sequence[str], part: str | None = None, weights: Sequence[float] | None = None) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "network": {"name": NETWORK},
        "classes": len(CLASSES),
        "domains": list(DOMAINS),
        "transform": "none/1",
        **({} if part is None else {"part": part}),
        **({} if weights is None else {"weights": list(weights)}),
    }
    inputs = {"dataset": dataset.digest, "models": list(models), **({} if part is None else {"split": dataset.split})}
    return {"kind": "predict", "inputs": inputs, "parameters": parameters, "arithmetic": "~own/1"}


class TrainerProcess:
    """A trainer as a process of its own."""

    def __init__(
        self, target: str | Path, server: str, directory: Path, *options: str, environment: Mapping[str, str] | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "trainer.log"
        command = [sys.executable, "-m", "ratatouille.trainer.main", str(target), "--server", server]
        own = {"RATATOUILLE_CACHE_DIR": str(directory / "cache"), "RATATOUILLE_NETWORKS": NETWORK, "RATATOUILLE_TRAINER_NAME": "py-1"}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, env={**os.environ, **own, **(environment or {})}, cwd=directory
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def lines(self) -> list[dict[str, Any]]:
        """Of the log."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def said(self, text: str, seconds: float = 30) -> str:
        """Waits for a text in what it writes."""
        return until(lambda: next((line for line in self.output.splitlines() if text in line), None), f"{text!r} in {self._log}", seconds)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self, seconds: float = 20) -> int:
        return self.process.wait(timeout=seconds)

    def __enter__(self) -> TrainerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Gateway:
    """Passes calls on, and tells of each request before it goes to the server: its method, and its bytes."""

    def __init__(self, target: str, on_call: Callable[[str, bytes], None]) -> None:
        self._channel = grpc.insecure_channel(target)
        self._on_call = on_call
        self._server = grpc.server(ThreadPoolExecutor(16))
        self._server.add_generic_rpc_handlers((_PassOn(self._handle),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _handle(self, method: str, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        def told() -> Iterator[bytes]:
            for request in requests:
                self._on_call(method, request)
                yield request

        metadata = tuple((key, value) for key, value in context.invocation_metadata() if key != "user-agent")
        call: Any = cast(Any, self._channel.stream_stream(method))(told(), metadata=metadata)
        context.add_callback(call.cancel)
        try:
            yield from call
        except grpc.RpcError:
            context.set_trailing_metadata(call.trailing_metadata())
            context.abort(call.code(), call.details())

    def close(self) -> None:
        self._server.stop(None)
        self._channel.close()


class _PassOn(grpc.GenericRpcHandler):
    def __init__(self, handle: Callable[[str, Iterator[bytes], Any], Iterator[bytes]]) -> None:
        self._handle = handle

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        method = handler_call_details.method
        return grpc.stream_stream_rpc_method_handler(lambda requests, context: self._handle(method, requests, context))


class Proxy:
    """Passes connections on, and breaks each after so many bytes from one side."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        #: Bytes until the next connection breaks: from its client, and to it; None: never.
        self.break_up: int | None = None
        self.break_down: int | None = None
        self.breaks = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for source, sink, up in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=(source, sink, up), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        done = 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                done += len(data)
                limit = self.break_up if up else self.break_down
                if limit is not None and done > limit:
                    self.break_up = self.break_down = None
                    self.breaks += 1
                    break
        for side in (source, sink):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
