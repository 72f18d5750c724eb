"""Calls that somebody may end from another thread: those of AsyncClient, whose task is cancelled while a thread waits for a service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Cancellation:
    """Ends the calls that are made under it.

    :ivar wanted: set once nobody waits any more
    """

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Any] = []

    def cancel(self) -> None:
        """Ends the calls under way; those that begin later end at once."""
        with self._lock:
            self.wanted.set()
            calls = [*self._calls]
        for call in calls:
            call.cancel()

    def add(self, call: Any) -> None:
        with self._lock:
            self._calls.append(call)
        if self.wanted.is_set():
            call.cancel()

    def remove(self, call: Any) -> None:
        with self._lock:
            self._calls.remove(call)


_NEVER = threading.Event()
_current: ContextVar[Cancellation | None] = ContextVar("ratatouille_cancellation", default=None)


def use(cancellation: Cancellation) -> None:
    """Calls of this context are made under it."""
    _current.set(cancellation)


def wanted() -> threading.Event:
    """Set once nobody waits for what this context does."""
    current = _current.get()
    return _NEVER if current is None else current.wanted


@contextmanager
def cancellable() -> Iterator[Callable[[Any], Any] | None]:
    """Takes a call that may be ended from outside while it is under way; None where nobody would."""
    current = _current.get()
    if current is None:
        yield None
        return
    covered: list[Any] = []

    def cover(call: Any) -> Any:
        covered.append(call)
        current.add(call)
        return call

    try:
        yield cover
    finally:
        for call in covered:
            current.remove(call)
