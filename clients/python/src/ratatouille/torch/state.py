"""What a training is made of between two steps, and how a checkpoint holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..context import Context
from ..recipe import Recipe
from .computing import Computing
from .start import tensor_of

_BEST = "ratatouille.best"
_MOMENTS = {"exp_avg": "firstMoment", "exp_avg_sq": "secondMoment"}


@dataclass(frozen=True)
class Best:
    """The best weights so far, on the processor."""

    step: int
    accuracy: float
    weights: dict[str, Tensor]

    @staticmethod
    def metadata(best: Best | None) -> dict[str, str]:
        """What a checkpoint says of them."""
        told = None if best is None else {"step": best.step, "accuracy": best.accuracy}
        return {_BEST: json.dumps(told)}


class Optimiser:
    """Adam over what is trained: the head alone first, where the recipe says so, and then all, anew."""

    def __init__(self, computing: Computing, recipe: Recipe) -> None:
        self.computing = computing
        self._recipe = recipe
        self._adam: torch.optim.Adam | None = None
        self._is_head: bool | None = None
        self.trained: list[tuple[str, torch.nn.Parameter]] = []

    @property
    def adam(self) -> torch.optim.Adam:
        """That of the step that was begun."""
        assert self._adam is not None
        return self._adam

    def begin(self, step: int) -> None:
        """Readies it for a step, counted from 1."""
        is_head = self._recipe.trainable == "head" or step <= self._recipe.head_only_steps
        if is_head == self._is_head:
            return
        self._is_head = is_head
        self.trained = self.computing.parameters(self.computing.network.head if is_head else None)
        names = {name for name, _ in self.trained}
        for name, parameter in self.computing.parameters():
            parameter.requires_grad_(name in names)
            parameter.grad = None
        parameters = [parameter for _, parameter in self.trained]
        self._adam = torch.optim.Adam(
            parameters,
            lr=self._recipe.learning_rate,
            betas=(0.9, 0.999),
            eps=1e-8,
            weight_decay=self._recipe.weight_decay,
        )

    def steps_of(self, step: int) -> int:
        """How many steps this Adam has done after a step of the training."""
        return step if self._is_head else step - self._recipe.head_only_steps


def save(optimiser: Optimiser, best: Best | None, began: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a checkpoint: what is trained with its moments, and of the best weights those that differ from the first."""
    tensors: dict[str, Tensor] = {}
    for name, parameter in optimiser.trained:
        tensors[f"parameters:{name}"] = parameter.detach()
        for key, part in _MOMENTS.items():
            tensors[f"{part}:{name}"] = optimiser.adam.state[parameter][key]
    for name, tensor in (best.weights if best is not None else {}).items():
        if not torch.equal(tensor, began[name]):
            tensors[f"best:{name}"] = tensor
    return tensors


def restore(context: Context, optimiser: Optimiser, began: Mapping[str, Tensor]) -> tuple[int, Best | None]:
    """Goes on from a checkpoint: the step after which it was saved, and the best weights."""
    resume = context.resume
    assert resume is not None
    optimiser.begin(resume.step)
    done = optimiser.steps_of(resume.step)
    with torch.no_grad():
        for name, parameter in optimiser.trained:
            parameter.copy_(tensor_of(resume.state, f"parameters:{name}"))
            moments = {key: tensor_of(resume.state, f"{part}:{name}") for key, part in _MOMENTS.items()}
            state = {key: torch.empty_like(parameter).copy_(value) for key, value in moments.items()}
            optimiser.adam.state[parameter] = {"step": torch.tensor(float(done)), **state}
    best = json.loads(resume.state.metadata[_BEST])
    if best is None:
        return resume.step, None
    changed = {name: f"best:{name}" for name in began if f"best:{name}" in resume.state}
    weights = {name: tensor_of(resume.state, changed[name]).clone() if name in changed else tensor for name, tensor in began.items()}
    return resume.step, Best(best["step"], best["accuracy"], weights)
