"""Trainers that are killed, stopped, asked to end; services that go away; code that hangs, prints, or cannot be stopped."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import (
    Dataset,
    Gateway,
    System,
    TrainerProcess,
    training,
    until,
)
from ratatouille._generated.finetune_pb2 import (
    ATTEMPT_OUTCOME_COMPLETED,
    ATTEMPT_OUTCOME_FAILED,
    ATTEMPT_OUTCOME_LOST,
    ATTEMPT_OUTCOME_RELEASED,
    JOB_STATE_CANCELLED,
    JOB_STATE_FAILED,
    JOB_STATE_QUEUED,
    JOB_STATE_RUNNING,
    CompleteAttemptRequest,
    Job,
)

LONG = 1_000_000


@pytest.fixture
def troubles(system: System, codes: Path, tmp_path: Path) -> Iterator[Troubles]:
    started = Troubles(system, codes / "troubles.py", tmp_path)
    yield started
    started.stop()


class Troubles:
    """Trainers with trouble, which end with the test."""

    def __init__(self, system: System, code: Path, directory: Path) -> None:
        self.flag = directory / "flag"
        self._system, self._code, self._directory = system, code, directory
        self._trainers: list[TrainerProcess] = []

    def start(self, do: str, *options: str, system: System | None = None) -> TrainerProcess:
        directory = self._directory / f"trainer-{len(self._trainers)}"
        address = (system or self._system).address
        trainer = TrainerProcess(self._code, address, directory, "--do", do, "--flag", str(self.flag), "--checkpoint-ms", "50", *options)
        self._trainers.append(trainer)
        return trainer

    def stop(self) -> None:
        for trainer in self._trainers:
            trainer.__exit__()


def outcomes(job: Job) -> list[int]:
    return [attempt.outcome for attempt in job.attempts]


def trains(system: System, job: str, after: int = 3) -> Job:
    return system.await_job(job, lambda one: one.state == JOB_STATE_RUNNING and one.progress.step > after, "steps")


def await_checkpoint(system: System, trainer: TrainerProcess, job: str) -> None:
    """Waits until some checkpoint is there, which no call shows: the training goes on for longer than some of them take."""
    step = trains(system, job).progress.step
    trains(system, job, step + 20)
    assert trainer.process.poll() is None


def test_a_trainer_that_is_killed_costs_the_steps_after_its_checkpoint(system: System, dataset: Dataset, troubles: Troubles) -> None:
    first = troubles.start("wait")
    job = system.submit(training(dataset, seed=201, steps=LONG))
    await_checkpoint(system, first, job)
    first.signal(signal.SIGKILL)
    first.ends()
    troubles.start("wait")
    system.await_job(job, lambda one: len(one.attempts) == 2 and one.progress.step > 0, "the second attempt")
    troubles.flag.touch()
    ended = system.succeeded(job)
    assert outcomes(ended) == [ATTEMPT_OUTCOME_LOST, ATTEMPT_OUTCOME_COMPLETED]
    # This code takes no notice of checkpoints, and that is said.
    assert ended.attempts[1].skipped == "the training took no notice of it", ended.attempts[1]


def test_a_trainer_that_is_asked_to_end_saves_its_last_step_and_gives_the_job_back(
    system: System, dataset: Dataset, troubles: Troubles
) -> None:
    first = troubles.start("wait", "--checkpoint-ms", "86400000")
    job = system.submit(training(dataset, seed=202, steps=LONG))
    trains(system, job)
    first.signal(signal.SIGTERM)
    assert first.ends(3) == 0
    given_back = system.job(job)
    assert (given_back.state, outcomes(given_back)) == (JOB_STATE_QUEUED, [ATTEMPT_OUTCOME_RELEASED])
    assert "its job is given back" in first.output
    system.cancel(job)


def test_own_code_goes_on_where_it_was(system: System, dataset: Dataset, codes: Path, tmp_path: Path, troubles: Troubles) -> None:
    recipe = training(dataset, seed=203, steps=60_000)
    with TrainerProcess(codes / "regression.py", system.address, tmp_path / "a", "--checkpoint-ms", "20") as first:
        job = system.submit(recipe)
        trains(system, job, 1000)
        first.signal(signal.SIGTERM)
        assert first.ends(3) == 0
    with TrainerProcess(codes / "regression.py", system.address, tmp_path / "b") as second:
        second.said("the training goes on at a checkpoint")
        second.signal(signal.SIGKILL)
        second.ends()
    goes_on = system.job(job)
    assert [attempt.from_step > 1000 for attempt in goes_on.attempts] == [False, True]
    assert goes_on.attempts[1].skipped == ""
    system.cancel(job)


def test_a_job_that_nobody_needs_ends_and_the_trainer_takes_the_next(system: System, dataset: Dataset, troubles: Troubles) -> None:
    trainer = troubles.start("wait")
    job = system.submit(training(dataset, seed=204, steps=LONG))
    trains(system, job)
    system.cancel(job)
    trainer.said("attempt given up")
    assert system.job(job).state == JOB_STATE_CANCELLED
    other = system.submit(training(dataset, seed=205, steps=LONG))
    trains(system, other)
    troubles.flag.touch()
    system.succeeded(other)


def test_no_except_of_the_code_stops_a_cancellation(system: System, dataset: Dataset, troubles: Troubles) -> None:
    trainer = troubles.start("swallow")
    job = system.submit(training(dataset, seed=206))
    system.await_job(job, lambda one: one.progress.step > 0, "a step")
    system.cancel(job)
    trainer.said("attempt given up")
    assert "ended its process" not in trainer.output


@pytest.mark.parametrize("do", ["sleep", "hold the GIL"])
def test_a_step_that_takes_longer_than_the_lease_keeps_it(system: System, dataset: Dataset, troubles: Troubles, do: str) -> None:
    troubles.start(do)
    job = system.succeeded(system.submit(training(dataset, seed=220 + len(do))))
    assert outcomes(job) == [ATTEMPT_OUTCOME_COMPLETED]


def test_code_that_hangs_is_ended_and_loaded_anew(system: System, dataset: Dataset, troubles: Troubles) -> None:
    troubles.start("hang once", "--step-timeout", "2")
    job = system.succeeded(system.submit(training(dataset, seed=208)))
    assert outcomes(job) == [ATTEMPT_OUTCOME_FAILED, ATTEMPT_OUTCOME_COMPLETED]
    assert job.attempts[0].error == "the training code reported nothing for 2 s, and its process was ended (--step-timeout)"


def test_code_that_cannot_be_stopped_holds_up_no_end(system: System, dataset: Dataset, troubles: Troubles) -> None:
    trainer = troubles.start("stubborn")
    job = system.submit(training(dataset, seed=209))
    system.await_job(job, lambda one: one.state == JOB_STATE_RUNNING, "the attempt")
    trainer.signal(signal.SIGTERM)
    assert trainer.ends(3) == 0
    assert outcomes(system.job(job)) == [ATTEMPT_OUTCOME_RELEASED]
    system.cancel(job)


def test_code_that_prints_without_end_fills_no_log(system: System, dataset: Dataset, troubles: Troubles) -> None:
    trainer = troubles.start("print")
    system.succeeded(system.submit(training(dataset, seed=210)))
    trainer.said("the training code has written over 1 MiB: the rest is left out")
    assert len(trainer.output) < 3 << 20
    assert "short" in trainer.output


def test_a_trainer_that_stood_still_gives_up_what_it_has_lost(system: System, dataset: Dataset, troubles: Troubles) -> None:
    first = troubles.start("wait")
    job = system.submit(training(dataset, seed=211, steps=LONG))
    trains(system, job)
    first.signal(signal.SIGSTOP)
    system.await_job(job, lambda one: outcomes(one)[:1] == [ATTEMPT_OUTCOME_LOST], "the end of the lease")
    second = troubles.start("wait")
    system.await_job(job, lambda one: len(one.attempts) == 2, "the second attempt")
    first.signal(signal.SIGCONT)
    first.said("attempt given up")
    troubles.flag.touch()
    assert outcomes(system.succeeded(job)) == [ATTEMPT_OUTCOME_LOST, ATTEMPT_OUTCOME_COMPLETED]
    assert second.process.poll() is None


def test_a_service_that_is_killed_and_comes_back_costs_no_attempt(codes: Path, tmp_path: Path, troubles: Troubles) -> None:
    own = System(tmp_path / "data", "--lease-seconds", "10")
    try:
        data = own.dataset()
        troubles.start("wait", system=own)
        job = own.submit(training(data, seed=1, steps=LONG))
        trains(own, job)
        own.stop(signal.SIGKILL)
        own.start()
        trains(own, job, own.job(job).progress.step + 10)
        troubles.flag.touch()
        assert outcomes(own.succeeded(job)) == [ATTEMPT_OUTCOME_COMPLETED]
        # And of one that waits.
        own.stop()
        own.start()
        own.succeeded(own.submit(training(data, seed=2, steps=LONG)))
    finally:
        own.stop()


def test_what_the_catalog_has_lost_when_an_attempt_is_completed_is_sent_again(
    system: System, dataset: Dataset, codes: Path, tmp_path: Path
) -> None:
    digests: list[str] = []

    def lose(method: str, request: bytes) -> None:
        if not method.endswith("/CompleteAttempt"):
            return
        digests.append(CompleteAttemptRequest.FromString(request).outputs[0].digest)
        if len(digests) == 1:
            name = digests[0].removeprefix("sha256:")
            (system.directory / "blobs" / "sha256" / name[:2] / name).unlink()

    gateway = Gateway(system.address, lose)
    try:
        with TrainerProcess(codes / "regression.py", gateway.address, tmp_path / "trainer"):
            job = system.succeeded(system.submit(training(dataset, seed=101, steps=5)))
    finally:
        gateway.close()
    assert outcomes(job) == [ATTEMPT_OUTCOME_COMPLETED]
    assert (len(digests), len(set(digests))) == (2, 1)


def test_a_full_disk_is_for_another_trainer(system: System, troubles: Troubles) -> None:
    large = system.dataset(rows=12, shards=1, size=300_000)
    troubles.start("nothing", "--disk-cache", "1")
    # Those of other tests that were killed are missed later, and until then the job is for them.
    until(lambda: len(system.trainers()) == 1, "the end of all other trainers", 30)
    job = system.ended(system.submit(training(large, seed=1)))
    assert job.state == JOB_STATE_FAILED
    assert re.search(r"the files of this job need more than the 1\.0 MiB that this trainer keeps on its disk", job.error), job.error
    assert len(job.attempts) == 1


def test_the_worker_ends_with_its_trainer(system: System, dataset: Dataset, troubles: Troubles) -> None:
    trainer = troubles.start("stubborn")
    job = system.submit(training(dataset, seed=212))
    system.await_job(job, lambda one: one.state == JOB_STATE_RUNNING, "the attempt")
    (child,) = Path(f"/proc/{trainer.process.pid}/task/{trainer.process.pid}/children").read_text().split()
    trainer.signal(signal.SIGKILL)
    trainer.ends()
    until(lambda: not Path(f"/proc/{child}").exists(), "the end of the worker", 5)
    system.cancel(job)


def test_an_end_takes_three_seconds_where_nobody_can_be_reached(tmp_path: Path, codes: Path) -> None:
    own = System(tmp_path / "data")
    trainer = TrainerProcess(
        codes / "troubles.py",
        own.address,
        tmp_path / "trainer",
        *("--do", "stubborn", "--flag", str(tmp_path / "flag")),
        environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    )
    with trainer:
        job = own.submit(training(own.dataset(), seed=1))
        own.await_job(job, lambda one: one.state == JOB_STATE_RUNNING, "the attempt")
        own.stop(signal.SIGKILL)
        trainer.signal(signal.SIGTERM)
        assert trainer.ends(3.5) == 0
