"""What training code is given: reports, checkpoints within two per cent of the time, and being stopped."""

from __future__ import annotations

import argparse
import doctest
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from ratatouille import context as context_module
from ratatouille.context import Context, Report, Resume, SavedState
from ratatouille.errors import Cancelled, Drained, PermanentError, Stop
from ratatouille.plugin import Setup
from ratatouille.recipe import Recipe, parse_recipe
from ratatouille.safetensors_file import Tensors, open_tensors

SETUP = Setup("cpu", argparse.Namespace())


class Told:
    """An outlet that keeps what it is told."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.stop: Stop | None = None
        self.reports: list[Report] = []
        self.saved: list[tuple[int, Tensors]] = []
        self._seconds = seconds

    def stopping(self) -> Stop | None:
        return self.stop

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def save(self, saved: SavedState) -> float:
        self.saved.append((saved.step, open_tensors(saved.path)))
        return self._seconds


def recipe_of(**changes: object) -> Recipe:
    parameters = {"network": {"name": "n"}, "classes": 2, "domains": ["x"], "steps": 60, "batch": 2, **changes}
    return parse_recipe(json.dumps({"kind": "train", "inputs": {}, "parameters": parameters, "seed": 3, "arithmetic": "~own/1"}))


def open_context(told: Told, scratch: Path, seconds: float = 0.0, resume: Resume | None = None, **changes: object) -> Context:
    recipe = recipe_of(**changes)
    return Context(recipe, told, setup=SETUP, scratch=scratch, total=recipe.steps, resume=resume, checkpoint_seconds=seconds)


def test_the_example() -> None:
    assert doctest.testmod(context_module).failed == 0


def test_reports_are_few_and_hold_the_mean_loss(tmp_path: Path) -> None:
    told = Told()
    context = open_context(told, tmp_path)
    for step in range(1, 61):
        context.report(step, loss=np.float32(step), validation_accuracy=step / 100 if step % 20 == 0 else None)
    assert [report.step for report in told.reports] == [1, 60]
    assert told.reports[1] == Report(60, sum(range(2, 61)) / 59, 0.6, None)
    assert context.books.summary == {"steps": 60, "bestStep": 60, "validationAccuracy": 0.6, "finalLoss": 55.5}
    assert context.books.curve["loss"] == [{"step": 25, "loss": 13.0}, {"step": 50, "loss": 38.0}, {"step": 60, "loss": 55.5}]
    assert [entry["step"] for entry in context.books.curve["validation"]] == [20, 40, 60]


def test_the_best_of_equals_is_the_earliest(tmp_path: Path) -> None:
    context = open_context(Told(), tmp_path, keep="best", steps=3)
    for step, accuracy in ((1, 0.5), (2, 0.75), (3, 0.75)):
        context.report(step, loss=1.0, validation_accuracy=accuracy)
    assert context.books.summary == {"steps": 3, "bestStep": 2, "validationAccuracy": 0.75, "finalLoss": 1.0}


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    context = open_context(Told(), tmp_path)
    context.report(1, loss=1.0)
    with pytest.raises(PermanentError, match="the loss is inf in step 3"):
        for step in range(2, 30):
            context.report(step, loss=float("inf") if step == 3 else 1.0)


def test_a_checkpoint_is_a_copy_and_goes_on_with_the_books(tmp_path: Path) -> None:
    told = Told()
    context = open_context(told, tmp_path)
    weights = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}
    for step in range(1, 30):
        context.report(step, loss=float(step))
        context.checkpoint(step, weights, {"mood": "good"})
        weights["w"] += 1
    told.stop = Drained("the trainer ends")
    context.report(30, loss=30.0)
    with pytest.raises(Drained):
        context.checkpoint(30, weights, {"mood": "good"})
    weights["w"] += 1
    step, state = told.saved[-1]
    assert (step, state["w"].tolist(), state.metadata["mood"]) == (30, [[29, 30, 31], [32, 33, 34]], "good")
    rest = open_context(Told(), tmp_path, resume=Resume(step, state))
    assert rest.resume is not None
    for step in range(31, 61):
        rest.report(step, loss=float(step))
    assert rest.books.curve["loss"] == [{"step": 25, "loss": 13.0}, {"step": 50, "loss": 38.0}, {"step": 60, "loss": 55.5}]


def test_checkpoints_take_two_per_cent_of_the_time_at_most(tmp_path: Path) -> None:
    told = Told(seconds=10.0)
    now = [0.0]
    recipe = recipe_of()
    context = Context(recipe, told, setup=SETUP, scratch=tmp_path, total=60, checkpoint_seconds=5, clock=lambda: now[0])
    called: list[float] = []

    def state() -> dict[str, object]:
        called.append(now[0])
        return {"w": np.zeros(3)}

    for step in range(1, 1801):
        now[0] += 1
        context.report(step, loss=1.0)
        context.checkpoint(step, state)
        context.settle()
    # Each costs ten seconds, and a little for its file: the second comes once two are 2 % of the time, then one each 500.
    # The state is asked for only then.
    assert [step for step, _ in told.saved] == [6, 1002, 1502]
    assert called == [6.0, 1002.0, 1502.0]


@pytest.mark.parametrize("stop", [Cancelled("nobody needs it"), Drained("the trainer ends")])
def test_code_that_saves_nothing_stops_at_its_next_report(tmp_path: Path, stop: Stop) -> None:
    told = Told()
    context = open_context(told, tmp_path)
    context.report(1, loss=1.0)
    told.stop = stop
    assert context.cancelled
    with pytest.raises(type(stop)):
        context.report(2, loss=1.0)


def test_a_drained_training_saves_the_step_that_it_is_at(tmp_path: Path) -> None:
    told = Told()
    context = open_context(told, tmp_path, 1000.0)
    context.report(1, loss=1.0)
    context.checkpoint(1, {"w": np.zeros(1)})
    told.stop = Drained("the trainer ends")
    context.report(2, loss=1.0)
    with pytest.raises(Drained):
        context.checkpoint(2, {"w": np.ones(1)})
    assert [(step, state["w"].tolist()) for step, state in told.saved] == [(2, [1.0])]
    # One that does not save after its report is stopped at the next.
    other = open_context(told, tmp_path, 1000.0)
    told.stop = None
    other.report(1, loss=1.0)
    other.checkpoint(1, {"w": np.zeros(1)})
    told.stop = Drained("the trainer ends")
    other.report(2, loss=1.0)
    with pytest.raises(Drained):
        other.report(3, loss=1.0)


def test_a_cancelled_training_saves_nothing(tmp_path: Path) -> None:
    told = Told()
    context = open_context(told, tmp_path)
    told.stop = Cancelled("nobody needs it")
    with pytest.raises(Cancelled):
        context.checkpoint(1, {"w": np.zeros(1)})
    assert (told.saved, list(tmp_path.iterdir())) == ([], [])
    assert threading.active_count() < 50
