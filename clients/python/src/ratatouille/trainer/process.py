"""The worker as the trainer sees it: a process that is started, told of jobs, listened to, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

from ..errors import UsageError
from .log import Log
from .pipe import Message, Writer, messages

#: Bytes of output of one job that become lines of the log; and of one line.
_MOST_OUTPUT = 1 << 20
_MOST_LINE = 2000


class WorkerProcess:
    """Training code in a process of its own, which lives from job to job. Start it from the main thread: the kernel ends it with that.

    :param load_seconds: so long it may take to be loaded
    :param events: gets what the worker says, and `{"type": "exit"}` when it has ended
    """

    def __init__(
        self, target: str, device: str, arguments: Sequence[str], log: Log, events: queue.SimpleQueue[Message], load_seconds: float
    ) -> None:
        self._command = (target, json.dumps({"device": device, "arguments": list(arguments)}))
        self._log = log
        self._events = events
        self._load_seconds = load_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: Writer | None = None
        self._output = _OutputLimit()
        self._life = 0
        #: What it said of itself.
        self.ready: Message = {}

    def start(self) -> None:
        """Starts it, and waits until the training code is loaded. Raises UsageError with its sentence where it cannot be."""
        to_worker, from_trainer = os.pipe()
        to_trainer, from_worker = os.pipe()
        target, setup = self._command
        # What the trainer knows is not for the training code.
        environment = {name: value for name, value in os.environ.items() if name != "RATATOUILLE_TOKEN"}
        environment["PYTHONUNBUFFERED"] = "1"
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "ratatouille.trainer.worker", str(to_worker), str(from_worker), target, setup],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(to_worker, from_worker),
                start_new_session=True,
                env=environment,
            )
        finally:
            os.close(to_worker)
            os.close(from_worker)
        self._life += 1
        self._process = process
        self._writer = Writer(from_trainer)
        self._output = _OutputLimit()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            threading.Thread(target=self._capture, args=(stream,), name="output", daemon=True).start()
        threading.Thread(target=self._listen, args=(to_trainer, self._life), name="worker", daemon=True).start()
        threading.Thread(target=self._await_end, args=(process, self._life), name="worker end", daemon=True).start()
        deadline = time.monotonic() + self._load_seconds
        while True:
            try:
                message = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise UsageError(f"{target} was not loaded within {self._load_seconds:g} s (--step-timeout)") from None
            if message.get("life") != self._life:
                if message["type"] == "stop":
                    self._events.put(message)
                    self.kill()
                    raise InterruptedError
                continue
            if message["type"] == "ready":
                self.ready = message
                return
            if message["type"] == "unusable":
                self.kill()
                raise UsageError(message["error"])
            if message["type"] == "exit":
                raise UsageError(f"{target} ended its process while it was loaded: {message['how']}")

    def begin_job(self) -> None:
        """From now on output is of another job, and counts anew."""
        self._output = _OutputLimit()

    def send(self, message: Message) -> None:
        """Tells it something; one that has ended hears nothing."""
        if self._writer is not None:
            with contextlib.suppress(OSError, ValueError):
                self._writer.send(message)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def concerns(self, message: Message) -> bool:
        """Whether a message is of this life of it."""
        return "life" not in message or message["life"] == self._life

    def kill(self) -> None:
        """Ends it, and what it has started, at once."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill_group(process.pid)
        process.wait()
        # What of its children has outlived it.
        _kill_group(process.pid)
        if self._writer is not None:
            self._writer.close()

    def _listen(self, descriptor: int, life: int) -> None:
        for message in messages(descriptor):
            self._events.put({**message, "life": life})

    def _await_end(self, process: subprocess.Popen[bytes], life: int) -> None:
        code = process.wait()
        _kill_group(process.pid)
        # What it has said last is on its way.
        time.sleep(0.05)
        self._events.put({"type": "exit", "life": life, "how": _how(code)})

    def _capture(self, stream: IO[bytes]) -> None:
        rest = b""
        while chunk := os.read(stream.fileno(), 1 << 16):
            room = self._output.take(len(chunk))
            if room == "none":
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[:_MOST_LINE]
            for line in lines:
                self._tell(line)
            if room == "last":
                rest = b""
                mib = _MOST_OUTPUT >> 20
                self._log.warn(f"the training code has written over {mib} MiB: the rest is left out", source="training code")
        self._tell(rest)

    def _tell(self, line: bytes) -> None:
        text = line[:_MOST_LINE].decode(errors="replace").rstrip()
        if text:
            self._log.info(text, source="training code")


class _OutputLimit:
    def __init__(self) -> None:
        self._left = _MOST_OUTPUT
        self._lock = threading.Lock()

    def take(self, count: int) -> str:
        with self._lock:
            if self._left < 0:
                return "none"
            self._left -= count
            return "all" if self._left >= 0 else "last"


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}{', which the system sends where memory is short' if name == 'SIGKILL' else ''}"
