"""Logs as JSON lines: level, time, service, fields, msg."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import UsageError

_SECRETS = re.compile(r"(?i)(bearer\s+)\S+")
_LEVELS = ("debug", "info", "warn", "error")


class Log:
    """Writes lines to stderr, or to a file. Any thread may. Texts that look like secrets are left out.

    :param trace: fields that say to which trace a line belongs
    """

    def __init__(self, path: str | None = None, trace: Callable[[], Mapping[str, str]] | None = None) -> None:
        self._lock = threading.Lock()
        self._trace = trace or (lambda: {})
        try:
            self._file: IO[str] = sys.stderr if path is None else _open(Path(path))
        except OSError as error:
            raise UsageError(f"cannot write the log {path}: {error.strerror}") from error

    def debug(self, message: str, **fields: Any) -> None:
        self._write("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        self._write("info", message, fields)

    def warn(self, message: str, **fields: Any) -> None:
        self._write("warn", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
        line = {"level": level, "time": stamp, "service": "trainer", **self._trace(), **fields, "msg": message}
        text = _SECRETS.sub(r"\1[redacted]", json.dumps(line, default=str))
        with self._lock:
            try:
                self._file.write(text + "\n")
                self._file.flush()
            except (OSError, ValueError):
                # Nobody reads it any more, or the disk is full: the work goes on.
                pass


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8")
