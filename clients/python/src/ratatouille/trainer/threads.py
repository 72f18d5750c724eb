"""Threads that belong to the trace in which they were started."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable


def start_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Runs `work` in a thread that does not keep the process alive."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name=name, daemon=True)
    thread.start()
    return thread
