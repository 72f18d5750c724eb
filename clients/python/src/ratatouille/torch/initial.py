"""The weights of networks that nobody trained, drawn from a seed as libs/networks `initialise` draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor, nn

from ..random import Purpose
from .draws import normals, uniforms
from .networks import Network


def draw(network: Network, seed: int, wanted: frozenset[str] | None = None) -> dict[str, Tensor]:
    """Drawn tensors of a network that libs/networks has, on the processor.

    Tensor k of the state_dict draws from Philox under the key [seed, 4] at place [k]: those that are there already change nothing in
    what others draw.

    :param wanted: names of those that are drawn; all unless given
    """
    drawn: dict[str, Tensor] = {}
    for k, (name, tensor) in enumerate(network.module.state_dict().items()):
        if wanted is not None and name not in wanted:
            continue
        if tensor.dtype == torch.int64:
            drawn[name] = torch.zeros_like(tensor)
        else:
            kind, number = _rule(network, name, tensor)
            values = _values(kind, number, tensor.numel(), seed, k).astype(np.float32)
            drawn[name] = torch.from_numpy(values.reshape(tuple(tensor.shape)))
    return drawn


def reset(network: Network, seed: int) -> None:
    """Fills a network that libs/networks does not have as its own layers do, with torch's generator from the seed."""
    torch.manual_seed(seed)
    for module in network.module.modules():
        again = getattr(module, "reset_parameters", None)
        if callable(again):
            again()
    whole = getattr(network.module, "init_weights", None)
    if callable(whole):
        # Where it wants to be told more than there is to tell, what the layers did stays.
        with suppress(TypeError):
            whole()


def _values(kind: str, number: float, count: int, seed: int, k: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if kind == "uniform":
        return (2 * uniforms(seed, Purpose.INITIALISATION, (k, 0, 0), count) - 1) * number
    if kind == "normal":
        return normals(seed, Purpose.INITIALISATION, (k, 0, 0), count) * number
    return np.full(count, number)


def _rule(network: Network, name: str, tensor: Tensor) -> tuple[str, float]:
    """How a tensor is filled: "uniform" in ± a number, "normal" with a deviation, or "constant"."""
    owner, _, leaf = name.rpartition(".")
    module = network.module.get_submodule(owner)
    if leaf in ("running_mean", "running_var"):
        return "constant", 1.0 if leaf == "running_var" else 0.0
    if isinstance(module, nn.Conv2d):
        return _convolution(network, module, leaf)
    if isinstance(module, nn.Linear):
        return _linear(network, name, module, leaf)
    special: Mapping[str, tuple[str, float]] = {
        "cls_token": ("normal", 1e-6),
        "pos_embed": ("normal", 0.02),
        "gamma": ("constant", 1e-6),
    }
    return special.get(leaf, ("constant", 1.0 if leaf == "weight" else 0.0))


def _convolution(network: Network, module: nn.Conv2d, leaf: str) -> tuple[str, float]:
    places = module.kernel_size[0] * module.kernel_size[1]
    if network.name.startswith("resnet") or network.name.startswith("tf_efficientnet"):
        return "normal", math.sqrt(2 / (module.out_channels * places / module.groups))
    if network.name.startswith("convnext"):
        return ("normal", 0.02) if leaf == "weight" else ("constant", 0.0)
    return "uniform", 1 / math.sqrt(module.in_channels / module.groups * places)


def _linear(network: Network, name: str, module: nn.Linear, leaf: str) -> tuple[str, float]:
    if network.name.startswith(("vit_", "convnext")):
        return ("normal", 0.02) if leaf == "weight" else ("constant", 0.0)
    if network.name.startswith("tf_efficientnet"):
        return ("uniform", 1 / math.sqrt(network.classes)) if leaf == "weight" else ("constant", 0.0)
    return "uniform", 1 / math.sqrt(module.in_features)
