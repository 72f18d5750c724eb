"""The examples of the client do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kit import ROOT, System
from ratatouille import Client

EXAMPLES = ROOT / "examples/clients/python"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    system = System(tmp_path_factory.mktemp("examples") / "data")
    with Client(system.address, progress=False) as opened:
        yield opened
    system.stop()


def run(client: Client, name: str, *options: str) -> str:
    command = [sys.executable, EXAMPLES / name, "--server", client._connection.address, *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_people_are_better_together(client: Client) -> None:
    told = run(client, "together.py")
    scores = {name: float(score) for name, score in re.findall(r"^(\w+): (0\.\d+)$", told, re.MULTILINE)}
    people = [scores[name] for name in ("ada", "grace", "emmy")]
    assert scores["foundation"] < min(people)
    assert scores["together"] > sum(people) / 3, told
    assert set(client.models(limit=1)[0].inputs) == {client.get(f"digits/{name}").digest for name in ("ada", "grace", "emmy")}


def test_a_callback_contributes(client: Client) -> None:
    session = client.session(licence="MIT", architecture="none")
    for name in ("one", "other"):
        run(client, "callback.py", "--session", session.id, "--secret", session.secret, "--name", name)
    assert session.state().committed == 2
    # Both have learned to sum.
    assert client.pull(session.snapshot())["weight"] == pytest.approx(1, abs=0.05)
