"""`--device all`: a trainer for each GPU of this machine, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from ..errors import UsageError
from ..nvidia import ask_driver, query_of

_QUERY = query_of("index")
_PATIENCE_SECONDS = 10
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def gpus_here(environment: Mapping[str, str] = os.environ, query: Sequence[str] = _QUERY) -> int:
    """How many GPUs programs of this process see. Raises UsageError where there is none.

    >>> gpus_here({"CUDA_VISIBLE_DEVICES": "0,3"}, ["echo", "0"])
    2
    """
    count = len(ask_driver(query, _PATIENCE_SECONDS))
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if count > 0 and visible is not None:
        count = len([one for one in visible.split(",") if one.strip() not in ("", "-1")])
    if count == 0:
        raise UsageError("--device all: nvidia-smi, NVIDIA's program, names no GPU here; --device cpu needs none")
    return count


def run_on_all(arguments: Sequence[str], name: str, count: int) -> int:
    """Runs the command once for each GPU. Where one fails, the others are asked to end. Returns the exit code, once all have ended."""
    own = [[*arguments, "--device", f"cuda:{place}", "--name", f"{name}-{place}"] for place in range(count)]
    # In groups of their own, so that Ctrl-C of a terminal comes to each once: from here.
    trainers = [subprocess.Popen([sys.executable, "-m", "ratatouille.trainer.main", *options], start_new_session=True) for options in own]

    def ask(number: int) -> None:
        for trainer in trainers:
            if trainer.poll() is None:
                trainer.send_signal(number)

    for number in _SIGNALS:
        signal.signal(number, lambda number, _: ask(number))
    codes: list[int] = []
    left = {trainer.pid for trainer in trainers}
    while left:
        process, status = os.wait()
        if process not in left:
            continue
        left.remove(process)
        code = os.waitstatus_to_exitcode(status)
        for trainer in trainers:
            if trainer.pid == process:
                trainer.returncode = code
        codes.append(code)
        if code != 0:
            ask(signal.SIGTERM)
    # One that a signal has ended has no exit code.
    failed = [code for code in codes if code != 0]
    return 0 if not failed else failed[0] if failed[0] > 0 else 1
