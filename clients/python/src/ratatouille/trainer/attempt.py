"""One attempt at a job, from its beginning to its end."""

from __future__ import annotations

import json
import queue
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._generated.finetune_pb2 import (
    BeginAttemptResponse,
    CompleteAttemptRequest,
    CompleteAttemptResponse,
    FailAttemptRequest,
    Output,
    ReleaseAttemptRequest,
    Trainer,
)
from ..artifacts import Artifacts
from ..cache import Cache
from ..connection import COMPLETE, FAIL, RELEASE, Connection
from ..content import FileContent
from ..errors import ElsewhereError, RecipeError, ServiceError, TransferAborted
from ..mixing import mix_models
from ..recipe import Recipe, parse_recipe
from .checkpoints import Checkpoints
from .failure import Failure, GivenUp, LostAttempt, failure_of
from .inputs import Fetch, Inputs
from .lease import Lease
from .log import Log
from .pipe import Message
from .process import WorkerProcess
from .stopping import Stopping
from .telemetry import Telemetry
from .threads import start_thread
from .usage import usage_here

#: A training that is wanted no more and does not say how far it is for so long is ended with its process.
_CANCEL_SECONDS = 10.0
#: A job that could not be run for want of a service is given back no sooner.
_PAUSE_SECONDS = 1.0
_RELEASE_SECONDS = 0.5
_MOST_CURVE = 2 << 20


@dataclass(frozen=True)
class Dependencies:
    """What attempts need of the rest of the world."""

    finetune: Connection
    artifacts: Artifacts
    cache: Cache
    worker: WorkerProcess
    #: What the worker, the lease and signals say.
    events: queue.SimpleQueue[Message]
    trainer: Trainer
    #: Where directories of jobs are.
    made: Path
    stopping: Stopping
    telemetry: Telemetry
    log: Log
    checkpoint_seconds: float
    step_timeout: float


