"""Runs from Python: started, followed, reported, and run again with changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import ROOT, tiny_run
from ratatouille import Client, Run, ServiceError, UsageError


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with tiny_run(tmp_path_factory.mktemp("runs")) as run:
        yield run


@pytest.fixture(scope="module")
def client(first: Run) -> Client:
    return first._client


def test_a_run_is_run_again_with_changes(client: Client, first: Run, tmp_path: Path) -> None:
    specification = first.specification()
    assert specification["name"] == "tiny"
    assert client.recycle(specification).id == first.id
    specification["name"] = "tiny-again"
    (tmp_path / "again.json").write_text(json.dumps(specification))
    again = client.recycle(tmp_path / "again.json", wait=False)
    assert again.id != first.id
    states = list(again.watch())
    assert (states[-1].state, states[-1].name, states[-1].done) == ("succeeded", "tiny-again", states[-1].total)
    # Nothing was made anew.
    assert sum(stage.cached for stage in states[-1].stages) == states[-1].total
    report = again.report()
    assert report.accuracies == first.report().accuracies
    assert 0.1 < report.accuracies["recycling"] <= 1
    assert report.sentences[0] in repr(report)
    assert "recycling" in report._repr_html_()
    assert "tiny-again" in client.runs()._repr_html_()


def test_what_is_no_run_is_one_sentence(client: Client, first: Run) -> None:
    with pytest.raises(UsageError, match=r"tiny\.yaml is no JSON; run files \(YAML\) name data to import"):
        client.recycle(ROOT / "examples/tiny.yaml")
    with pytest.raises(UsageError, match="cannot read nowhere"):
        client.recycle("nowhere")
    with pytest.raises(ServiceError, match="run") as raised:
        client.run("run-0000000000000000")
    assert raised.value.code == "NOT_FOUND"
    with pytest.raises(ServiceError) as raised:
        first.cancel()
    assert raised.value.reason == "RUN_FINISHED"
