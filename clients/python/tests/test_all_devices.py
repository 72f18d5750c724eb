"""A trainer for each GPU: which there are, and that all end as one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kit import until
from ratatouille.errors import UsageError
from ratatouille.trainer.all_devices import gpus_here

# Training code that says which device it got, and does not find it: then all trainers end.
_CODE = """
from pathlib import Path
from ratatouille import Description, Engine
from ratatouille.errors import UsageError
def fine_tune(start, data, recipe, context): ...
def predict(weights, data, recipe, context): ...
def describe(setup):
    Path(__file__).with_name(setup.device).touch()
    if setup.device == "LACKS":
        raise UsageError("there is no LACKS")
    return Description([Engine("own", "gpu", ["~own/1"])])
"""


def test_gpus_are_those_that_the_driver_names_and_the_environment_shows() -> None:
    three = ["printf", "0\n1\n2\n"]
    assert gpus_here({}, three) == 3
    assert gpus_here({"CUDA_VISIBLE_DEVICES": "2"}, three) == 1
    for environment, query in (({}, ["false"]), ({}, ["/no/program"]), ({"CUDA_VISIBLE_DEVICES": "-1"}, three)):
        with pytest.raises(UsageError, match="--device all: nvidia-smi, NVIDIA's program, names no GPU here"):
            gpus_here(environment, query)


def _start(folder: Path, lacks: str) -> subprocess.Popen[str]:
    """The command on a machine with two GPUs, as nvidia-smi has it, one of which the training code may lack."""
    program = folder / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 0\necho 1\n")
    program.chmod(0o755)
    (folder / "code.py").write_text(_CODE.replace("LACKS", lacks))
    path = f"{folder}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "ratatouille.trainer.main", str(folder / "code.py"), "--server", "127.0.0.1:9", "--device", "all"]
    return subprocess.Popen(command, env={**os.environ, "PATH": path}, stderr=subprocess.PIPE, text=True)


def test_one_that_fails_ends_all(tmp_path: Path) -> None:
    trainers = _start(tmp_path, "cuda:1")
    _, errors = trainers.communicate(timeout=60)
    assert trainers.returncode == 2
    assert "there is no cuda:1" in errors


def test_who_ends_it_ends_all(tmp_path: Path) -> None:
    trainers = _start(tmp_path, "none")
    until(lambda: all((tmp_path / f"cuda:{place}").exists() for place in range(2)) or trainers.poll() is not None, "both begin")
    trainers.send_signal(signal.SIGTERM)
    _, errors = trainers.communicate(timeout=60)
    assert trainers.returncode == 0, errors
