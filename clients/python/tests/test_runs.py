"""Trainings and predictions of a person's own code, end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kit import Dataset, System, TrainerProcess, prediction, training


def test_a_file_with_two_functions_trains_and_predicts(system: System, dataset: Dataset, codes: Path, tmp_path: Path) -> None:
    with TrainerProcess(codes / "regression.py", system.address, tmp_path) as trainer:
        jobs = [system.submit(training(dataset, seed=seed, steps=60)) for seed in (1, 2)]
        models = [system.succeeded(job).artifact for job in jobs]
        tensors = [system.weights_of(model, tmp_path / "model") for model in models]
        assert {name: (one.dtype_name(name), one[name].shape) for one in tensors for name in one} == {
            "matrix": ("F32", (3, 2)),
            "bias": ("F32", (3,)),
        }
        job = system.succeeded(system.submit(prediction(dataset, models, "validation", [0.3, 0.7])))
        logits = system.weights_of(job.artifact, tmp_path / "prediction")
        trainer.signal(15)
        assert trainer.ends(3) == 0
    rows = logits["rows"]
    assert rows.tolist() == sorted(row for place in (0, 1) for row in np.flatnonzero(dataset.domain == place)[1::2])
    assert logits["labels"].tolist() == dataset.labels[rows].tolist()
    assert logits["domains"].tolist() == dataset.domain[rows].tolist()
    assert (logits["logits"].argmax(axis=1) == logits["labels"]).mean() > 0.6
