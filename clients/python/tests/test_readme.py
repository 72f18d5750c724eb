"""The Python of the README runs: that of the client, and the file that trains and predicts."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import ROOT, System, safetensors
from ratatouille.context import Context, Report, SavedState
from ratatouille.data import Data
from ratatouille.errors import Stop
from ratatouille.plugin import Setup
from ratatouille.recipe import parse_recipe
from ratatouille.safetensors_file import as_tensors
from ratatouille.trainer.checks import check_logits, check_weights
from ratatouille.trainer.load import load

SHARD = {"digest": "s", "bytes": 5760}


class Nobody:
    def stopping(self) -> Stop | None:
        return None

    def report(self, report: Report) -> None: ...

    def save(self, saved: SavedState) -> float:
        return 0.0


def blocks(wanted: Callable[[str], bool]) -> list[str]:
    return list(
        filter(wanted, re.findall(r"^```python\n(.*?)^```$", (ROOT / "clients/python/README.md").read_text(), re.MULTILINE | re.DOTALL))
    )


def test_the_client_of_the_readme(system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RATATOUILLE_SERVER", system.address)
    code = blocks(lambda code: "import torch" not in code and "def fine_tune" not in code)
    names: dict[str, Any] = {}
    exec(compile("\n".join(code), "README.md", "exec"), names)
    assert (names["weights"]["head.weight"] == 0.5).all()
    # The lineage of the soup begins with it; then comes the snapshot.
    assert capsys.readouterr().out.count("uniform average of 2") == 2


def test_the_file_of_the_readme(tmp_path: Path) -> None:
    (code,) = blocks(lambda code: "def fine_tune" in code)
    file = tmp_path / "readme_training.py"
    file.write_text(code)
    generator = np.random.default_rng(1)
    labels = np.arange(90, dtype=np.int32) % 3
    numbers = generator.normal(0, 0.3, (90, 16)).astype("f4")
    numbers[np.arange(90), labels] += 1
    shard = tmp_path / "shard"
    shard.write_bytes(numbers.tobytes())
    columns = {
        "domain": np.zeros(90, np.int32),
        "class": labels,
        "shard": np.zeros(90, np.int32),
        "offset": np.arange(90, dtype=np.int64) * 64,
        "bytes": np.full(90, 64, np.int64),
    }
    metadata = {
        "format": "ratatouille-records/1",
        "domains": '["d"]',
        "classes": '["a","b","c"]',
        "shards": '[{"digest":"s","bytes":5760}]',
    }
    (tmp_path / "index").write_bytes(safetensors(as_tensors(columns), metadata))
    parameters = {"classes": 3, "domains": ["d"], "steps": 60, "batch": 30, "optimiser": {"learningRate": 1.0}, "head": ["head.weight"]}
    recipe = parse_recipe(json.dumps({"kind": "train", "inputs": {}, "parameters": parameters, "seed": 1, "arithmetic": "~own/1"}))
    data = Data(recipe, tmp_path / "index", None, {"s": shard})
    context = Context(recipe, Nobody(), setup=Setup("cpu", argparse.Namespace()), scratch=tmp_path, total=60)
    module = load(str(file)).module
    weights = check_weights(module.fine_tune(None, data, recipe, context), None, recipe.head, 3)
    logits = check_logits(module.predict(weights, data, recipe, context), 90, 3)
    assert (logits.argmax(axis=1) == labels).mean() > 0.9
