"""What training code gives wrongly ends its job with a sentence that says what; the trainer goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kit import Dataset, System, TrainerProcess, prediction, training
from ratatouille._generated.finetune_pb2 import JOB_STATE_FAILED

START = {"matrix": np.ones((3, 2), "f4"), "bias": np.ones(3, "f4")}

# What is wrong, the sentence, and how many attempts there are.
TRAININGS = [
    ("nothing given", "fine_tune gave nothing; expected weights, a dict of arrays by name, or a Result", 1),
    ("a list", "fine_tune gave a list; expected weights, a dict of arrays by name, or a Result", 1),
    ("a name too few", "fine_tune gave no tensor bias, which the network has", 1),
    ("a name too many", "fine_tune gave a tensor more, which the network does not have", 1),
    ("another shape", "fine_tune gave tensor matrix as F32 [3, 3]; expected F32 [3, 2]", 1),
    ("another type", "fine_tune gave tensor matrix as F64 [3, 2]; expected F32 [3, 2]", 1),
    ("no type", "tensor matrix is of type <U1; files have", 1),
    ("NaN", "tensor matrix has nan at [2, 1]; all numbers have to be finite", 1),
    ("diverge", "the loss is nan in step 7", 1),
    ("memory", "troubles.py: MemoryError: cannot allocate 900 GiB (troubles.py, line", 1),
    ("raise", "troubles.py: ValueError: invalid literal for int() with base 10: 'seven' (troubles.py, line", 3),
    ("crash", "the process of the training code ended: SIGSEGV", 3),
    ("exit", "the process of the training code ended: exit code 3", 3),
]

PREDICTIONS = [
    ("too few rows", "predict gave logits [59, 3]; expected [60, 3], a row for each example and a column for each class"),
    ("other classes", "predict gave logits [60, 4]; expected [60, 3]"),
    ("infinite", "predict: logits has inf at [3, 1]; all numbers have to be finite"),
    ("no logits", "predict gave a str; expected logits, an array F32 [60, 3]"),
]


@pytest.fixture(scope="module")
def start(system: System) -> str:
    return system.model(START)


@pytest.fixture(scope="module")
def do_file(system: System, codes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of one trainer for all of them: what to do wrongly."""
    directory = tmp_path_factory.mktemp("trainer")
    with TrainerProcess(codes / "troubles.py", system.address, directory, "--do", f"@{directory / 'do'}"):
        yield directory / "do"


@pytest.mark.parametrize(("do", "sentence", "attempts"), TRAININGS, ids=[do for do, _, _ in TRAININGS])
def test_trainings(system: System, dataset: Dataset, do_file: Path, start: str, do: str, sentence: str, attempts: int) -> None:
    do_file.write_text(do)
    seed = 100 + [name for name, _, _ in TRAININGS].index(do)
    job = system.ended(system.submit(training(dataset, seed=seed, weights=start, head=["bias"])))
    assert (job.state, sentence in job.error) == (JOB_STATE_FAILED, True), job.error
    assert len(job.attempts) == attempts


@pytest.mark.parametrize(("do", "sentence"), PREDICTIONS, ids=[do for do, _ in PREDICTIONS])
def test_predictions(system: System, dataset: Dataset, do_file: Path, do: str, sentence: str) -> None:
    do_file.write_text(do)
    model = system.model({**START, "bias": np.full(3, [do for do, _ in PREDICTIONS].index(do), "f4")})
    job = system.ended(system.submit(prediction(dataset, [model])))
    assert (job.state, sentence in job.error) == (JOB_STATE_FAILED, True), job.error
