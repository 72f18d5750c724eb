"""The process that runs training code. It knows no service: jobs come from the trainer over a pipe, and what becomes of them goes back.

    python -m ratatouille.trainer.worker READ WRITE TARGET SETUP

READ and WRITE are descriptors of pipes, SETUP is the JSON of `device` and `arguments`.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import logging
import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from ..context import Context, Report, Resume, SavedState
from ..data import Data
from ..errors import Cancelled, Drained, ElsewhereError, PermanentError, Stop, UsageError
from ..plugin import Result, Setup, Start
from ..prediction_file import write_prediction
from ..recipe import Recipe, parse_recipe
from ..safetensors_file import Tensors, open_tensors, write_tensors
from .checks import check_logits, check_weights
from .load import Loaded, load, sentence
from .pipe import Message, Writer, messages

_PR_SET_PDEATHSIG = 1


class Worker:
    """Takes messages in one thread, and runs jobs in the main one."""

    def __init__(self, read: int, write: int) -> None:
        self._writer = Writer(write)
        self._jobs: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._current: _Outlet | None = None
        threading.Thread(target=self._listen, args=(read,), name="messages", daemon=True).start()

    def _listen(self, read: int) -> None:
        for message in messages(read):
            current = self._current
            if message["type"] == "run":
                self._jobs.put(message)
            elif current is not None and message.get("job") == current.number:
                current.hear(message)
        # The trainer is gone: nobody wants what is computed here.
        os._exit(0)

    def run(self, target: str, setup: Message) -> None:
        try:
            loaded, told = self._begin(target, setup)
        except UsageError as error:
            self._writer.send({"type": "unusable", "error": str(error)})
            return
        while True:
            job = self._jobs.get()
            if job is None:
                return
            self._run(job, loaded, told)

    def _begin(self, target: str, message: Message) -> tuple[Loaded, Setup]:
        loaded = load(target)
        parser = argparse.ArgumentParser(prog="ratatouille-trainer", add_help=False, exit_on_error=False, allow_abbrev=False)
        try:
            setup = Setup(message["device"], loaded.parse(message["arguments"], parser))
        except argparse.ArgumentError as error:
            raise UsageError(f"{loaded.name}: {error}") from error
        try:
            description = loaded.describe(setup)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"{loaded.name} cannot say what it is: {sentence(error, loaded.file)}") from error
        described = None
        if description is not None:
            accelerator = description.accelerator
            described = {
                "engines": [
                    {
                        "name": engine.name,
                        "device": engine.device,
                        "arithmetics": list(engine.arithmetics),
                        "networks": list(engine.networks),
                        "built_in_networks": engine.built_in_networks,
                    }
                    for engine in description.engines
                ],
                "kinds": list(description.kinds),
                "accelerator": None if accelerator is None else {"model": accelerator.model, "memory_mib": accelerator.memory_mib},
                "environment": dict(description.environment),
            }
        self._writer.send(
            {
                "type": "ready",
                "name": loaded.name,
                "description": described,
                "checkpoint_format": getattr(loaded.module, "CHECKPOINT_FORMAT", ""),
            }
        )
        return loaded, setup

    def _run(self, job: Message, loaded: Loaded, setup: Setup) -> None:
        outlet = _Outlet(job["job"], self._writer)
        self._current = outlet
        began = time.process_time()
        try:
            made = _make(job, loaded, setup, outlet)
            self._end(
                outlet, {"type": "done", **made, "cpu_seconds": time.process_time() - began, "peak_memory_bytes": _peak_memory_bytes()}
            )
        except Stop as stop:
            self._end(outlet, {"type": "stopped", "why": type(stop).__name__})
        except (KeyboardInterrupt, Exception) as error:
            # What is in the trainer's log for whoever wrote the code; the job has one sentence.
            traceback.print_exc()
            self._end(outlet, {"type": "failed", "error": _told(error, loaded), **_blame(error)})
        finally:
            self._current = None

    def _end(self, outlet: _Outlet, message: Message) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._writer.send({**message, "job": outlet.number})


class _Outlet:
    """Where the context of one job delivers to."""

    def __init__(self, number: int, writer: Writer) -> None:
        self.number = number
        self._writer = writer
        self._stop: Stop | None = None
        self._saved: queue.SimpleQueue[float] = queue.SimpleQueue()

    def hear(self, message: Message) -> None:
        if message["type"] == "cancel":
            self._stop = Cancelled(message["why"])
            self._saved.put(0.0)
        elif message["type"] == "drain":
            self._stop = self._stop or Drained(message["why"])
        elif message["type"] == "saved":
            self._saved.put(message["cost"])

    def stopping(self) -> Stop | None:
        return self._stop

    def report(self, report: Report) -> None:
        self._writer.send(
            {
                "type": "report",
                "job": self.number,
                "step": report.step,
                "loss": report.loss,
                "accuracy": report.accuracy,
                "validating": report.validating,
            }
        )

    def save(self, saved: SavedState) -> float:
        self._writer.send({"type": "checkpoint", "job": self.number, "path": str(saved.path), "step": saved.step})
        return self._saved.get()


def _make(job: Message, loaded: Loaded, setup: Setup, outlet: _Outlet) -> Message:
    recipe = parse_recipe(job["recipe"])
    scratch = Path(job["scratch"])
    data = Data(recipe, job["index"], job["split"], job["shards"])
    resumed = job["resume"]
    context = Context(
        recipe,
        outlet,
        setup=setup,
        scratch=scratch,
        engine=job["engine"],
        total=recipe.steps if recipe.kind != "predict" else len(data.rows),
        resume=None if resumed is None else Resume(resumed["step"], open_tensors(resumed["path"])),
        log=logging.getLogger("ratatouille.training"),
        checkpoint_seconds=job["checkpoint_seconds"],
    )
    if recipe.kind == "predict":
        return _predict(job, loaded, recipe, data, context)
    return _train(job, loaded, recipe, data, context)


def _train(job: Message, loaded: Loaded, recipe: Recipe, data: Data, context: Context) -> Message:
    weights, head = (None if job[role] is None else open_tensors(job[role]) for role in ("weights", "head"))
    start = None if weights is None and head is None else Start(weights or Tensors({}), head, recipe.head)
    given: Any = loaded.module.fine_tune(start, data, recipe, context)
    context.settle()
    result = given if isinstance(given, Result) else Result(given)
    checked = check_weights(result.weights, weights and start, recipe.head, recipe.classes, result.adapted)
    path = context.scratch / "weights.safetensors"
    with path.open("wb") as file:
        write_tensors(file, checked, {"format": "pt"})
    summary = {**context.books.summary, **result.summary}
    return {"role": "weights", "path": str(path), "summary": summary, "curve": result.curve or context.books.curve}


def _predict(job: Message, loaded: Loaded, recipe: Recipe, data: Data, context: Context) -> Message:
    given: Any = loaded.module.predict(open_tensors(job["model"]), data, recipe, context)
    path = context.scratch / "prediction.safetensors"
    summary = write_prediction(path, check_logits(given, len(data.rows), len(data.classes)), data)
    return {"role": "prediction", "path": str(path), "summary": summary, "curve": None}


def _told(error: BaseException, loaded: Loaded) -> str:
    # Errors of this package are sentences already.
    return str(error) if isinstance(error, (PermanentError, ElsewhereError)) else f"{loaded.name}: {sentence(error, loaded.file)}"


def _blame(error: BaseException) -> Message:
    no_room = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    elsewhere = no_room or isinstance(error, (ElsewhereError, MemoryError))
    return {"permanent": isinstance(error, PermanentError), "elsewhere": elsewhere}


def _peak_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _end_with_parent() -> None:
    """On Linux the kernel ends this process with the trainer, whatever it is at; elsewhere the end of the pipe does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def main(arguments: list[str]) -> None:
    _end_with_parent()
    read, write, target, setup = arguments
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    Worker(int(read), int(write)).run(target, json.loads(setup))


if __name__ == "__main__":
    main(sys.argv[1:])
