"""The report of a real run, in a real MLflow server and in TensorBoard. Needs both; .ci/run installs them."""

from __future__ import annotations

import importlib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit import free_port, tiny_run, until
from ratatouille.client import Report
from ratatouille.tracking import curves, members, mlflow_name, results, to_mlflow, to_tensorboard


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with tiny_run(tmp_path_factory.mktemp("run")) as run:
        yield run.report()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    address = f"http://127.0.0.1:{(port := free_port())}"
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    until(answers, "MLflow", 180)
    yield address
    process.terminate()
    process.wait()


def test_a_report_is_in_mlflow(report: Report, server: str) -> None:
    mlflow: Any = importlib.import_module("mlflow")
    made = to_mlflow(report, experiment="digits", tracking_uri=server)
    client = mlflow.MlflowClient(server)
    experiment = client.get_experiment_by_name("digits").experiment_id
    whole = client.get_run(made)
    assert (whole.info.run_name, whole.info.status) == ("tiny", "FINISHED")
    assert whole.data.metrics == pytest.approx({mlflow_name(name): value for name, value in results(report)})
    assert whole.data.params["seeds"] == "[1]"
    assert {file.path for file in client.list_artifacts(made)} == {"report.json", "sentences.txt"}
    nested = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{made}'", max_results=1000)
    assert {run.info.run_name for run in nested} == {name for name, _ in members(report)}
    name, member = next(iter(members(report)))
    run = next(run for run in nested if run.info.run_name == name)
    assert run.data.tags["ratatouille.model"] == member["model"]
    assert float(run.data.params["learningRate"]) == member["learningRate"]
    told = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "validation_accuracy")]
    assert sorted(told) == [(step, value) for tag, value, step in curves(member) if tag == "validation_accuracy"]


def test_a_report_is_in_tensorboard(report: Report, tmp_path: Path) -> None:
    accumulators: Any = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")

    def read(folder: Path) -> Any:
        accumulator = accumulators.EventAccumulator(str(folder))
        accumulator.Reload()
        return accumulator

    folder = to_tensorboard(report, tmp_path)
    whole = read(folder)
    assert {tag: whole.Scalars(tag)[0].value for tag in whole.Tags()["scalars"]} == pytest.approx(dict(results(report)))
    name, member = next(iter(members(report)))
    losses = [(event.step, event.value) for event in read(folder / name.replace(" ", "-")).Scalars("loss")]
    assert losses == [(step, pytest.approx(value)) for tag, value, step in curves(member) if tag == "loss"]
