"""The file of a prediction: see ARTIFACT_KIND_PREDICTION of artifact.proto."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import Data
from .safetensors_file import Tensors, write_tensors

FORMAT = "ratatouille-prediction/1"


def write_prediction(path: Path, logits: NDArray[np.float32], data: Data) -> dict[str, float]:
    """Writes logits F32 [len(data.rows), classes] with labels, domains and rows, I32. Returns the summary that goes with them."""
    rows = data.rows
    labels, domains = data.labels[rows], data.row_domains[rows]
    tensors = {
        "logits": ("F32", logits),
        "labels": ("I32", labels),
        "domains": ("I32", domains),
        "rows": ("I32", rows),
    }
    with path.open("wb") as file:
        write_tensors(file, Tensors(tensors), {"format": FORMAT, "domains": json.dumps(data.domains, separators=(",", ":"))})
    wide = logits.astype(np.float64)
    largest = wide.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(wide - largest).sum(axis=1)) + largest[:, 0]
    loss = float(np.mean(log_sum - wide[np.arange(len(rows)), labels]))
    return {"rows": len(rows), "accuracy": float(np.mean(logits.argmax(axis=1) == labels)), "loss": loss}
