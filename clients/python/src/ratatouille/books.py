"""What a training writes down of its course, as the built-in trainer does: training.json and the summary of the model."""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import PermanentError

#: Steps between entries of the loss curve.
CURVE_STEPS = 25


class Books:
    """The course of a training. Losses may be anything that `float` takes; it is called late, since that may wait for a GPU."""

    def __init__(self, total: int, keep_best: bool = False) -> None:
        self._total = total
        self._keep_best = keep_best
        self._loss: list[dict[str, float]] = []
        self._validation: list[dict[str, float]] = []
        self._waiting: list[tuple[int, Any]] = []
        self._pending: tuple[float, int] = (0.0, 0)
        self._unreported: tuple[float, int] = (0.0, 0)
        self.best_accuracy: float | None = None
        self._best_step = 0
        self._last_step = 0

    def enter(self, step: int, loss: Any, accuracy: float | None) -> None:
        """A step; once for each, in order. Raises PermanentError for a loss that is not finite, at most 25 steps late."""
        if step > self._last_step:
            self._last_step = step
        if loss is not None:
            self._waiting.append((step, loss.detach() if hasattr(loss, "detach") else loss))
            if step % CURVE_STEPS == 0 or step == self._total:
                self.settle()
                self._end_entry(step)
        if accuracy is not None:
            self._validation.append({"step": step, "accuracy": accuracy})
            if self.best_accuracy is None or accuracy > self.best_accuracy:
                self.best_accuracy, self._best_step = accuracy, step

    def settle(self) -> None:
        """Takes losses that wait as numbers."""
        waiting, self._waiting = self._waiting, []
        for step, given in waiting:
            loss = float(given)
            if not math.isfinite(loss):
                raise PermanentError(f"the loss is {loss} in step {step}")
            self._pending = (self._pending[0] + loss, self._pending[1] + 1)
            self._unreported = (self._unreported[0] + loss, self._unreported[1] + 1)

    def mean_since_report(self) -> float | None:
        """The mean loss since this was asked last; None where there was no step."""
        self.settle()
        total, count = self._unreported
        self._unreported = (0.0, 0)
        return total / count if count else None

    def _end_entry(self, step: int) -> None:
        total, count = self._pending
        self._pending = (0.0, 0)
        if count:
            self._loss.append({"step": step, "loss": total / count})

    @property
    def curve(self) -> dict[str, Any]:
        """training.json."""
        return {"loss": [*self._loss], "validation": [*self._validation]}

    @property
    def summary(self) -> dict[str, Any]:
        """What the model shows."""
        self.settle()
        last = self._last_step or self._total
        if self._pending[1]:
            self._end_entry(last)
        best = self._keep_best and self._validation
        accuracy = self.best_accuracy if best else self._validation[-1]["accuracy"] if self._validation else None
        return {
            "steps": last,
            "bestStep": self._best_step if best else last,
            **({} if accuracy is None else {"validationAccuracy": accuracy}),
            "finalLoss": self._loss[-1]["loss"] if self._loss else 0,
        }

    def dump(self) -> str:
        """What is written so far, for a checkpoint."""
        self.settle()
        return json.dumps({"curve": self.curve, "pending": self._pending})

    def load(self, text: str) -> None:
        """Goes on with what a checkpoint has."""
        told = json.loads(text)
        self._loss, self._validation = list(told["curve"]["loss"]), list(told["curve"]["validation"])
        self._pending = (float(told["pending"][0]), int(told["pending"][1]))
        for entry in self._validation:
            if self.best_accuracy is None or entry["accuracy"] > self.best_accuracy:
                self.best_accuracy, self._best_step = entry["accuracy"], int(entry["step"])
