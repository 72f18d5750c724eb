"""What this process has used."""

from __future__ import annotations

import resource
import sys

from .._generated.usage_pb2 import Usage
from ..artifacts import Moved

_told = Moved()


def peak_memory_bytes() -> int:
    """Resident memory of this process at its largest."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def usage_here(moved: Moved, worker_bytes: int) -> Usage:
    """For CompleteAttempt: bytes since it was asked last.

    :param worker_bytes: resident memory of the worker at its largest
    """
    downloaded, uploaded = moved.downloaded - _told.downloaded, moved.uploaded - _told.uploaded
    _told.downloaded, _told.uploaded = moved.downloaded, moved.uploaded
    return Usage(
        peak_memory_bytes=peak_memory_bytes() + worker_bytes,
        received_bytes=downloaded,
        sent_bytes=uploaded,
        downloaded_bytes=downloaded,
        uploaded_bytes=uploaded,
    )
