"""Messages between the trainer and its worker: a line of JSON each, over pipes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]


class Writer:
    """Sends messages; any thread may. Raises BrokenPipeError once nobody reads."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        line = memoryview(json.dumps(message).encode() + b"\n")
        with self._lock:
            while line:
                line = line[self._file.write(line) or 0 :]

    def close(self) -> None:
        with self._lock:
            self._file.close()


def messages(descriptor: int) -> Iterator[Message]:
    """Messages until the other side closes or is gone."""
    with os.fdopen(descriptor, "rb") as file:
        for line in file:
            # The last line of a process that was killed may not be whole.
            if line.endswith(b"\n"):
                yield json.loads(line)
