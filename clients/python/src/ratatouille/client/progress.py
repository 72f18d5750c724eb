"""What a person sees while bytes move: a bar of tqdm where that is there, or whatever a program wants to hear."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Hears what is done ("push soup.safetensors"), how far it is, and of how much; of bytes, or of jobs.
Listener = Callable[[str, int, int], None]
#: True: bars of tqdm. None: where tqdm is installed and somebody sees them.
Progress = bool | Listener | None
_DELAY_SECONDS = 0.5
Moved = Callable[[int], None]


@contextmanager
def meter(progress: Progress, what: str, total: int, unit: str = "B") -> Iterator[Moved]:
    """Takes how far it is, as often as one likes."""
    if callable(progress):
        listener = progress
        yield lambda done: listener(what, done, total)
        return
    if progress is False or (progress is None and not (importlib.util.find_spec("tqdm") and _seen())):
        yield lambda done: None
        return
    # What is done at once needs no bar.
    bar = _bars()(total=total, desc=what, unit=unit, unit_scale=unit == "B", leave=False, delay=_DELAY_SECONDS)
    try:
        yield lambda done: bar.update(done - bar.n)
    finally:
        bar.close()


def _seen() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules


def _bars() -> Any:
    # tqdm warns in notebooks that have no widgets.
    name = "tqdm.auto" if importlib.util.find_spec("ipywidgets") else "tqdm"
    return importlib.import_module(name).tqdm
