"""One run whose jobs go to WebAssembly, two trainers with PyTorch, and a person's own code, where the run file allows them all."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from PIL import Image

from kit import ROOT, System, TrainerProcess

RUN = """
name: mixed
target: { images: ./birds }
held-out: photo
foundation: { network: mlp, hidden: [16], size: 28, channels: 1 }
probe: { steps: 10 }
fine-tuning: { members: 8, steps: 30, batch: 4, learning-rate: 0.001, validate-every: 10 }
methods: [soup, recycling]
curves: { barriers: 0, curves: 0 }
backend: [own, torch, wasm]
"""


def draw(directory: Path) -> None:
    """Bars, across or down, on a ground that the domain says."""
    for ground, domain in enumerate(("garden", "photo", "sketch")):
        for label in ("jay", "owl"):
            for number in range(6):
                pixels = np.full((28, 28), 20 + 40 * ground + number, dtype=np.uint8)
                pixels[4:10] = 230
                path = directory / "birds" / domain / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels if label == "jay" else pixels.T.copy()).save(path)
    (directory / "mixed.yaml").write_text(RUN)
    (directory / "mine.py").write_text("from ratatouille.torch import fine_tune, predict\n")


def test_one_run_on_wasm_pytorch_and_own_code(tmp_path: Path) -> None:
    draw(tmp_path)
    system = System(tmp_path / "data", "--trainers", "1")
    own = ("--engine", "own", "--arithmetic", "~train/2 images/1", "--network", "mlp", "--name", "mine")
    with ExitStack() as stack:
        stack.callback(system.stop)
        one_thread = {"OMP_NUM_THREADS": "1", "RATATOUILLE_NETWORKS": ""}
        fleet = [
            stack.enter_context(TrainerProcess(target, system.address, tmp_path / name, *options, environment=one_thread))
            for target, name, options in (
                ("torch", "torch-1", ("--name", "torch-1")),
                ("torch", "torch-2", ("--name", "torch-2")),
                (tmp_path / "mine.py", "mine", own),
            )
        ]
        for trainer in fleet:
            trainer.said("trainer ready", 60)
        ratatouille = [str(ROOT / "ratatouille")]
        ran = subprocess.run(
            [*ratatouille, "recycle", "mixed.yaml", "--server", system.address], cwd=tmp_path, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}\n{[trainer.output[-2000:] for trainer in fleet]}"
        listed = subprocess.run(
            [*ratatouille, "jobs", "list", "--server", system.address, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        jobs = [job for job in json.loads(listed.stdout) if json.loads(job["recipe"])["kind"] in ("train", "predict")]
        assert all(job["needs"]["backends"] == ["own", "torch", "wasm"] for job in jobs)
        done = Counter(job["trainer"] for job in jobs)
        assert set(done) == {"mine", "torch-1", "torch-2", "trainer-1"}, done
    report = json.loads((tmp_path / "out/mixed/report.json").read_text())
    (average,) = [one for one in report["cells"][0]["averages"] if one["method"] == "recycling"]
    assert average["accuracy"] > 0.9, average
