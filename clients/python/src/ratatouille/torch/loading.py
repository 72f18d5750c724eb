"""Batches made ahead by processes, in the order in which a training or a prediction needs them.

All that is wanted is known beforehand, so one list of requests has the steps and the validations between them: while one batch is used,
the next ones are made, whatever they are for. How many processes there are changes no number.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from ..data import Data
from ..errors import ElsewhereError, PermanentError
from .preparing import Batch, Failure, Preparer, Request

#: Most bytes of decoded images that are kept, by all workers together.
KEPT_BYTES = 192 << 20
#: Workers unless told otherwise, at most.
_MOST_WORKERS = 8
#: Files of so few bytes, all together, are decoded by the process that computes: others would take longer to start.
_FEW_BYTES = 256 << 10
# What a DataLoader asks each worker for before it is needed.
_AHEAD = 2
_SHARED = "/dev/shm"
_PRELOADED = "ratatouille.torch.preparing"


def start_early() -> None:
    """Starts what workers are forked from, which loads torch meanwhile. A process with threads, as a trainer is, must not be forked."""
    multiprocessing.set_forkserver_preload([_PRELOADED])
    from multiprocessing import forkserver

    forkserver.ensure_running()


def workers_for(asked: int | None, file_bytes: int, batch_bytes: int) -> int:
    """How many processes make batches; 0: the one that computes does.

    :param file_bytes: of all images together
    :param batch_bytes: of the pixels of the largest batch, which go through shared memory
    """
    if asked is None and file_bytes <= _FEW_BYTES:
        return 0
    wanted = max(1, min(_MOST_WORKERS, (os.cpu_count() or 1) - 1)) if asked is None else asked
    return min(wanted, _shared_bytes() // max(1, (_AHEAD + 1) * batch_bytes))


def _shared_bytes() -> int:
    """What is free of the memory that processes share; containers may have little."""
    try:
        found = os.statvfs(_SHARED)
    except OSError:
        return 1 << 40
    return found.f_bavail * found.f_frsize


class Loader:
    """The batches of requests, in their order. Used as a context: its workers end with it."""

    def __init__(self, data: Data, preparer: Preparer, requests: Iterable[Request], workers: int, pinned: bool = False) -> None:
        self._data = data
        self._preparer = preparer
        context = None
        if workers > 0:
            start_early()
            context = multiprocessing.get_context("forkserver")
        loader: DataLoader[Batch | Failure] = DataLoader(
            preparer,
            batch_size=None,
            sampler=_Requests(requests),
            num_workers=workers,
            collate_fn=_same,
            pin_memory=pinned,
            multiprocessing_context=context,
        )
        self._batches: Iterator[Batch | Failure] | None = iter(loader)

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._batches = None
        self._preparer.close()
        # Workers end when the iterator does, which a frame of an error may hold in a circle.
        if error is not None:
            gc.collect()

    def next(self) -> tuple[Tensor, Tensor, Tensor]:
        """The next batch.

        :raises PermanentError: naming the image that cannot be used
        :raises ElsewhereError: where another trainer may read it
        """
        assert self._batches is not None
        batch = next(self._batches)
        if isinstance(batch, Failure):
            message = f"{name_of(self._data, batch.row)}: {batch.problem}"
            raise ElsewhereError(message) if batch.is_of_this_trainer else PermanentError(message)
        return batch


def name_of(data: Data, row: int) -> str:
    """What messages call an image: "sketch/dog/12.png"."""
    domain = int(data.row_domains[row])
    label = int(data.labels[row])
    return "/".join([data.domains[domain] if domain >= 0 else "", data.classes[label], data.name(row)])


class _Requests(Sampler[Request]):
    def __init__(self, requests: Iterable[Request]) -> None:
        self._requests = requests

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests)


def _same(batch: Any) -> Any:
    return batch
