"""The life of a trainer: takes jobs until it is asked to end."""

from __future__ import annotations

import contextvars
import fcntl
import os
import queue
import shutil
import signal
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from uuid import uuid4

from .._generated.finetune_pb2 import BeginAttemptRequest, BeginAttemptResponse, TakeJobRequest, TakeJobResponse
from ..artifacts import Artifacts
from ..cache import Cache
from ..connection import BEGIN, TAKE_JOB, Connection
from ..errors import ServiceError, UsageError
from .announcer import Announcer, refusal
from .attempt import Attempt, Dependencies
from .describe import describe_trainer
from .log import Log
from .pipe import Message
from .process import WorkerProcess
from .settings import Settings
from .stopping import Stopping
from .telemetry import Telemetry

_WAIT_SECONDS = 20
#: A call that waits may take so much longer than it says.
_MORE_SECONDS = 10
_RETRY_SECONDS = 0.5
_PARKED_SECONDS = 30
#: So long work waits for the service to hear of this trainer.
_ANNOUNCE_SECONDS = 1.0
#: After it was asked to end, a trainer is gone in three seconds.
_LAST_SECONDS = 2.1


def run_trainer(settings: Settings, log: Log, telemetry: Telemetry) -> None:
    """Serves until SIGTERM or SIGINT. Raises UsageError, RefusedError."""
    stopping = Stopping()
    events: queue.SimpleQueue[Message] = queue.SimpleQueue()
    stopping.listen(lambda: events.put({"type": "stop"}))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: stopping.ask(f"{signal.Signals(number).name} was sent"))
    finetune, catalog = (
        Connection(address, token=settings.token, ca=settings.ca, tracing=telemetry) for address in (settings.finetune, settings.catalog)
    )
    worker = WorkerProcess(settings.target, settings.device, settings.arguments, log, events, settings.step_timeout)
    with ExitStack() as leaving:
        leaving.callback(worker.kill)
        leaving.enter_context(suppress(InterruptedError))
        worker.start()
        trainer = describe_trainer(settings, worker.ready["name"], worker.ready["description"])
        if not worker.ready["checkpoint_format"]:
            worker.ready["checkpoint_format"] = f"{trainer.engines[0].name}/1"
        try:
            made = _Made(settings.cache_directory / "made")
        except OSError as error:
            raise UsageError(f"cannot use the directory {settings.cache_directory} (--cache-dir): {error.strerror}") from error
        leaving.callback(made.remove)
        announcer = Announcer(finetune, trainer, log)
        announcer.start()
        leaving.callback(announcer.leave)
        announcer.heard.wait(_ANNOUNCE_SECONDS)
        artifacts = Artifacts(catalog)
        cache = Cache(artifacts, settings.cache_directory / "blobs", settings.disk_cache_mib << 20, settings.data_root)
        deps = Dependencies(
            finetune=finetune,
            artifacts=artifacts,
            cache=cache,
            worker=worker,
            events=events,
            trainer=trainer,
            made=made.path,
            stopping=stopping,
            telemetry=telemetry,
            log=log,
            checkpoint_seconds=settings.checkpoint_seconds,
            step_timeout=settings.step_timeout,
        )
        log.info(
            "trainer ready",
            server=settings.server,
            trainer=trainer.name,
            device=trainer.device,
            engines=[engine.name for engine in trainer.engines],
            memory_mib=trainer.memory_mib,
        )
        if not any(engine.networks or engine.built_in_networks for engine in trainer.engines):
            log.warn("no run file can name this trainer's network, and it gets no work: say what it is called by --network")
        _TakeLoop(deps, announcer).run()
        log.info("the trainer ends", reason=stopping.why)


class _TakeLoop:
    def __init__(self, deps: Dependencies, announcer: Announcer) -> None:
        self._deps = deps
        self._announcer = announcer
        self._ending: threading.Thread | None = None
        self._parked = False

    def run(self) -> None:
        deps = self._deps
        while not deps.stopping.asked:
            if self._announcer.refused is not None:
                raise self._announcer.refused
            handed = self._take()
            if handed is None or not handed.job_id:
                continue
            if not deps.worker.alive:
                deps.worker.start()
            # A trace of its own, that of the job.
            contextvars.copy_context().run(self._run_job, handed)
        if self._ending is not None and deps.stopping.asked_at is not None:
            self._ending.join(max(0.0, deps.stopping.asked_at + _LAST_SECONDS - time.monotonic()))

    def _take(self) -> TakeJobResponse | None:
        """Waits for a job; None: there was none, or the trainer is asked to end."""
        deps = self._deps
        request = TakeJobRequest(trainer_id=deps.trainer.id, wait_seconds=_WAIT_SECONDS)
        call = deps.finetune.begin(TAKE_JOB, request, _WAIT_SECONDS + _MORE_SECONDS)
        call.on_done(lambda: deps.events.put({"type": "answer"}))
        while not call.done:
            if deps.stopping.asked:
                call.cancel()
                return None
            deps.events.get()
        try:
            answer = call.result()
            self._parked = False
            return answer
        except ServiceError as error:
            self._on_refused_work(error)
            return None

    def _on_refused_work(self, error: ServiceError) -> None:
        deps = self._deps
        if error.reason == "TRAINER_UNKNOWN":
            self._announcer.again()
            self._pause(_RETRY_SECONDS)
        elif error.reason == "TRAINER_PARKED":
            if not self._parked:
                deps.log.error("this trainer gets no work any more until it is started again", reason=str(error))
            self._parked = True
            self._pause(_PARKED_SECONDS)
        elif error.code in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"):
            self._pause(_RETRY_SECONDS)
        else:
            refused = refusal(error)
            if refused is not None:
                raise refused
            deps.log.warn("no job could be taken", error=str(error))
            self._pause(_RETRY_SECONDS)

    def _pause(self, seconds: float) -> None:
        deps = self._deps
        deadline = time.monotonic() + seconds
        while not deps.stopping.asked and time.monotonic() < deadline:
            try:
                deps.events.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                return

    def _run_job(self, handed: TakeJobResponse) -> None:
        deps = self._deps
        with deps.telemetry.span("run job", {"ratatouille.job": handed.job_id}, parent=handed.traceparent):
            begun = self._begin(handed.job_id)
            if begun is None:
                return
            told = Attempt(begun, deps).compute()
        if self._ending is not None:
            self._ending.join()
        self._ending = told

    def _begin(self, job_id: str) -> BeginAttemptResponse | None:
        """The attempt; None: there is nothing to do, and the job is offered again where it has to be."""
        deps = self._deps
        trainer = deps.trainer
        request = BeginAttemptRequest(job_id=job_id, trainer=trainer.name, trainer_id=trainer.id, environment=trainer.environment)
        try:
            return deps.finetune.call(BEGIN, request, seconds=5, retry=False)
        except ServiceError as error:
            deps.log.info("a job was not begun", job=job_id, reason=error.reason or str(error))
            if error.reason not in ("JOB_DONE", "JOB_LEASED", "INPUT_MISSING", "JOB_UNFIT"):
                self._pause(_RETRY_SECONDS)
            return None


class _Made:
    """The directory of what this trainer makes; those of trainers that were killed are removed."""

    def __init__(self, parent: Path) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.iterdir():
            if (descriptor := _try_lock(left)) is not None:
                shutil.rmtree(left, ignore_errors=True)
                os.close(descriptor)
        self.path = parent / uuid4().hex
        self.path.mkdir()
        self._descriptor = _try_lock(self.path)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def _try_lock(directory: Path) -> int | None:
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    except OSError:
        os.close(descriptor)
        return None
