"""Connections to services: calls by their names, with deadlines, retries, tokens, TLS, and errors as ServiceError."""

from __future__ import annotations

import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import grpc
from google.protobuf.message import Message

from ._generated import catalog_pb2, finetune_pb2
from .cancellation import cancellable
from .errors import ServiceError, UsageError
from .status_details import Details, read_details

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Metadata = list[tuple[str, str]]
_Sent = tuple[tuple[str, str | bytes], ...]

#: Time for a call, in seconds, unless it says another.
CALL_SECONDS = 30.0
#: So long an idempotent call is tried again.
_PATIENCE_SECONDS = 10.0
_OPTIONS = [
    ("grpc.max_receive_message_length", 8 << 20),
    ("grpc.max_send_message_length", 8 << 20),
    ("grpc.use_local_subchannel_pool", 1),
    # Retries are ours.
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    """A call: its path and its messages."""

    path: str
    request: type[Request]
    response: type[Response]


def method_of(module: Any, service: str, name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    """A call by its name in the descriptors."""
    descriptor = module.DESCRIPTOR.services_by_name[service].methods_by_name[name]
    assert (descriptor.input_type, descriptor.output_type) == (request.DESCRIPTOR, response.DESCRIPTOR), name
    return Method(f"/ratatouille.v1.{service}/{name}", request, response)


def _finetune(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return method_of(finetune_pb2, "FinetuneService", name, request, response)


def _catalog(name: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return method_of(catalog_pb2, "CatalogService", name, request, response)


_f, _c = finetune_pb2, catalog_pb2
ANNOUNCE = _finetune("AnnounceTrainer", _f.AnnounceTrainerRequest, _f.AnnounceTrainerResponse)
TAKE_JOB = _finetune("TakeJob", _f.TakeJobRequest, _f.TakeJobResponse)
BEGIN = _finetune("BeginAttempt", _f.BeginAttemptRequest, _f.BeginAttemptResponse)
PROGRESS = _finetune("ReportProgress", _f.ReportProgressRequest, _f.ReportProgressResponse)
SAVE_CHECKPOINT = _finetune("SaveCheckpoint", _f.SaveCheckpointRequest, _f.SaveCheckpointResponse)
SKIP_CHECKPOINT = _finetune("SkipCheckpoint", _f.SkipCheckpointRequest, _f.SkipCheckpointResponse)
COMPLETE = _finetune("CompleteAttempt", _f.CompleteAttemptRequest, _f.CompleteAttemptResponse)
FAIL = _finetune("FailAttempt", _f.FailAttemptRequest, _f.FailAttemptResponse)
RELEASE = _finetune("ReleaseAttempt", _f.ReleaseAttemptRequest, _f.ReleaseAttemptResponse)
UPLOAD = _catalog("UploadBlob", _c.UploadBlobRequest, _c.UploadBlobResponse)
FIND_MISSING = _catalog("FindMissing", _c.FindMissingRequest, _c.FindMissingResponse)
GET_UPLOAD = _catalog("GetUpload", _c.GetUploadRequest, _c.GetUploadResponse)
DOWNLOAD = _catalog("DownloadBlob", _c.DownloadBlobRequest, _c.DownloadBlobResponse)


class Connection:
    """A connection to `host:port`, which is made when it is needed and again when it broke.

    :param ca: path of the certificate authority of the server (PEM); with it the connection is TLS
    :param tracing: what calls are recorded with
    :raises UsageError: for no address, a certificate that cannot be read, a token that would travel in the clear
    """

    def __init__(
        self, address: str, *, token: str | None = None, ca: str | os.PathLike[str] | None = None, tracing: Tracing | None = None
    ) -> None:
        _check_address(address)
        if token == "":
            raise UsageError("the token is empty: leave it out, or set it to that of the server")
        if token is not None and ca is None and not is_loopback(address):
            raise UsageError(
                f"the token would travel to {address} in the clear: give the server's certificate authority by --ca (RATATOUILLE_CA)"
            )
        options = [*_OPTIONS, *([("grpc.enable_http_proxy", 0)] if is_loopback(address) else [])]
        self.address = address
        self._metadata: Metadata = [] if token is None else [("authorization", f"Bearer {token}")]
        self._tracing = tracing or Tracing()
        if ca is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            try:
                authority = Path(ca).read_bytes()
            except OSError as error:
                raise UsageError(f"cannot read the certificate {ca}: {error.strerror}") from error
            _check_authority(authority, ca)
            self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(authority), options)

    def close(self) -> None:
        self._channel.close()

    def call(
        self,
        method: Method[Request, Response],
        request: Request,
        *,
        seconds: float = CALL_SECONDS,
        retry: bool = True,
        traced: bool = True,
    ) -> Response:
        """Calls, again after UNAVAILABLE for ten seconds where `retry` says so: of calls that are idempotent. Raises ServiceError."""
        deadline = time.monotonic() + min(seconds, _PATIENCE_SECONDS)
        for delay in _delays():
            with self._tracing.call(method.path, self.address, traced) as metadata:
                try:
                    return cast(Response, self._one(self._unary(method), request, seconds, metadata))
                except grpc.RpcError as error:
                    failure = service_error(error, self.address)
                    if not (retry and failure.code == "UNAVAILABLE" and time.monotonic() + delay < deadline):
                        raise failure from None
            time.sleep(delay)
        raise AssertionError

    def begin(self, method: Method[Request, Response], request: Request, seconds: float) -> PendingCall[Response]:
        """Calls, and does not wait. Nobody records such a call: it is for those who wait for work."""
        metadata = self._with(untraced())
        return PendingCall(self._unary(method).future(request, timeout=seconds, metadata=metadata), self.address)

    def send(
        self, method: Method[Request, Response], requests: Iterable[Request], *, seconds: float | None, traced: bool = True
    ) -> Response:
        """A stream of requests with one answer. The service may end it before the requests do. Raises ServiceError."""
        stub = self._channel.stream_unary(method.path, request_serializer=_serialize, response_deserializer=method.response.FromString)
        with self._tracing.call(method.path, self.address, traced) as metadata:
            try:
                return cast(Response, self._one(stub, iter(requests), seconds, metadata))
            except grpc.RpcError as error:
                raise service_error(error, self.address) from None

    def receive(self, method: Method[Request, Response], request: Request, *, seconds: float | None = None) -> Iterator[Response]:
        """A request with a stream of answers. Raises ServiceError."""
        stub = self._channel.unary_stream(method.path, request_serializer=_serialize, response_deserializer=method.response.FromString)
        with self._tracing.call(method.path, self.address, True) as metadata:
            yield from self._answers(stub(request, timeout=seconds, metadata=self._with(metadata)))

    def exchange(self, method: Method[Request, Response], requests: Iterable[Request]) -> Iterator[Response]:
        """A stream of requests with a stream of answers. Raises ServiceError."""
        stub = self._channel.stream_stream(method.path, request_serializer=_serialize, response_deserializer=method.response.FromString)
        with self._tracing.call(method.path, self.address, True) as metadata:
            yield from self._answers(stub(iter(requests), metadata=self._with(metadata)))

    def _one(self, stub: Any, request: Any, seconds: float | None, metadata: Metadata) -> Any:
        """The answer of a call that has one."""
        with cancellable() as cover:
            if cover is None:
                return stub(request, timeout=seconds, metadata=self._with(metadata))
            try:
                return cover(stub.future(request, timeout=seconds, metadata=self._with(metadata))).result()
            except grpc.FutureCancelledError:
                raise ServiceError("CANCELLED", "the call was cancelled") from None

    def _answers(self, call: Any) -> Iterator[Any]:
        try:
            with cancellable() as cover:
                yield from call if cover is None else cover(call)
        except grpc.RpcError as error:
            raise service_error(error, self.address) from None
        finally:
            # What is not read to its end is not sent to its end.
            call.cancel()

    def _with(self, metadata: Metadata) -> _Sent:
        return (*self._metadata, *metadata)

    def _unary(self, method: Method[Request, Response]) -> grpc.UnaryUnaryMultiCallable[Request, Response]:
        return self._channel.unary_unary(method.path, request_serializer=_serialize, response_deserializer=method.response.FromString)


class PendingCall(Generic[Response]):
    """A call under way."""

    def __init__(self, future: Any, address: str) -> None:
        self._future = future
        self._address = address

    def on_done(self, callback: Callable[[], None]) -> None:
        """Calls back once the answer is there, from another thread, also after `cancel`."""
        self._future.add_done_callback(lambda _: callback())

    @property
    def done(self) -> bool:
        return bool(self._future.done())

    def cancel(self) -> None:
        self._future.cancel()

    def result(self) -> Response:
        """The answer, once it is there. Raises ServiceError."""
        try:
            return cast(Response, self._future.result())
        except grpc.FutureCancelledError:
            raise ServiceError("CANCELLED", "the call was cancelled") from None
        except grpc.RpcError as error:
            raise service_error(error, self._address) from None


class Tracing:
    """What calls are recorded with; this one records nothing."""

    def call(self, path: str, address: str, traced: bool) -> CallSpan:
        """The span of a call, and the metadata that tell of it."""
        return CallSpan([] if traced else untraced())


class CallSpan:
    """The time of a call."""

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata

    def __enter__(self) -> Metadata:
        return self.metadata

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        return None


def untraced() -> Metadata:
    """Says that nobody records a call: a trace of its own whose flags say so (W3C trace context)."""
    return [("traceparent", f"00-{random.getrandbits(128) or 1:032x}-{random.getrandbits(64) or 1:016x}-00")]


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address.

    >>> [is_loopback(address) for address in ("127.0.0.1:7437", "[::1]:7437", "localhost:1", "unix:/run/a", "0.0.0.0:7437")]
    [True, True, True, True, False]
    """
    host = re.sub(r"^\[|\]$", "", re.sub(r":\d+$", "", address))
    return address.startswith("unix:") or host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _check_address(address: str) -> None:
    if re.match(r"unix:/.", address):
        return
    match = re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:\[\]/]+):(\d{1,5})", address)
    if match is None or int(match[1]) > 65535:
        raise UsageError(f'"{address}" is not an address; expected host:port, for example 127.0.0.1:7437')


def _check_authority(pem: bytes, path: str | os.PathLike[str]) -> None:
    """gRPC says nothing of such a file, and tries to connect for ever."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode())
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{os.fspath(path)} has no certificate; expected that of the server's authority, as PEM") from error


def service_error(error: grpc.RpcError, address: str) -> ServiceError:
    """The error of a call as ours."""
    call = cast(grpc.Call, error)
    code = call.code().name
    details = call.details() or ""
    if code == "UNAVAILABLE":
        details = f"{address} cannot be reached: {details}"
    told = Details()
    for key, value in call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            told = read_details(value if isinstance(value, bytes) else value.encode("latin1"))
    return ServiceError(code, details or code, told.reason, told.violations)


def _delays() -> Iterator[float]:
    """Pauses before the next attempt, in seconds: doubling, one second at most, with jitter."""
    delay = 0.1
    while True:
        yield delay * (0.5 + random.random() / 2)
        delay = min(1.0, 2 * delay)


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
