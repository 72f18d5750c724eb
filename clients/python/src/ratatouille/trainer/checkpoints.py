"""Checkpoints of one attempt: the one to go on from, and those that it saves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from .._generated.finetune_pb2 import BeginAttemptResponse, SaveCheckpointRequest, SkipCheckpointRequest
from ..artifacts import Artifacts
from ..connection import SAVE_CHECKPOINT, SKIP_CHECKPOINT, Connection
from ..content import FileContent
from ..errors import RatatouilleError, ServiceError
from ..safetensors_file import SafetensorsError, open_tensors
from .log import Log
from .pipe import Message
from .threads import start_thread


class Checkpoints:
    """Never starts over in silence: where an attempt does not go on at its checkpoint, the log and the service are told."""

    def __init__(self, begun: BeginAttemptResponse, finetune: Connection, artifacts: Artifacts, log: Log, abort: threading.Event) -> None:
        self._begun = begun
        self._finetune = finetune
        self._artifacts = artifacts
        self._log = log
        self._abort = abort
        self._format = ""
        self._reasons: list[str] = []
        self._began = False
        self._threads: list[threading.Thread] = []

    def load(self, scratch: Path, format_: str) -> Message | None:
        """The newest checkpoint that the catalog has whole, as a file; None: there is none. Raises ServiceError where nobody is there."""
        self._format = format_
        given = self._begun
        if not given.checkpoint:
            return None
        if given.checkpoint_format != format_:
            self._unusable(f"the checkpoint is of format {given.checkpoint_format or 'unknown'}, expected {format_}")
            return None
        path = scratch / "resume.safetensors"
        for digest in (given.checkpoint, given.earlier_checkpoint):
            if not digest:
                continue
            try:
                with path.open("wb") as file:
                    self._artifacts.download(digest, file, self._abort)
                metadata = open_tensors(path).metadata
                step = int(metadata["ratatouille.step"])
                return {"path": str(path), "step": step}
            except (SafetensorsError, KeyError, ValueError) as error:
                self._unusable(f"the checkpoint cannot be read: {error}")
            except ServiceError as error:
                if error.passing:
                    raise
                self._unusable(str(error))
        return None

    def _unusable(self, reason: str) -> None:
        self._log.warn("a checkpoint cannot be used", job=self._begun.job.id, step=self._begun.checkpoint_step, reason=reason)
        self._reasons.append(reason)

    def on_step(self, step: int) -> None:
        """Takes note of the first step, which says where the training began."""
        if self._began or not self._begun.checkpoint:
            return
        self._began = True
        from_step = step - 1
        if from_step == self._begun.checkpoint_step:
            self._log.info("the training goes on at a checkpoint", job=self._begun.job.id, step=from_step)
            return
        reason = "; ".join(self._reasons) or "the training took no notice of it"
        self._threads.append(start_thread(lambda: self._tell_skipped(from_step, reason), "skip checkpoint"))

    def _tell_skipped(self, from_step: int, reason: str) -> None:
        job = self._begun.job.id
        self._log.warn("the training does not go on at its newest checkpoint", job=job, from_step=from_step, reason=reason)
        request = SkipCheckpointRequest(job_id=job, attempt=self._begun.attempt, from_step=from_step, reason=reason[:2000])
        try:
            self._finetune.call(SKIP_CHECKPOINT, request)
        except ServiceError as error:
            self._log.warn("the service could not be told that a checkpoint was not used", job=job, error=str(error))

    def save(self, message: Message, saved: Callable[[float], None]) -> None:
        """Brings a checkpoint to the service while the training goes on, and says what that cost in seconds of the processor."""
        path, step = Path(message["path"]), int(message["step"])
        self._threads.append(start_thread(lambda: saved(self._save(path, step)), "save checkpoint"))

    def _save(self, path: Path, step: int) -> float:
        began = time.thread_time()
        job = self._begun.job.id
        try:
            blob = self._artifacts.upload(FileContent(path), self._abort)
            cost = time.thread_time() - began
            request = SaveCheckpointRequest(job_id=job, attempt=self._begun.attempt, checkpoint=blob.digest, step=step, format=self._format)
            self._finetune.call(SAVE_CHECKPOINT, request)
            self._log.debug("checkpoint saved", job=job, step=step)
            return cost
        except (RatatouilleError, OSError) as error:
            # A stale attempt hears it on its progress stream. Else it costs time after a crash, nothing else.
            if not self._abort.is_set():
                self._log.warn("checkpoint not saved", job=job, step=step, error=str(error))
            return time.thread_time() - began
        finally:
            path.unlink(missing_ok=True)

    def settle(self, seconds: float | None = None) -> None:
        """Waits until nothing is being saved or told."""
        deadline = None if seconds is None else time.monotonic() + max(0.0, seconds)
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
