"""What an attempt hears that is not for it."""

from __future__ import annotations

import queue
from pathlib import Path

from ratatouille._generated.finetune_pb2 import BeginAttemptResponse, Job, Trainer
from ratatouille.artifacts import Artifacts
from ratatouille.cache import Cache
from ratatouille.connection import Connection
from ratatouille.trainer.attempt import Attempt, Dependencies
from ratatouille.trainer.log import Log
from ratatouille.trainer.pipe import Message
from ratatouille.trainer.process import WorkerProcess
from ratatouille.trainer.stopping import Stopping
from ratatouille.trainer.telemetry import Telemetry


def test_any_number_of_events_of_other_attempts_is_passed_over(tmp_path: Path) -> None:
    connection = Connection("127.0.0.1:1")
    artifacts = Artifacts(connection)
    log = Log(str(tmp_path / "log"))
    events: queue.SimpleQueue[Message] = queue.SimpleQueue()
    deps = Dependencies(
        finetune=connection,
        artifacts=artifacts,
        cache=Cache(artifacts, tmp_path / "blobs", 1 << 20),
        worker=WorkerProcess("code.py", "cpu", [], log, events, 1),
        events=events,
        trainer=Trainer(),
        made=tmp_path,
        stopping=Stopping(),
        telemetry=Telemetry(),
        log=log,
        checkpoint_seconds=1,
        step_timeout=60,
    )
    attempt = Attempt(BeginAttemptResponse(job=Job(id="job"), attempt=1, lease_seconds=15), deps)
    for step in range(5000):
        events.put({"type": "report", "job": -1, "step": step})
    events.put({"type": "prepared", "run": {"type": "run"}})
    assert attempt._await("prepared") == {"type": "prepared", "run": {"type": "run"}}
    connection.close()
