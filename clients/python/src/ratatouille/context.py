"""What training code is given beside its data: where it tells how far it is, saves its state, and learns that it has to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from .books import Books
from .errors import Drained, Stop
from .plugin import Setup
from .recipe import Recipe
from .safetensors_file import Tensors, as_tensors, write_tensors

#: So often reports leave the training code, in seconds; the service wants no more than two a second.
_REPORT_SECONDS = 0.25
#: The share of the time of a training that its checkpoints may cost.
_MOST_SHARE = 0.02
_BOOKS, _STEP = "ratatouille.books", "ratatouille.step"


class Resume(NamedTuple):
    """The checkpoint to go on from. What was given as its metadata is in `state.metadata`."""

    #: The step after which it was saved.
    step: int
    state: Tensors


@dataclass(frozen=True)
class Report:
    """How far the training code is."""

    step: int
    loss: float | None
    #: The best so far.
    accuracy: float | None
    validating: float | None


@dataclass(frozen=True)
class SavedState:
    """A checkpoint that is a file; who takes it deletes it."""

    path: Path
    step: int


class Outlet(Protocol):
    """Where a context delivers to."""

    def stopping(self) -> Stop | None:
        """Why the training code has to stop; None: it does not."""

    def report(self, report: Report) -> None: ...

    def save(self, saved: SavedState) -> float:
        """Brings a checkpoint to the service and returns once it is there. Returns the processor time in seconds that it cost."""
        ...


def pause_seconds(every: float, cost: float, spent: float, trained: float) -> float:
    """How long to train before the next checkpoint: so long that all of them, with one more that costs as much as the last, have taken no
    more than 2 % of the time. Nothing is known of the first one; what it took too much is made up for.

    :param every: the least, in seconds, as the others
    :param cost: of the last one
    :param spent: on all of them
    :param trained: since the training began

    >>> pause_seconds(5, 0.004, 0.004, 5), pause_seconds(5, 0.6, 0.6, 6)
    (5, 54.0)
    """
    return max(every, round((spent + cost) / _MOST_SHARE - trained, 3))


class Context:
    """What training code may use besides its data.

    :ivar setup: what the command was told: device, and the options that the training code has added
    :ivar resume: the checkpoint to go on from, or None
    :ivar scratch: a directory for files that go when the job ends
    :ivar log: a logger; its records are lines of the trainer's log
    """

    def __init__(
        self,
        recipe: Recipe,
        outlet: Outlet,
        *,
        setup: Setup,
        scratch: Path,
        total: int,
        engine: str = "",
        resume: Resume | None = None,
        log: logging.Logger | None = None,
        checkpoint_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.setup = setup
        self.device = setup.device
        self.scratch = scratch
        #: The engine that the job is for, one of those that the training code has.
        self.engine = engine
        self.resume = resume
        self.log = log or logging.getLogger("ratatouille.training")
        #: Steps of the training, or rows of the prediction.
        self.total = total
        self.books = Books(total, keep_best=recipe.keep == "best")
        if resume is not None and _BOOKS in resume.state.metadata:
            self.books.load(resume.state.metadata[_BOOKS])
        self._outlet = outlet
        self._reported_at = float("-inf")
        self._every = checkpoint_seconds
        self._clock = clock
        self._began_at: float | None = None
        self._due_at = float("inf")
        self._spent = 0.0
        self._saving: threading.Thread | None = None
        self._count = 0
        self._saves = False
        self._asked_at_step: int | None = None

    @property
    def cancelled(self) -> bool:
        """Whether to stop. `report` raises then by itself."""
        return self._outlet.stopping() is not None

    def report(
        self,
        step: int,
        *,
        loss: Any = None,
        validation_accuracy: float | None = None,
        validating: float | None = None,
    ) -> None:
        """Says how far it is: after every step, or, of a prediction, how many rows are done. It takes microseconds.

        :param step: counted from 1
        :param loss: mean loss of the step; a number, or a tensor of one, which is looked at later
        :param validation_accuracy: 0 to 1, where the step was followed by a validation
        :param validating: the share of a validation that is done, 0 to 1
        :raises Stop: to end the training code; let it through
        """
        if validating is None:
            self.books.enter(step, loss, validation_accuracy)
        now = self._clock()
        if now - self._reported_at >= _REPORT_SECONDS or step >= self.total:
            self._reported_at = now
            self._outlet.report(Report(step, self.books.mean_since_report(), self.books.best_accuracy, validating))
        stop = self._outlet.stopping()
        if stop is None:
            return
        # Code that saves checkpoints saves one more before it ends; it reports a step before it saves it.
        if isinstance(stop, Drained) and self._saves and self._asked_at_step in (None, step):
            self._asked_at_step = step
            return
        raise stop

    def checkpoint(
        self,
        step: int,
        state: Mapping[str, Any] | Callable[[], Mapping[str, Any]],
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Offers the state after a step to be saved: call it after each. Most calls return at once: it takes 2 % of the time at most.

        :param state: arrays or torch tensors by name, all that is needed to go on, or a function that gives them, which is called only
            when they are saved. They are copied before this returns.
        :param metadata: texts
        :raises Stop: to end the training code; let it through
        """
        self._saves = True
        stop = self._outlet.stopping()
        if stop is not None and not isinstance(stop, Drained):
            raise stop
        if self._began_at is None:
            # Reading data is no training: nothing of it is lost with a trainer that dies.
            self._began_at = self._clock()
            self._due_at = self._began_at + self._every
        saving = self._saving is not None and self._saving.is_alive()
        if stop is None and (saving or self._clock() < self._due_at):
            return
        began = self._clock()
        copied = _copy(as_tensors(state() if callable(state) else state))
        texts = {**(metadata or {}), _BOOKS: self.books.dump(), _STEP: str(step)}
        cost = self._clock() - began
        before = self._saving
        self._saving = threading.Thread(target=self._save, args=(step, copied, texts, cost, before), name="checkpoint")
        self._saving.start()
        if stop is not None:
            self.settle()
            raise stop

    def settle(self) -> None:
        """Waits until nothing is being saved."""
        if self._saving is not None:
            self._saving.join()

    def _save(self, step: int, state: Tensors, metadata: Mapping[str, str], cost: float, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        began = time.thread_time()
        self._count += 1
        path = self.scratch / f"checkpoint-{self._count}.safetensors"
        try:
            with path.open("wb") as file:
                write_tensors(file, state, metadata)
            del state
            cost += time.thread_time() - began
            cost += self._outlet.save(SavedState(path, step))
        except OSError as error:
            self.log.warning("checkpoint not saved: %s", error)
            path.unlink(missing_ok=True)
        self._spent += cost
        now = self._clock()
        trained = 0.0 if self._began_at is None else now - self._began_at
        self._due_at = now + pause_seconds(self._every, cost, self._spent, trained)


def _copy(tensors: Tensors) -> Tensors:
    return Tensors({name: (tensors.dtype_name(name), np.array(tensors[name], copy=True)) for name in tensors})