class Attempt:
    """An attempt that has begun. `compute` blocks the main thread; what remains then is told by `finish` while the next one computes."""

    _numbers = 0

    def __init__(self, begun: BeginAttemptResponse, deps: Dependencies) -> None:
        Attempt._numbers += 1
        self._number = Attempt._numbers
        self._begun = begun
        self._deps = deps
        self._job = begun.job.id
        self._fields = {"job": begun.job.id, "attempt": begun.attempt}
        self._abort = threading.Event()
        self._lease = Lease(
            deps.finetune, begun.job.id, begun.attempt, begun.lease_seconds, deps.log, lambda why: self._put({"type": "lost", "why": why})
        )
        self._checkpoints = Checkpoints(begun, deps.finetune, deps.artifacts, deps.log, self._abort)
        self._fetch = Fetch(begun, deps.cache, self._abort)
        self._scratch: Path | None = None
        self._heard_at = time.monotonic()
        self._running = False
        self._kind = ""
        self._pace = _Pace(deps.telemetry)

    def compute(self) -> threading.Thread:
        """Runs the job. Returns when there is nothing left to compute, with the thread that tells the service what became of it."""
        self._lease.start()
        outcome: Message | BaseException
        try:
            outcome = self._compute()
        except Exception as error:
            outcome = error
        if isinstance(outcome, (LostAttempt, GivenUp)):
            self._end_worker()
        self._running = False
        return start_thread(lambda: self._finish(outcome), "finish")

    def _put(self, message: Message) -> None:
        self._deps.events.put({**message, "attempt": self._number})

    # -- computing

    def _compute(self) -> Message:
        recipe = parse_recipe(self._begun.job.recipe)
        self._kind = recipe.kind
        if recipe.kind not in self._deps.trainer.kinds:
            raise ElsewhereError(f"this trainer runs recipes of the kinds {', '.join(self._deps.trainer.kinds)}, not {recipe.kind}")
        start_thread(lambda: self._prepare(recipe), "prepare")
        message = self._await("prepared")["run"]
        self._deps.worker.begin_job()
        self._running = True
        self._heard_at = time.monotonic()
        attributes = {
            "ratatouille.job": self._job,
            "ratatouille.attempt": self._begun.attempt,
            "ratatouille.recipe.kind": recipe.kind,
        }
        with self._deps.telemetry.span("run recipe", attributes):
            self._deps.worker.send(message)
            done = self._await("done")
            self._pace.end()
            return done

    def _prepare(self, recipe: Recipe) -> None:
        """Brings all that the worker needs; in a thread, so that it can be given up."""
        try:
            self._put({"type": "prepared", "run": self._run_message(recipe)})
        except Exception as error:
            self._put({"type": "unprepared", "error": error})

    def _run_message(self, recipe: Recipe) -> Message:
        deps = self._deps
        deps.made.mkdir(parents=True, exist_ok=True)
        self._scratch = scratch = Path(tempfile.mkdtemp(prefix="job-", dir=deps.made))
        inputs = self._fetch.fetch(recipe)
        resume = self._checkpoints.load(scratch, deps.worker.ready["checkpoint_format"]) if recipe.kind != "predict" else None
        if recipe.kind == "predict":
            self._lease.begin(len(inputs.data.rows), "rows", 0)
        else:
            self._lease.begin(recipe.steps, "", 0 if resume is None else resume["step"])
        return {
            "type": "run",
            "job": self._number,
            "recipe": self._begun.job.recipe,
            "engine": self._begun.job.needs.backend,
            "index": str(inputs.index),
            "split": None if inputs.split is None else str(inputs.split),
            "shards": {digest: str(path) for digest, path in inputs.shards.items()},
            "weights": None if inputs.weights is None else str(inputs.weights),
            "head": None if inputs.head is None else str(inputs.head),
            "model": self._model(recipe, inputs, scratch),
            "resume": resume,
            "scratch": str(scratch),
            "checkpoint_seconds": deps.checkpoint_seconds,
        }

    def _model(self, recipe: Recipe, inputs: Inputs, scratch: Path) -> str | None:
        """The one model of a prediction, or the mean of several, which is a file of this machine alone."""
        if recipe.kind != "predict":
            return None
        if not inputs.models:
            raise RecipeError("inputs.models", "is missing")
        if len(inputs.models) == 1:
            return str(inputs.models[0])
        mixed = scratch / "mean.safetensors"
        with self._deps.telemetry.span("mix models", {"ratatouille.models": len(inputs.models)}):
            mix_models(inputs.models, recipe.parameters.get("weights"), mixed)
        return str(mixed)

    def _await(self, expected: str) -> Message:
        """Takes events until the expected one. Raises LostAttempt, GivenUp, Failure, and what preparing raised."""
        deps = self._deps
        asked = False
        while True:
            if deps.stopping.asked and not asked:
                asked = True
                if not self._running:
                    raise GivenUp(deps.stopping.why)
                deps.worker.send({"type": "drain", "job": self._number, "why": deps.stopping.why})
            message = self._next()
            if message is None:
                if deps.stopping.time_up.is_set():
                    raise GivenUp(deps.stopping.why)
                self._check_silence()
                continue
            kind = message["type"]
            if kind == expected:
                return message
            if kind == "unprepared":
                raise message["error"]
            if kind == "lost":
                raise LostAttempt(message["why"])
            if kind == "exit":
                raise Failure(f"the process of the training code ended: {message['how']}")
            if kind == "stopped":
                raise GivenUp(deps.stopping.why or "the training code ended its job")
            if kind == "failed":
                raise Failure(message["error"], permanent=message["permanent"], elsewhere=message["elsewhere"])
            self._heard_at = time.monotonic()
            if kind == "report":
                self._report(message)
            elif kind == "checkpoint":
                self._checkpoints.save(message, lambda cost: deps.worker.send({"type": "saved", "job": self._number, "cost": cost}))

    def _next(self) -> Message | None:
        """The next event that concerns this attempt; None where it is time to look at the clock."""
        deps = self._deps
        while True:
            wait = self._heard_at + deps.step_timeout - time.monotonic() if self._running else 60.0
            left = deps.stopping.seconds_left
            if left is not None:
                wait = min(wait, left + 0.01)
            try:
                message = deps.events.get(timeout=min(max(wait, 0.01), 3600.0))
            except queue.Empty:
                return None
            if {message.get("attempt", self._number), message.get("job", self._number)} == {self._number} and deps.worker.concerns(message):
                return message

    def _check_silence(self) -> None:
        deps = self._deps
        if not self._running or time.monotonic() < self._heard_at + deps.step_timeout:
            return
        deps.worker.kill()
        raise Failure(f"the training code reported nothing for {deps.step_timeout:g} s, and its process was ended (--step-timeout)")

    def _report(self, message: Message) -> None:
        self._lease.report(message["step"], message["loss"], message["accuracy"], message["validating"])
        if self._kind != "predict":
            self._checkpoints.on_step(message["step"])
            self._pace.on_step(message["step"], time.monotonic())

    def _end_worker(self) -> None:
        """Has training code that is wanted no more end by itself, so that it need not be loaded again; else ends its process."""
        deps = self._deps
        if not self._running or not deps.worker.alive or deps.stopping.asked:
            return
        deps.worker.send({"type": "cancel", "job": self._number, "why": "nobody needs it any more"})
        deadline = time.monotonic() + _CANCEL_SECONDS
        while time.monotonic() < deadline and not deps.stopping.asked:
            try:
                message = deps.events.get(timeout=0.1)
            except queue.Empty:
                continue
            if message.get("job") == self._number and message["type"] in ("stopped", "done", "failed"):
                return
            if message["type"] == "exit" and deps.worker.concerns(message):
                return
        deps.worker.kill()

    # -- telling

    def _finish(self, outcome: Message | BaseException) -> None:
        deps = self._deps
        timer = threading.Thread(target=self._give_up_in_time, name="time up", daemon=True)
        timer.start()
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            self._publish(outcome)
        except Exception as error:
            try:
                self._tell(error)
            except ServiceError as failure:
                if not failure.lost:
                    deps.log.warn(
                        "the service could not be told how an attempt ended; its lease ends soon", **self._fields, error=str(failure)
                    )
        finally:
            self._abort.set()
            self._lease.end()
            self._fetch.release()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def _give_up_in_time(self) -> None:
        while not self._abort.is_set():
            if self._deps.stopping.time_up.wait(0.2):
                self._abort.set()

    def _publish(self, made: Message) -> None:
        deps = self._deps
        self._checkpoints.settle()
        answer = self._complete(made)
        deps.log.info("job completed", **self._fields, artifact=answer.job.artifact)

    def _complete(self, made: Message, again: bool = True) -> CompleteAttemptResponse:
        """Uploads, and completes with it: once more where the catalog does not have it any more when it is asked for."""
        deps = self._deps
        blob = deps.artifacts.upload(FileContent(made["path"]), self._abort)
        request = CompleteAttemptRequest(
            job_id=self._job,
            attempt=self._begun.attempt,
            outputs=[Output(role=made["role"], digest=blob.digest, size_bytes=blob.bytes)],
            summary=json.dumps(made["summary"]),
            curve="" if made["curve"] is None else _short(made["curve"]),
            cpu_ms=round(1000 * made["cpu_seconds"]),
            usage=usage_here(deps.artifacts.moved, made["peak_memory_bytes"]),
        )
        try:
            return deps.finetune.call(COMPLETE, request, seconds=600)
        except ServiceError as error:
            if error.reason != "BLOB_MISSING" or not again:
                raise
            return self._complete(made, again=False)

    def _tell(self, error: Exception) -> None:
        deps = self._deps
        attempt: dict[str, Any] = {"job_id": self._job, "attempt": self._begun.attempt}
        if isinstance(error, LostAttempt) or (isinstance(error, ServiceError) and error.code == "ABORTED"):
            deps.log.info("attempt given up", **self._fields, reason=str(error))
            return
        if isinstance(error, ServiceError) and error.reason == "OUTPUTS_INVALID":
            # That has ended the attempt; it counts against this trainer.
            deps.log.error("the service does not take the result", **self._fields, reason=str(error))
            return
        if deps.stopping.asked and isinstance(error, (GivenUp, TransferAborted, ServiceError)):
            self._checkpoints.settle(deps.stopping.seconds_left)
            deps.finetune.call(RELEASE, ReleaseAttemptRequest(**attempt), seconds=_RELEASE_SECONDS)
            deps.log.info("the trainer ends; its job is given back", **self._fields)
            return
        if isinstance(error, GivenUp) or (isinstance(error, ServiceError) and error.passing):
            deps.log.warn("a service is not there, or has no room; the job is given back", **self._fields, error=str(error))
            time.sleep(_PAUSE_SECONDS)
            deps.finetune.call(RELEASE, ReleaseAttemptRequest(**attempt))
            return
        failure = failure_of(error)
        deps.log.warn("attempt failed", **self._fields, error=failure.sentence, permanent=failure.permanent, elsewhere=failure.elsewhere)
        request = FailAttemptRequest(**attempt, error=failure.sentence[:2000], permanent=failure.permanent, elsewhere=failure.elsewhere)
        deps.finetune.call(FAIL, request)


class _Pace:
    """Counts the steps of a training, and measures its speed once, from its first report to its last."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._first: tuple[int, float] | None = None
        self._last: tuple[int, float] | None = None

    def on_step(self, step: int, now: float) -> None:
        if self._last is not None and step > self._last[0]:
            self._telemetry.steps(step - self._last[0])
        self._last = (step, now)
        self._first = self._first or self._last

    def end(self) -> None:
        if self._first is not None and self._last is not None and self._last[1] > self._first[1]:
            self._telemetry.speed((self._last[0] - self._first[0]) / (self._last[1] - self._first[1]))


def _short(curve: dict[str, Any]) -> str:
    """The course of a training as JSON of 2 MiB at most: every second entry is left out as often as it takes."""
    while len(text := json.dumps(curve)) > _MOST_CURVE:
        curve = {name: entries[::2] if isinstance(entries, list) else entries for name, entries in curve.items()}
    return text
