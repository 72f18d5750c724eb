"""A system of ratatouille, for people and their programs. `Client` is the whole of it."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from google.protobuf import json_format, struct_pb2

from .._generated import averaging_pb2, catalog_pb2, recycling_pb2
from ..artifacts import Artifacts
from ..cancellation import wanted
from ..connection import Connection, Method, Request
from ..errors import ServiceError, UsageError
from ..safetensors_file import Tensors, tensors_in
from .artifact import KINDS, Artifact, artifact_of
from .events import Event, watch_events
from .given import NAMES, Name, Weights, check_name, content_of, is_digest, is_name, layout_of
from .lineage import Lineage
from .method import MergeMethod, method_of_message
from .methods import (
    AVERAGE,
    CREATE_TAG,
    GET_ARTIFACT,
    GET_LINEAGE,
    GET_RUN,
    IMPORT_MODEL,
    LIST_ARTIFACTS,
    LIST_METHODS,
    LIST_REFS,
    LIST_RUNS,
    LIST_SESSIONS,
    MOVE_REF,
    OPEN_SESSION,
    START_RUN,
)
from .page import Listing
from .progress import Progress, meter
from .reading import read_tensors
from .ref import Ref, ref_of
from .run import Run, RunState, run_state_of, specification_of
from .session import Session, SessionState, session_state_of

_PAGE = 100


class Client:
    """A connection to a system: `Client("host:7437")`. Threads may share one; it connects when it is first needed.

    :param address: host:port; by default RATATOUILLE_SERVER, or 127.0.0.1:7437
    :param token: by default RATATOUILLE_TOKEN
    :param ca: path of the server's certificate authority (PEM), for TLS; by default RATATOUILLE_CA
    :param progress: True shows bars of tqdm, False nothing; by default bars where tqdm is installed and somebody sees them. A function
        is called with what is done, how far it is, and of how much
    :raises UsageError: for no address, a certificate that cannot be read, a token that would travel in the clear

    All methods raise ServiceError for what the system refuses: `code`, `reason` and `violations` are for programs, the text is for people;
    and UsageError for what cannot be sent at all.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> None:
        self.progress = progress
        self._connection = Connection(
            address or os.environ.get("RATATOUILLE_SERVER") or "127.0.0.1:7437",
            token=token if token is not None else os.environ.get("RATATOUILLE_TOKEN") or None,
            ca=ca or os.environ.get("RATATOUILLE_CA") or None,
        )
        self._artifacts = Artifacts(self._connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"<Client of {self._connection.address}>"

    # -- weights

    def push(
        self,
        weights: Weights,
        ref: str | None = None,
        *,
        licence: str = "",
        source: str | None = None,
        architecture: str = "",
        base: Name | None = None,
    ) -> Artifact:
        """Puts weights into the catalog as a model, unless they are there. Nothing is sent that is there; what breaks goes on where it was.

        :param weights: a safetensors or PyTorch file, a folder of Hugging Face's, arrays or torch tensors by name, or a module
        :param ref: a name to move to it, such as "digits/champion"
        :param licence: an SPDX expression, such as "Apache-2.0"; unknown unless given, and so is that of all that is made of it
        :param source: where it comes from, for people; the name of the file unless given
        :param architecture: such as "resnet18"; models of different architectures have no average, an unknown one is taken for any
        :param base: the model of the catalog that it is a fine-tuning of
        """
        if ref is not None:
            self._pointed_to(ref)
        content = content_of(weights)
        request = catalog_pb2.ImportModelRequest(
            files=[catalog_pb2.ImportedFile(digest=content.digest)],
            licence=licence,
            source=content.name if source is None else source,
            architecture=architecture,
            base="" if base is None else self._digest(base),
        )
        try:
            answer = self._connection.call(IMPORT_MODEL, request, seconds=600)
        except ServiceError as error:
            if error.reason != "BLOB_NOT_FOUND":
                raise
            with meter(self.progress, f"push {content.name}", content.size) as moved:
                self._artifacts.upload(content, wanted(), moved)
            answer = self._connection.call(IMPORT_MODEL, request, seconds=600)
        return self._named(artifact_of(answer.artifact), ref, "pushed")

    def pull(self, model: Name, tensors: Iterable[str] = ()) -> Tensors:
        """The weights of a model, as arrays by name; `.torch()` has them as torch tensors. They are verified, and lie in memory once.

        :param tensors: only these: names, or patterns with `*` and `?`; all unless given
        :raises ServiceError: NOT_FOUND where there is none (TENSOR_NOT_FOUND: no such tensor); DATA_LOSS where the catalog has other bytes
        """
        if isinstance(tensors, str):
            raise UsageError(f"tensors is {tensors!r}; expected a list of names, even of one")
        artifact = self.get(model)
        if wanted_tensors := list(tensors):
            with meter(self.progress, "pull tensors", 0) as moved:
                return read_tensors(self._connection, artifact.digest, wanted_tensors, moved)
        file = artifact.weights
        memory = mmap.mmap(-1, file.size)
        with meter(self.progress, f"pull {file.name}", file.size) as moved:
            self._artifacts.download(file.digest, memory, wanted(), moved)
        return tensors_in(memory)

    def download(self, model: Name, path: str | os.PathLike[str]) -> Path:
        """Writes the weights of a model to a safetensors file, or into a folder. The file appears once it is whole and verified."""
        file = self.get(model).weights
        to = Path(path)
        if to.is_dir():
            to = to / (file.name or "model.safetensors")
        if not to.parent.is_dir():
            raise UsageError(f"there is no folder {to.parent} to write {to.name} to")
        descriptor, partial = tempfile.mkstemp(prefix=f".{to.name}.", suffix=".partial", dir=to.parent)
        try:
            with os.fdopen(descriptor, "wb") as sink, meter(self.progress, f"download {to.name}", file.size) as moved:
                self._artifacts.download(file.digest, sink, wanted(), moved)
            Path(partial).chmod(0o644)
            return Path(partial).replace(to)
        finally:
            Path(partial).unlink(missing_ok=True)

    # -- averages

    def average(
        self,
        models: Sequence[Name | Weights],
        method: str = "uniform",
        *,
        weights: Sequence[float] | None = None,
        base: Name | Weights | None = None,
        statistics: Sequence[Name | Weights] = (),
        parameters: Mapping[str, Any] | None = None,
        exclude: Iterable[str] = (),
        dtype: str = "",
        seed: int | None = None,
        allow_unrelated: bool = False,
        ref: str | None = None,
    ) -> Artifact:
        """Averages models, or merges them by another method. What was made before is answered from the catalog.

        :param models: models of the catalog, or weights, which are pushed before
        :param method: "uniform" is the mean; "weighted", "linear", "ties", "dare_ties", "slerp", …: see `methods`
        :param weights: one for each model, for methods with weights
        :param base: the model to which differences are taken, for methods that have one
        :param parameters: of the method: numbers or bools, or lists of these with one for each model
        :param exclude: names of tensors to leave out
        :param dtype: of the result: F64, F32, F16 or BF16; that of the models unless given
        :param allow_unrelated: average models of different foundation models all the same
        :param ref: a name to move to the result
        :raises ServiceError: INVALID_ARGUMENT (AVERAGE_INVALID) with a violation for each wrong field; FAILED_PRECONDITION
            (INCOMPATIBLE_MODELS) where names, shapes, types or foundations differ
        """
        if isinstance(models, (str, Mapping)) or not isinstance(models, Sequence):
            raise UsageError(f"models is a {type(models).__name__}; expected a list of models, even of one")
        if ref is not None:
            self._pointed_to(ref)
        request = averaging_pb2.AverageRequest(
            models=[self._model(one, f"models[{i}]") for i, one in enumerate(models)],
            method=method,
            weights=weights or (),
            base="" if base is None else self._model(base, "base"),
            statistics=[self._model(one, f"statistics[{i}]") for i, one in enumerate(statistics)],
            parameters={name: _value(name, value) for name, value in (parameters or {}).items()},
            exclude=exclude,
            dtype=dtype,
            seed=seed,
            allow_unrelated=allow_unrelated,
        )
        return self._made(self._connection.receive(AVERAGE, request), f"average {len(models)} models", ref)

    def soup(self, models: Sequence[Name | Weights], *, ref: str | None = None) -> Artifact:
        """The mean of models, whatever they are given as: digests, refs, files, arrays, state dicts."""
        return self.average(models, ref=ref)

    def methods(self) -> Listing[MergeMethod]:
        """The methods that `average` takes, with their parameters."""
        return Listing(map(method_of_message, self._connection.call(LIST_METHODS, averaging_pb2.ListMethodsRequest()).methods))

    # -- sessions

    def session(
        self,
        id: str | None = None,
        *,
        secret: str = "",
        method: str = "uniform",
        weights: Mapping[str, float] | None = None,
        like: Weights | None = None,
        dtype: str = "",
        architecture: str = "",
        licence: str = "",
        expires_in: float = 0,
        keep: bool = False,
    ) -> Session:
        """Opens a session, an average that grows while contributions arrive; with an id, joins one.

        :param secret: of the session that is joined; without it one can only look and take snapshots
        :param method: "uniform": Σ x / K. "weighted": Σ w · x. "linear": Σ w · x / Σ w
        :param weights: who may contribute, and with which weight; anybody who has the secret unless given
        :param like: weights such as all contributions have to be: names, shapes, types; those of the first unless given
        :param dtype: of the average: F32, F16 or BF16; F32 unless given
        :param expires_in: seconds until it ends by itself; a day unless given
        :param keep: store contributions, so that a withdrawal needs no bytes
        """
        if id is not None:
            return Session(self, id, secret)
        request = averaging_pb2.OpenSessionRequest(
            method=method,
            weights=dict(weights or {}),
            layout=[] if like is None else _layout(like),
            dtype=dtype,
            architecture=architecture,
            licence=licence,
            expires_in_seconds=round(expires_in),
            keep=keep,
        )
        answer = self._connection.call(OPEN_SESSION, request, retry=False)
        return Session(self, answer.session.id, answer.secret)

    def sessions(self, limit: int = _PAGE) -> Listing[SessionState]:
        """Sessions, the newest first."""
        return Listing(islice(self._sessions(), limit))

    # -- the catalog

    def get(self, model: Name) -> Artifact:
        """An artifact by digest, by at least 8 digits of one, by ref or by tag.

        :raises ServiceError: NOT_FOUND; INVALID_ARGUMENT (AMBIGUOUS_DIGEST)
        """
        if isinstance(model, Artifact):
            return model
        name = check_name(model)
        request = catalog_pb2.GetArtifactRequest(digest=name) if is_digest(name) else catalog_pb2.GetArtifactRequest(ref=name)
        return artifact_of(self._connection.call(GET_ARTIFACT, request).artifact)

    def models(self, filter: str = "", limit: int = _PAGE, *, kind: str = "model", order_by: str = "") -> Listing[Artifact]:
        """Models, the newest first.

        :param filter: what is searched for, such as `architecture = resnet18 AND metric.accuracy >= 0.9`, or a word (catalog.proto has all)
        :param kind: of artifacts: "source", "dataset", "evaluation", …; "" for all
        :param order_by: "created", "size" or "metric.NAME", and maybe " desc"
        """
        if kind not in ("", *KINDS):
            raise UsageError(f'kind is "{kind}"; expected one of {", ".join(KINDS)}')
        asked = catalog_pb2.ListArtifactsRequest(kind=f"ARTIFACT_KIND_{kind.upper() or 'UNSPECIFIED'}", filter=filter, order_by=order_by)
        return Listing(islice(self._listed(asked), limit))

    def refs(self, prefix: str = "", limit: int = _PAGE) -> Listing[Ref]:
        """Names that point to artifacts, and where they pointed before."""
        return Listing(islice(self._refs(prefix), limit))

    def move_ref(self, name: str, to: Name, *, expected: Name | None = None, reason: str = "") -> Ref:
        """Moves a ref, or makes it.

        :param expected: where the caller believes that it points; it is looked up unless given
        :raises ServiceError: ABORTED (REF_MOVED) where it points elsewhere
        """
        before = self._pointed_to(name) if expected is None else self._digest(expected)
        request = catalog_pb2.MoveRefRequest(name=name, to=self._digest(to), reason=reason, **{"from": before})
        return ref_of(self._connection.call(MOVE_REF, request, retry=False).ref)

    def tag(self, name: str, model: Name) -> None:
        """Gives a model a name that never moves, such as "digits:1.0". Raises ServiceError: ALREADY_EXISTS (TAG_TAKEN)."""
        self._connection.call(CREATE_TAG, catalog_pb2.CreateTagRequest(name=name, digest=self._digest(model)))

    def lineage(self, model: Name, depth: int = 0, *, descendants: bool = False) -> Lineage:
        """What a model was made of, and what that was made of; or what was made of it. `depth` steps, or all."""
        request = catalog_pb2.GetLineageRequest(
            digest=self._digest(model), depth=depth, direction="LINEAGE_DIRECTION_DESCENDANTS" if descendants else None, page_size=_PAGE
        )
        return Lineage(tuple(self._walked(request)), descendants)

    # -- runs and events

    def recycle(self, run: Mapping[str, Any] | str | os.PathLike[str], *, wait: bool = True) -> Run:
        """Starts a recycling run, or goes on with it: the same specification is the same run.

        :param run: the fields of RunSpec (recycling.proto), for example those of another run's `specification()`, or a JSON file of them
        :param wait: until it has succeeded
        :raises ServiceError: INVALID_ARGUMENT (SPECIFICATION_INVALID) with a violation for each wrong field; ABORTED (RUN_FAILED)
        """
        request = recycling_pb2.StartRunRequest(spec=specification_of(run))
        told = self._connection.call(START_RUN, request, seconds=120).run
        started = Run(self, told.id, told.spec.name)
        if wait:
            started.wait()
        return started

    def run(self, id: str) -> Run:
        """A run by its id. Raises ServiceError: NOT_FOUND."""
        told = self._connection.call(GET_RUN, recycling_pb2.GetRunRequest(id=id)).run
        return Run(self, told.id, told.spec.name)

    def runs(self, limit: int = _PAGE) -> Listing[RunState]:
        """Runs, the newest first."""
        return Listing(islice(self._runs(), limit))

    def watch(self, *subjects: str, since: datetime | None = None) -> Iterator[Event]:
        """What happens in the system, until the caller leaves.

        :param subjects: such as "ratatouille.v1.artifact.published"; all unless given
        :param since: events from then on, as far as they are kept (a day); from now on unless given
        """
        return watch_events(self._connection, subjects, since)

    # -- inside

    def _model(self, given: Name | Weights, field: str) -> str:
        if isinstance(given, Artifact) or is_name(given):
            return self._digest(given)  # type: ignore[arg-type]
        if isinstance(given, str) and not Path(given).exists():
            raise UsageError(f"{field} is {given!r}, which is no file here; expected that, or a {NAMES}")
        return self.push(given).digest

    def _digest(self, name: Name) -> str:
        return self.get(name).digest

    def _made(self, answers: Iterator[Any], what: str, ref: str | None) -> Artifact:
        """The artifact that is the last of the answers, whose others say how far it is."""
        with contextlib.ExitStack() as stack:
            moved = None
            for answer in answers:
                if answer.HasField("artifact"):
                    return self._named(artifact_of(answer.artifact), ref, what)
                moved = moved or stack.enter_context(meter(self.progress, what, answer.progress.total_bytes))
                moved(answer.progress.read_bytes)
        raise ServiceError("UNAVAILABLE", f"{self._connection.address} ended the call without a model")

    def _pointed_to(self, ref: str) -> str:
        """Where a ref points; "" where there is none. Raises ServiceError where none can have this name."""
        try:
            return self._connection.call(GET_ARTIFACT, catalog_pb2.GetArtifactRequest(ref=ref, include_damaged=True)).artifact.digest
        except ServiceError as error:
            if error.reason != "REF_NOT_FOUND":
                raise
            return ""

    def _named(self, artifact: Artifact, ref: str | None, reason: str) -> Artifact:
        if ref is not None:
            self.move_ref(ref, artifact, reason=reason)
        return artifact

    def _listed(self, request: catalog_pb2.ListArtifactsRequest) -> Iterator[Artifact]:
        request.page_size = _PAGE
        for page in self._pages(LIST_ARTIFACTS, request):
            yield from map(artifact_of, page.artifacts)

    def _walked(self, request: catalog_pb2.GetLineageRequest) -> Iterator[Artifact]:
        for page in self._pages(GET_LINEAGE, request):
            yield from map(artifact_of, page.artifacts)

    def _refs(self, prefix: str) -> Iterator[Ref]:
        for page in self._pages(LIST_REFS, catalog_pb2.ListRefsRequest(prefix=prefix, page_size=_PAGE)):
            yield from map(ref_of, page.refs)

    def _runs(self) -> Iterator[RunState]:
        for page in self._pages(LIST_RUNS, recycling_pb2.ListRunsRequest(page_size=_PAGE)):
            yield from map(run_state_of, page.runs)

    def _sessions(self) -> Iterator[SessionState]:
        for page in self._pages(LIST_SESSIONS, averaging_pb2.ListSessionsRequest(page_size=_PAGE)):
            yield from map(session_state_of, page.sessions)

    def _pages(self, method: Method[Request, Any], request: Request) -> Iterator[Any]:
        """The answers of a list, the next only when it is needed. Request and answer have page tokens; that of the request changes."""
        asked: Any = request
        while True:
            answer = self._connection.call(method, request)
            yield answer
            asked.page_token = answer.next_page_token
            if not asked.page_token:
                return


def _layout(like: Weights) -> list[averaging_pb2.SessionTensor]:
    return [averaging_pb2.SessionTensor(name=name, dtype=dtype, shape=shape) for name, (dtype, shape) in layout_of(like).items()]


def _value(name: str, value: Any) -> struct_pb2.Value:
    try:
        return json_format.ParseDict(value, struct_pb2.Value())
    except json_format.ParseError as error:
        raise UsageError(f"parameters[{name!r}] is {value!r}; expected a number, a bool, or a list with one for each model") from error
