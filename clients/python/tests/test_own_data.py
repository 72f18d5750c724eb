"""docs/your-own-data.md on data that are not images, followed from its folders to the report, on records that are drawn here."""

from __future__ import annotations

import json
import random
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

from kit import ROOT, System

PAGE = (ROOT / "docs/your-own-data.md").read_text().split("## Data that are not images")[1]


def block(language: str) -> str:
    """The one block of the section in a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def draw(directory: Path) -> None:
    """Points of a plane, by how far they are from its middle; domains are where they lie."""
    source = random.Random(7)

    def write(path: str, begin: float, end: float, labels: list[str]) -> None:
        (directory / path).parent.mkdir(exist_ok=True)
        points = [(source.uniform(begin, end), source.uniform(-1.5, 1.5)) for _ in range(120)]
        far = [min(int((x * x + y * y) ** 0.5 / 0.8), len(labels) - 1) for x, y in points]
        lines = [json.dumps({"label": labels[at], "numbers": point}) for at, point in zip(far, points, strict=True)]
        (directory / path).write_text("".join(f"{line}\n" for line in lines))

    for name, begin, end in (("left", -1.5, 0.2), ("right", -0.2, 1.5), ("wide", -1.5, 1.5)):
        write(f"numbers/{name}.jsonl", begin, end, ["inner", "outer"])
    write("rings/all.jsonl", -1.5, 1.5, ["first", "second", "third"])
    (directory / "my_training.py").write_text(block("python"))
    (directory / "numbers.yaml").write_text(block("yaml"))


def test_the_section_on_data_that_are_not_images_can_be_followed_to_its_report(tmp_path: Path) -> None:
    draw(tmp_path)
    check, up, trainer, recycle = (line.split() for line in block("shell").splitlines())
    assert up == ["ratatouille", "up"]
    ratatouille = str(ROOT / "ratatouille")
    checked = subprocess.run([ratatouille, *check[1:]], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "360 records" in checked.stdout, checked.stdout
    with ExitStack() as ending:
        system = System(tmp_path / "data", "--trainers", "1")
        ending.callback(system.stop)
        places = ["--cache-dir", str(tmp_path / "cache"), "--log-file", str(tmp_path / "trainer.log")]
        own = subprocess.Popen([*trainer[:-1], system.address, *places], cwd=tmp_path)
        ending.callback(own.wait)
        ending.callback(own.terminate)
        ran = subprocess.run([ratatouille, *recycle[1:-1], system.address], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    report = json.loads((tmp_path / "out/numbers/report.json").read_text())
    assert (report["task"]["network"], report["task"]["backend"]) == ("two-numbers", "own, ~own/1")
    averages = [one for cell in report["cells"] for one in cell["averages"] if one["method"] == "recycling"]
    assert len(averages) == 3 and all(one["accuracy"] > 0.6 for one in averages), averages
    starts = [member["initialisation"] for member in report["cells"][0]["members"] if member["set"] == "recycled"]
    assert starts == ["foundation", "rings", "foundation"]
    card = (tmp_path / "out/numbers/models/seed-0/held-out-left/README.md").read_text()
    assert "the weights of two-numbers" in card and "on own, ~own/1" in card and "```python" not in card
