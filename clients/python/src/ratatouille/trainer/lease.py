"""Keeps the lease of an attempt: a progress stream that is open for as long as the attempt runs, from a thread of its own."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .._generated.finetune_pb2 import ReportProgressRequest, TrainProgress
from ..connection import PROGRESS, Connection
from ..errors import ServiceError
from .log import Log
from .threads import start_thread

#: At most two reports a second.
_REPORT_SECONDS = 0.5
_FIRST_RETRY, _LAST_RETRY = 0.05, 1.0


class Lease:
    """An attempt's progress, as the service hears it. A stream that breaks is opened again; the training goes on meanwhile.

    :param on_lost: hears once, from another thread, that the attempt does not have its job any more
    """

    def __init__(
        self, connection: Connection, job_id: str, attempt: int, lease_seconds: float, log: Log, on_lost: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._attempt: dict[str, Any] = {"job_id": job_id, "attempt": attempt}
        self._keep_alive = lease_seconds / 3
        self._log = log
        self._on_lost = on_lost
        self._progress: dict[str, Any] = {"step": 0, "steps": 0}
        self._version = 0
        self._ended = False
        self._changed = threading.Condition()
        self._seen_at = time.monotonic()
        self._seen_step = 0

    def start(self) -> None:
        start_thread(self._run, "lease")

    def begin(self, steps: int, unit: str, step: int) -> None:
        """Says how long the job is, and from where it goes on."""
        self._seen_step = step
        self._seen_at = time.monotonic()
        self._tell({"step": step, "steps": steps, "unit": unit})

    def report(self, step: int, loss: float | None, accuracy: float | None, validating: float | None) -> None:
        now = time.monotonic()
        news: dict[str, Any] = {"step": step, "validation_accuracy": accuracy, "validating": validating}
        if loss is not None:
            news["loss"] = loss
        if step > self._seen_step and now > self._seen_at:
            news["steps_per_second"] = (step - self._seen_step) / (now - self._seen_at)
            self._seen_step, self._seen_at = step, now
        self._tell(news)

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _tell(self, news: dict[str, Any]) -> None:
        with self._changed:
            self._progress = {**self._progress, **news}
            self._version += 1
            self._changed.notify_all()

    def _run(self) -> None:
        retry = _FIRST_RETRY
        while not self._ended:
            stream = _Stream()
            try:
                self._connection.send(PROGRESS, self._reports(stream), seconds=None)
            except ServiceError as error:
                if self._ended:
                    return
                if error.lost:
                    self._on_lost(str(error))
                    return
                self._log.info("the progress stream broke; it is opened again", job=self._attempt["job_id"], error=str(error))
            finally:
                with self._changed:
                    stream.closed = True
                    self._changed.notify_all()
            if stream.reports > 1:
                retry = _FIRST_RETRY
            time.sleep(retry * (0.5 + random.random() / 2))
            retry = min(_LAST_RETRY, 2 * retry)

    def _reports(self, stream: _Stream) -> Iterator[ReportProgressRequest]:
        while not self._over(stream):
            with self._changed:
                seen, progress = self._version, self._progress
            stream.reports += 1
            yield ReportProgressRequest(**self._attempt, progress=TrainProgress(**progress))
            sent_at = time.monotonic()
            with self._changed:
                while self._version == seen and not self._over(stream) and time.monotonic() < sent_at + self._keep_alive:
                    self._changed.wait(sent_at + self._keep_alive - time.monotonic())
                self._changed.wait_for(lambda: self._over(stream), max(0.0, sent_at + _REPORT_SECONDS - time.monotonic()))

    def _over(self, stream: _Stream) -> bool:
        return self._ended or stream.closed


class _Stream:
    def __init__(self) -> None:
        self.reports = 0
        self.closed = False
