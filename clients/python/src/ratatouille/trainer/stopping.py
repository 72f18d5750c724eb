"""How a trainer is stopped: first it is asked, then time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: So long a trainer that is asked to end may take to save and publish what it has. Who asked may kill it after three seconds.
DRAIN_SECONDS = 1.5


class Stopping:
    """:ivar time_up: what is still under way is given up"""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.why = ""
        self.time_up = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        return self.asked_at is not None

    @property
    def seconds_left(self) -> float | None:
        """Until time is up; None: nobody has asked."""
        return None if self.asked_at is None else self.asked_at + DRAIN_SECONDS - time.monotonic()

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls back once it is asked; from a signal handler, so it may only pass it on."""
        self._listeners.append(listener)

    def ask(self, why: str) -> None:
        """May be called by a signal handler."""
        if self.asked_at is not None:
            return
        self.why = why
        self.asked_at = time.monotonic()
        timer = threading.Timer(DRAIN_SECONDS, self.time_up.set)
        timer.daemon = True
        timer.start()
        for listener in self._listeners:
            listener()
