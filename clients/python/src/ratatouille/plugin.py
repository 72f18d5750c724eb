"""What training code is, as the trainer sees it: a module with two functions, and up to two more.

def fine_tune(start, data, recipe, context): ...   # -> {name: array} or Result
def predict(weights, data, recipe, context): ...   # -> logits, F32 [len(data.rows), recipe.classes]

def options(parser): ...                           # adds arguments to the command, with argparse
def describe(setup): ...                           # -> Description: which engine it is, and what it can
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .safetensors_file import Tensors

if TYPE_CHECKING:
    from .context import Context
    from .data import Data
    from .recipe import Recipe


class Start(Tensors):
    """Where a training starts: tensors by name, views of files, read-only.

    Where the recipe takes the head of another model, `head` has that model's tensors; where it also names the tensors of the head
    (`recipe.head`), they have taken the place of the weights' own. Tensors of the head may be missing: they are to be drawn from the seed.
    """

    def __init__(self, weights: Tensors, head: Tensors | None, names: Sequence[str] = ()) -> None:
        super().__init__(*weights.parts())
        self.head = head
        if head is not None:
            self._tensors.update({name: (head.dtype_name(name), head[name]) for name in names if name in head})


@dataclass(frozen=True)
class Result:
    """What a training gives."""

    #: Numpy arrays or torch tensors by name: those of the start weights where there are any.
    weights: Mapping[str, Any]
    #: Shown with the model: `steps`, `bestStep`, `finalLoss`, `validationAccuracy`. What is left out is taken from what was reported.
    summary: Mapping[str, Any] = field(default_factory=dict)
    #: The course of the training, which becomes training.json; by default that of the reports.
    curve: Mapping[str, Any] | None = None
    #: Names of tensors that are of another shape or type than those of the start, or are none of them, and shall be: of a first layer for
    #: other channels, say.
    adapted: Collection[str] = ()


@dataclass(frozen=True)
class Engine:
    """What computes, and what it can: see Engine of finetune.proto."""

    name: str
    #: "cpu" or "gpu".
    device: str
    arithmetics: Sequence[str]
    networks: Sequence[str] = ()
    #: It runs all networks that the system knows.
    built_in_networks: bool = False


@dataclass(frozen=True)
class Accelerator:
    """A GPU or its like."""

    model: str
    memory_mib: int


@dataclass(frozen=True)
class Description:
    """What training code says of itself, once, when the trainer starts."""

    engines: Sequence[Engine]
    kinds: Sequence[str] = ("train", "predict")
    accelerator: Accelerator | None = None
    #: What decides how it computes: versions, driver. Kept with every attempt.
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setup:
    """What `describe` is told, and `context.setup` has."""

    #: As the command was told: "auto", "cpu", "gpu", or one that only the training code knows, such as "cuda:1".
    device: str
    #: What `options` has added.
    options: argparse.Namespace


class Plugin(Protocol):
    """Training code."""

    def fine_tune(self, start: Start | None, data: Data, recipe: Recipe, context: Context, /) -> Any: ...

    def predict(self, weights: Tensors, data: Data, recipe: Recipe, context: Context, /) -> Any: ...
