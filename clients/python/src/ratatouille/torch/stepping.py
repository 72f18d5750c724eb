"""One step of a training: gradients, and Adam. Where memory is short, the batch goes through in pieces, or it is said what would fit."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import ElsewhereError, PermanentError
from ..recipe import Recipe
from .computing import Computing
from .devices import is_out_of_memory, memory_text, release
from .options import Settings


class Stepper:
    """The steps of a training."""

    def __init__(self, computing: Computing, recipe: Recipe, settings: Settings) -> None:
        self._computing = computing
        self._recipe = recipe
        self._is_free = settings.accumulate == 0
        self._parts = max(1, settings.accumulate)

    def step(self, pixels: Tensor, labels: Tensor, kept: Tensor, adam: torch.optim.Optimizer) -> Tensor:
        """Trains on a batch.

        :param kept: which numbers dropout keeps
        :returns: the loss before the update, a tensor of one number
        :raises ElsewhereError: where there is no memory for it
        """
        self._check_labels(labels)
        rows = len(labels)
        while True:
            try:
                return self._step(pixels, labels, kept, adam, min(self._parts, rows))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                problem = str(error)
            # Outside of the handler, whose error holds the tensors of the pass.
            self._forget(adam)
            if not self._is_free or self._parts >= rows:
                raise ElsewhereError(self._shortage(pixels, labels, adam, problem))
            self._parts *= 2

    def _step(self, pixels: Tensor, labels: Tensor, kept: Tensor, adam: torch.optim.Optimizer, parts: int) -> Tensor:
        computing = self._computing
        adam.zero_grad(set_to_none=True)
        mask = computing.mask(kept, self._recipe.dropout)
        loss = computing.gradients(computing.enter(pixels), labels.to(computing.device, non_blocking=True), mask, parts)
        adam.step()
        return loss

    def _check_labels(self, labels: Tensor) -> None:
        classes = self._computing.network.classes
        largest = int(labels.max())
        if largest >= classes:
            raise PermanentError(f"the data has label {largest}, the head has {classes} classes")

    def _shortage(self, pixels: Tensor, labels: Tensor, adam: torch.optim.Optimizer, problem: str) -> str:
        """What to do about it, tried out: the largest half, quarter, ... of the batch whose gradients fit."""
        rows, name = len(labels), self._computing.network.name
        said = f"{memory_text(self._computing.device)} has no room for a step of {rows} images with {name}"
        fitting = rows // 2
        while fitting > 0 and not self._fits(pixels[:fitting], labels[:fitting], adam):
            fitting //= 2
        if fitting == 0:
            return f"{said}, nor for one of 1 ({problem.splitlines()[0][:200]})"
        domains = len(self._recipe.domains)
        each = f" (batch {fitting // domains} of {domains} domains)" if domains > 1 and fitting >= domains else ""
        return f"{said}: {fitting} would fit{each}, or the trainer's --accumulate auto"

    def _fits(self, pixels: Tensor, labels: Tensor, adam: torch.optim.Optimizer) -> bool:
        computing = self._computing
        try:
            computing.gradients(computing.enter(pixels), labels.to(computing.device), None, 1)
            return True
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return False
        finally:
            self._forget(adam)

    def _forget(self, adam: torch.optim.Optimizer) -> None:
        adam.zero_grad(set_to_none=True)
        release()
