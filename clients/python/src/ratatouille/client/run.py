"""Recycling runs: started, followed, and their reports."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from .._generated import recycling_pb2 as pb
from ..connection import Connection
from ..errors import ServiceError, UsageError
from .methods import CANCEL_RUN, GET_REPORT, GET_RUN, WATCH_RUN
from .page import table
from .progress import meter

if TYPE_CHECKING:
    from .client import Client


@dataclass(frozen=True)
class Stage:
    """One kind of work of a run: jobs, and of those that are done, how many were in the catalog before."""

    name: str
    total: int
    done: int
    running: int
    queued: int
    failed: int
    cached: int


@dataclass(frozen=True)
class RunState:
    """A run at one moment.

    :ivar state: "running", "succeeded", "failed", "cancelled", "interrupted"
    :ivar error: why it failed; "" where it did not
    :ivar notes: what a person should know of it, as sentences
    :ivar remaining: seconds left; None where that is not known
    """

    id: str
    name: str
    state: str
    error: str
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()
    remaining: float | None = None

    @property
    def over(self) -> bool:
        return self.state != "running"

    @property
    def done(self) -> int:
        """Jobs that are done, of `total`."""
        return sum(stage.done for stage in self.stages)

    @property
    def total(self) -> int:
        return sum(stage.total for stage in self.stages)

    def _row(self) -> dict[str, object]:
        return {"run": self.id, "name": self.name, "state": self.state, "done": f"{self.done}/{self.total}", "error": self.error}

    def _repr_html_(self) -> str:
        rows = [(one.name, f"{one.done}/{one.total}", one.running, one.queued, one.failed) for one in self.stages]
        return table([f"{self.id}: {self.state}", "done", "running", "queued", "failed"], rows)


class Report(Mapping[str, Any]):
    """The report of a run: the JSON of `report.json`, with what is asked for most at hand.

    :ivar sentences: what came out, for people; warnings first
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.sentences: tuple[str, ...] = tuple(content.get("sentences", ()))

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    @property
    def accuracies(self) -> dict[str, float]:
        """The mean accuracy of each method over seeds and held-out domains, 0 to 1; methods without one are left out."""
        return {row["method"]: row["mean"] for row in self["table"] if row["mean"] is not None}

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        rows = [(method, f"{100 * mean:.1f} %") for method, mean in sorted(self.accuracies.items(), key=lambda one: -one[1])]
        return table(["method", "accuracy"], rows) + "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)


class Run:
    """A run of a system, which goes on whether anybody watches or not."""

    def __init__(self, client: Client, id: str, name: str) -> None:
        self._client = client
        self._connection: Connection = client._connection
        self.id = id
        self.name = name

    def __repr__(self) -> str:
        return f"<Run {self.id} ({self.name}) at {self._connection.address}>"

    def _repr_html_(self) -> str:
        return self.state()._repr_html_()

    def state(self) -> RunState:
        return run_state_of(self._connection.call(GET_RUN, pb.GetRunRequest(id=self.id)).run)

    def specification(self) -> dict[str, Any]:
        """What was asked for, as `Client.recycle` takes it: change a copy of it to run something similar."""
        told = self._connection.call(GET_RUN, pb.GetRunRequest(id=self.id)).run
        return json_format.MessageToDict(told.spec, preserving_proto_field_name=True)

    def watch(self) -> Iterator[RunState]:
        """How it is now and whenever that changes, until it is over."""
        for answer in self._connection.receive(WATCH_RUN, pb.WatchRunRequest(id=self.id)):
            remaining = answer.remaining_seconds if answer.HasField("remaining_seconds") else None
            # Its specification, and so its name, is only in the first message.
            answer.run.spec.name = self.name
            yield run_state_of(answer.run, remaining)

    def wait(self) -> RunState:
        """Waits until it is over, and shows how far it is. Raises ServiceError: ABORTED (RUN_FAILED) where it did not succeed."""
        state = self.state()
        with meter(self._client.progress, f"run {self.name}", state.total, unit="jobs") as moved:
            for state in self.watch():
                moved(state.done)
        if state.state != "succeeded":
            why = state.error or ("somebody stopped it" if state.state == "cancelled" else "nobody drives it; start it again to go on")
            raise ServiceError("ABORTED", f"the run {self.name} ({self.id}) is {state.state}: {why}", "RUN_FAILED")
        return state

    def cancel(self) -> RunState:
        """Stops it. What it has made stays; starting it again goes on."""
        return run_state_of(self._connection.call(CANCEL_RUN, pb.CancelRunRequest(id=self.id)).run)

    def report(self) -> Report:
        """Its report. Raises ServiceError: FAILED_PRECONDITION (RUN_NOT_FINISHED) before it has succeeded."""
        chunks = [answer.chunk for answer in self._connection.receive(GET_REPORT, pb.GetReportRequest(id=self.id))]
        return Report(json.loads(b"".join(chunks)))


def run_state_of(told: pb.Run, remaining: float | None = None) -> RunState:
    stages = tuple(Stage(one.name, one.total, one.done, one.running, one.queued, one.failed, one.cached) for one in told.stages)
    state = pb.RunState.Name(told.state).removeprefix("RUN_STATE_").lower()
    return RunState(told.id, told.spec.name, state, told.error, stages, tuple(told.notes), remaining)


def specification_of(given: Mapping[str, Any] | str | os.PathLike[str]) -> pb.RunSpec:
    """The specification of a run: the fields of RunSpec, or a JSON file of them. Raises UsageError naming the field that is wrong."""
    where = "this" if isinstance(given, Mapping) else f"{os.fspath(given)}"
    try:
        fields = dict(given) if isinstance(given, Mapping) else json.loads(Path(given).read_text())
        return json_format.ParseDict(fields, pb.RunSpec())
    except OSError as error:
        raise UsageError(f"cannot read {where}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{where} is no JSON; run files (YAML) name data to import, which `ratatouille recycle` does") from error
    except (json_format.ParseError, TypeError, AttributeError) as error:
        raise UsageError(f"{where} is no specification of a run: {str(error).splitlines()[0]}") from error
