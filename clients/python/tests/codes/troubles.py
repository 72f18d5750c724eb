"""Training code with which something is wrong: `--do` says what."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np


def options(parser):
    parser.add_argument("--do", default="nothing", help="what goes wrong; @FILE: as the file says now")
    parser.add_argument("--flag", default="", help="a file that says to go on")


def what(context):
    do = context.setup.options.do
    return Path(do[1:]).read_text() if do.startswith("@") else do


def zeros(recipe):
    return {"matrix": np.zeros((recipe.classes, 2), "f4"), "bias": np.zeros(recipe.classes, "f4")}


def fine_tune(start, data, recipe, context):
    do = what(context)
    weights = zeros(recipe)
    flag = Path(context.setup.options.flag)
    if do == "hold the GIL" or do == "sleep":
        context.report(1, loss=1.0)
        # PyDLL holds the GIL: no thread of this process runs meanwhile.
        (ctypes.PyDLL if do == "hold the GIL" else ctypes.CDLL)(None).sleep(5)
    elif do == "hang once" and not flag.exists():
        flag.touch()
        ctypes.PyDLL(None).sleep(3600)
    elif do == "print":
        for _ in range(40):
            sys.stdout.write("x" * (1 << 20) + "\n" + "short\n")
        sys.stderr.write("without an end" * (1 << 20))
    elif do == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif do == "exit":
        sys.exit(3)
    elif do == "raise":
        return int("seven")
    elif do == "wait":
        for step in range(1, 1_000_000):
            context.report(step, loss=1 / step)
            context.checkpoint(step, lambda step=step: {"count": np.array(step), **weights}, {"kind": "waiting"})
            if flag.exists():
                break
            time.sleep(0.02)
    elif do == "swallow":
        try:
            while True:
                context.report(1, loss=1.0)
                time.sleep(0.02)
        except Exception:
            pass
    elif do == "stubborn":
        while not flag.exists():
            time.sleep(0.05)
    elif do == "diverge":
        for step in range(1, 51):
            context.report(step, loss=float("nan") if step == 7 else 1.0)
    elif do == "nothing given":
        return None
    elif do == "a list":
        return [1, 2]
    elif do == "a name too few":
        del weights["bias"]
    elif do == "a name too many":
        weights["more"] = np.zeros(2, "f4")
    elif do == "another shape":
        weights["matrix"] = np.zeros((3, 3), "f4")
    elif do == "another type":
        weights["matrix"] = np.zeros((3, 2), "f8")
    elif do == "no type":
        weights["matrix"] = np.array(["a"])
    elif do == "NaN":
        weights["matrix"][2, 1] = np.nan
    elif do == "memory":
        raise MemoryError("cannot allocate 900 GiB")
    elif do == "scratch":
        (context.scratch / "large").write_bytes(bytes(8 << 20))
    return weights


def predict(weights, data, recipe, context):
    do = what(context)
    rows, classes = len(data.rows), recipe.classes
    if do == "too few rows":
        return np.zeros((rows - 1, classes), "f4")
    if do == "other classes":
        return np.zeros((rows, classes + 1), "f4")
    if do == "infinite":
        logits = np.zeros((rows, classes))
        logits[3, 1] = 1e300
        return logits
    if do == "no logits":
        return "logits"
    for done in range(rows):
        context.report(done + 1)
    return np.zeros((rows, classes), "f4")
