"""One network on one device: forward, gradients, and what dropout leaves of what enters the head."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .networks import Network
from .options import Settings


class Computing:
    """A network in evaluation mode on the device of the settings; its parameters are what training changes."""

    def __init__(self, network: Network, settings: Settings, drops: bool = False) -> None:
        """:param drops: whether dropout acts before the head"""
        self._settings = settings
        self.device = torch.device(settings.device)
        module = network.module.to(self.device)
        self._format: dict[str, Any] = {}
        if settings.channels_last:
            self._format = {"memory_format": torch.channels_last}
            module = module.to(memory_format=torch.channels_last)
        self.module: nn.Module = module
        self.network = network
        self._mask: Tensor | None = None
        self._features = 0
        if drops:
            network.head_module().register_forward_pre_hook(self._before_head)
        compiled: Any = torch.compile(module) if settings.compile else module
        self._forward = compiled
        shape = (1, network.channels, 1, 1)
        self._mean = torch.tensor(network.mean, dtype=torch.float32, device=self.device).reshape(shape)
        self._deviation = torch.tensor(network.deviation, dtype=torch.float32, device=self.device).reshape(shape)

    def _before_head(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        entering = inputs[0]
        if self._mask is None:
            self._features = entering[0].numel()
            return None
        return (entering * self._mask.reshape(entering.shape), *inputs[1:])

    def features(self) -> int:
        """How many numbers of each image enter the head."""
        with torch.no_grad():
            network = self.network
            self.module(torch.zeros((1, network.channels, network.size, network.size), device=self.device))
        return self._features

    def enter(self, pixels: Tensor) -> Tensor:
        """Bytes [rows, height, width, channels] as networks take them: (x / 255 - mean) / deviation, [rows, channels, height, width]."""
        moved = pixels.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        numbers = moved.to(torch.float32, memory_format=self._format.get("memory_format", torch.contiguous_format))
        return numbers.div_(255).sub_(self._mean).div_(self._deviation)

    def logits(self, images: Tensor) -> Tensor:
        """F32 [rows, classes], without gradients."""
        with torch.no_grad(), self._cast():
            logits: Tensor = self._forward(images)
            return logits.float()

    def gradients(self, images: Tensor, labels: Tensor, mask: Tensor | None, parts: int) -> Tensor:
        """Adds the gradients of the mean cross-entropy of a batch to those that are there.

        :param mask: what enters the head is multiplied by it: [rows · features]
        :param parts: so many pieces of the batch go through the network one after another; their sums are added
        :returns: the loss, a tensor of one number
        """
        rows = len(labels)
        if parts == 1:
            return self._backward(images, labels, mask, "mean", 1)
        total: Tensor | None = None
        step = -(-rows // parts)
        masks = None if mask is None else mask.reshape(rows, -1)
        for first in range(0, rows, step):
            piece = slice(first, first + step)
            part = None if masks is None else masks[piece]
            loss = self._backward(images[piece], labels[piece], part, "sum", rows)
            total = loss if total is None else total + loss
        assert total is not None
        return total

    def _backward(self, images: Tensor, labels: Tensor, mask: Tensor | None, reduction: str, by: int) -> Tensor:
        self._mask = mask
        try:
            with self._cast():
                logits: Tensor = self._forward(images)
            loss = F.cross_entropy(logits.float(), labels, reduction=reduction)
            loss = loss if by == 1 else loss / by
            loss.backward()  # type: ignore[no-untyped-call]
        finally:
            self._mask = None
        return loss.detach()

    def mask(self, kept: Tensor, rate: float) -> Tensor | None:
        """What dropout multiplies by: 1 / (1 - rate) where a number is kept, else 0."""
        if rate == 0:
            return None
        return kept.to(self.device, non_blocking=True).to(torch.float32) * (1 / (1 - rate))

    def _cast(self) -> AbstractContextManager[Any]:
        if not self._settings.bf16:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def parameters(self, names: Iterable[str] | None = None) -> list[tuple[str, nn.Parameter]]:
        """Parameters by name, in their order: all, or those of some names."""
        chosen = None if names is None else set(names)
        return [(name, one) for name, one in self.module.named_parameters() if chosen is None or name in chosen]

    def tensors(self) -> dict[str, Tensor]:
        """All tensors as they are now, in the order of the state_dict: they go on changing."""
        return {name: tensor.detach() for name, tensor in self.module.state_dict().items()}
