"""Data sets of small images and jobs over them, as a trainer would have them, for the tests of what PyTorch does."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ratatouille import Context, Data, Recipe, Resume, Setup, Stop, Tensors, open_tensors
from ratatouille.context import Report, SavedState
from ratatouille.recipe import parse_recipe
from ratatouille.safetensors_file import as_tensors, write_tensors

CLASSES = ("circle", "square", "star")
DOMAINS = ("photo", "sketch")
_DIGEST = "sha256:" + "0" * 64


def write(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str]) -> Path:
    """A safetensors file."""
    with path.open("wb") as file:
        write_tensors(file, as_tensors(tensors), metadata)
    return path


def image(row: int, size: int) -> bytes:
    """A PNG of noise around a colour that its class has."""
    random = np.random.RandomState(row)
    pixels = random.randint(0, 60, (size, size + row % 3, 3))
    pixels[:, :, row % 3] += 150
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def data_set(folder: Path, rows: int = 18, size: int = 20, damaged: int = -1) -> dict[str, Path]:
    """An index over one shard, and a split that keeps every third row of a domain for validation."""
    files = [b"no image" if row == damaged else image(row, size) for row in range(rows)]
    offsets = np.cumsum([0, *(len(file) for file in files)])[:-1]
    (folder / "shard").write_bytes(b"".join(files))
    names = [f"{row}.png".encode() for row in range(rows)]
    domain = np.array([row * 2 // rows for row in range(rows)], np.int32)
    columns = {
        "domain": domain,
        "class": np.array([row % 3 for row in range(rows)], np.int32),
        "shard": np.zeros(rows, np.int32),
        "offset": offsets.astype(np.int64),
        "bytes": np.array([len(file) for file in files], np.int64),
        "name": np.frombuffer(b"".join(names), np.uint8),
        "nameEnd": np.cumsum([len(name) for name in names]).astype(np.int32),
    }
    shards = [{"digest": _DIGEST, "bytes": int((folder / "shard").stat().st_size)}]
    metadata = {
        "format": "ratatouille-images/1",
        "domains": json.dumps(DOMAINS),
        "classes": json.dumps(CLASSES),
        "shards": json.dumps(shards),
    }
    index = write(folder / "index", columns, metadata)
    split: dict[str, Any] = {}
    for i in range(2):
        own = np.flatnonzero(domain == i).astype(np.int32)
        split[f"training.{i}"] = own[np.arange(len(own)) % 3 != 0]
        split[f"validation.{i}"] = own[np.arange(len(own)) % 3 == 0]
    told = {"format": "ratatouille-split/1", "domains": json.dumps(DOMAINS)}
    return {"index": index, "split": write(folder / "split", split, told), "shard": folder / "shard"}


def open_data(recipe: Recipe, files: Mapping[str, Path]) -> Data:
    """The data set as training code gets it."""
    split = files["split"] if recipe.kind == "train" else None
    return Data(recipe, files["index"], split, {_DIGEST: files["shard"]})


def train_recipe(network: Mapping[str, Any], **parameters: Any) -> Recipe:
    """A training; what is given replaces what it says."""
    told = {
        "network": dict(network),
        "classes": len(CLASSES),
        "domains": list(DOMAINS),
        "optimiser": {"name": "adam", "learningRate": 0.001, "weightDecay": 0.01},
        "steps": 6,
        "batch": 3,
        "transform": {"training": "domainbed/1", "validation": "resize/1"},
        "validate": {"every": 2},
        **parameters,
    }
    told = {name: value for name, value in told.items() if value is not None}
    return recipe_of("train", told, {"dataset": _DIGEST, "split": _DIGEST}, 7)


def predict_recipe(network: Mapping[str, Any], **parameters: Any) -> Recipe:
    """A prediction of all rows."""
    told = {
        "network": dict(network),
        "classes": len(CLASSES),
        "domains": list(DOMAINS),
        "transform": "resize/1",
        **parameters,
    }
    return recipe_of("predict", told, {"models": [_DIGEST], "dataset": _DIGEST}, 0)


def recipe_of(kind: str, parameters: Mapping[str, Any], inputs: Mapping[str, Any], seed: int) -> Recipe:
    told = {"kind": kind, "inputs": inputs, "parameters": parameters, "seed": seed, "arithmetic": "~train/2 images/1"}
    return parse_recipe(json.dumps(told))


class Recording:
    """What a context delivers: reports, and the checkpoints, which are kept. It stops when it has been asked so often whether to."""

    def __init__(self, stop: Stop | None = None, when: int = 0) -> None:
        self.reports: list[Report] = []
        self.saved: list[SavedState] = []
        self._stop = stop
        self._left = when

    def stopping(self) -> Stop | None:
        self._left -= 1
        return self._stop if self._left < 0 else None

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def save(self, saved: SavedState) -> float:
        self.saved.append(saved)
        return 0.0


def context_for(recipe: Recipe, scratch: Path, outlet: Recording | None = None, resume: Resume | None = None, **options: Any) -> Context:
    """A context whose checkpoints are due at once."""
    given: dict[str, Any] = {"accumulate": "1", "workers": 0, **options}
    setup = Setup("cpu", argparse.Namespace(**given))
    scratch.mkdir(exist_ok=True)
    return Context(
        recipe,
        outlet or Recording(),
        setup=setup,
        scratch=scratch,
        total=recipe.steps or 1,
        resume=resume,
        checkpoint_seconds=0,
    )


def resume_from(saved: SavedState) -> Resume:
    """A checkpoint as the next attempt gets it."""
    return Resume(saved.step, open_tensors(saved.path))


def bytes_of(weights: Mapping[str, Any]) -> dict[str, bytes]:
    """What has to be equal bit for bit."""
    tensors: Tensors = as_tensors(dict(weights))
    return {name: np.ascontiguousarray(tensors[name]).tobytes() for name in tensors}
