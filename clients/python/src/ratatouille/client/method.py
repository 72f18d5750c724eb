"""Ways to make one model of several, as the server has them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format

from .._generated import averaging_pb2 as pb


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method; `default` is None where it has to be given."""

    name: str
    default: Any
    per_model: bool
    description: str


@dataclass(frozen=True)
class MergeMethod:
    """A method for `Client.average`.

    :ivar base: "none", "optional" or "required"
    :ivar statistics: what is needed of each model: "fisher" or "gram"; "" for nothing
    :ivar sessions: whether sessions take it too
    """

    name: str
    title: str
    summary: str
    formula: str = field(repr=False)
    parameters: tuple[Parameter, ...]
    base: str
    statistics: str
    random: bool
    sessions: bool

    def _row(self) -> dict[str, object]:
        parameters = ", ".join(one.name if one.default is None else f"{one.name} = {one.default}" for one in self.parameters)
        return {"method": self.name, "what it does": self.summary, "parameters": parameters, "base": self.base}


def method_of_message(told: pb.MergeMethod) -> MergeMethod:
    return MergeMethod(
        name=told.name,
        title=told.title,
        summary=told.summary,
        formula=told.formula,
        parameters=tuple(
            Parameter(one.name, json_format.MessageToDict(one.default) if one.HasField("default") else None, one.per_model, one.description)
            for one in told.parameters
        ),
        base=pb.BaseUse.Name(told.base).removeprefix("BASE_USE_").lower(),
        statistics=told.statistics,
        random=told.random,
        sessions=told.sessions,
    )
