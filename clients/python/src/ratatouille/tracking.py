"""Reports of runs, written to MLflow and TensorBoard, for those who look there; by the extras `mlflow` and `tensorboard`."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .errors import UsageError

#: The most that MLflow takes in one call.
_METRICS_AT_ONCE = 1000


def to_mlflow(report: Mapping[str, Any], *, experiment: str = "ratatouille", tracking_uri: str | None = None) -> str:
    """Writes a report as a run of MLflow, and each fine-tuning as a run nested in it: hyper-parameters, curves and accuracies.

    :param report: of `Run.report()`, or the JSON of a `report.json`
    :param tracking_uri: of the server; MLFLOW_TRACKING_URI unless given
    :returns: the id of MLflow's run
    :raises UsageError: where MLflow is not installed
    """
    client = _need("mlflow", "mlflow").MlflowClient(tracking_uri)
    entities = importlib.import_module("mlflow.entities")
    found = client.get_experiment_by_name(experiment)
    place = found.experiment_id if found else client.create_experiment(experiment)
    now = round(1000 * time.time())

    def write(name: str, tags: Mapping[str, str], params: Mapping[str, Any], metrics: list[tuple[str, float, int]]) -> str:
        run = client.create_run(place, run_name=name, tags=dict(tags)).info.run_id
        client.log_batch(run, params=[entities.Param(key, str(value)) for key, value in params.items()])
        for begin in range(0, len(metrics), _METRICS_AT_ONCE):
            some = metrics[begin : begin + _METRICS_AT_ONCE]
            client.log_batch(run, metrics=[entities.Metric(mlflow_name(key), value, now, step) for key, value, step in some])
        return str(run)

    task = report["task"]
    settings = {name: task[name] for name in ("network", "backend", "seeds", "heldOut", "members", "source") if name in task}
    whole = write(
        report["name"],
        {"ratatouille.run": report["runId"], "ratatouille.version": report["ratatouille"]},
        settings,
        [(name, value, 0) for name, value in results(report)],
    )
    client.log_dict(whole, dict(report), "report.json")
    client.log_text(whole, "\n".join(report["sentences"]), "sentences.txt")
    for name, member in members(report):
        hyper = {key: member[key] for key in ("initialisation", "learningRate", "dropout", "weightDecay", "model")}
        tags = {"mlflow.parentRunId": whole, "ratatouille.model": member["model"]}
        metrics = [*curves(member), ("accuracy", member["accuracy"], member["bestStep"])]
        # Other than `set_terminated` this prints no lines for each of them.
        client.update_run(write(name, tags, hyper, metrics), status="FINISHED")
    client.set_terminated(whole)
    return whole


def to_tensorboard(report: Mapping[str, Any], directory: str | os.PathLike[str]) -> Path:
    """Writes a report as event files: the accuracies of the methods, and the curves of each fine-tuning in a folder of its own.

    :param report: of `Run.report()`, or the JSON of a `report.json`
    :returns: the folder, `directory` and the name of the run, for `tensorboard --logdir`
    :raises UsageError: where TensorBoard is not installed
    """
    _need("tensorboard", "tensorboard")
    writers = importlib.import_module("tensorboard.summary.writer.event_file_writer")
    events = importlib.import_module("tensorboard.compat.proto.event_pb2")
    summaries = importlib.import_module("tensorboard.compat.proto.summary_pb2")
    folder = Path(directory) / str(report["name"])

    def write(to: Path, scalars: list[tuple[str, float, int]]) -> None:
        writer = writers.EventFileWriter(str(to))
        for tag, value, step in scalars:
            summary = summaries.Summary(value=[summaries.Summary.Value(tag=tag, simple_value=value)])
            writer.add_event(events.Event(wall_time=time.time(), step=step, summary=summary))
        writer.close()

    write(folder, [(name, value, 0) for name, value in results(report)])
    for name, member in members(report):
        write(folder / name.replace(" ", "-"), curves(member))
    return folder


def results(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Mean accuracies by method, 0 to 1: over all ("accuracy/soup"), and by held-out domain ("accuracy/soup/60")."""
    for row in report["table"]:
        if row["mean"] is not None:
            yield f"accuracy/{row['method']}", row["mean"]
        for column in row["columns"]:
            if column["mean"] is not None:
                yield f"accuracy/{row['method']}/{column['heldOut']}", column["mean"]


def members(report: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All fine-tunings, each with a name that no other has."""
    for cell in report["cells"]:
        for member in cell["members"]:
            yield f"{member['set']} {member['index']} seed {cell['seed']} without {cell['heldOut']}", member


def curves(member: Mapping[str, Any]) -> list[tuple[str, float, int]]:
    """Losses and validation accuracies of a fine-tuning, by step."""
    curve = member["curve"]
    losses = [("loss", float(point["loss"]), int(point["step"])) for point in curve["loss"]]
    return losses + [("validation_accuracy", float(point["accuracy"]), int(point["step"])) for point in curve["validation"]]


def mlflow_name(name: str) -> str:
    """MLflow's names of metrics have letters, digits, "_", "-", ".", " ", ":" and "/"."""
    return "".join(one if one.isascii() and (one.isalnum() or one in "_-. :/") else "_" for one in name)


def _need(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(f"{module} is not installed: pip install 'ratatouille-client[{extra}]', or {module} itself") from error
