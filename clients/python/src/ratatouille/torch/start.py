"""The weights that a training or a prediction begins with, as libs/networks fits them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from timm.layers.pos_embed import resample_abs_pos_embed
from torch import Tensor, nn

from ..errors import PermanentError
from ..safetensors_file import Tensors
from .initial import draw, reset
from .networks import Network

_MOST_FAULTS = 5


class UnfitWeightsError(PermanentError):
    """Weights that a network cannot take: another network's, or with numbers that are not finite. Trying again gives the same."""


def load_start(network: Network, given: Tensors | None, headed: Tensors | None, seed: int) -> list[str]:
    """Fills a network to train it: from weights where there are some, else from the seed. A head for other classes is drawn.

    :param headed: another model, whose head is taken
    :returns: what was done to them, one sentence each
    :raises UnfitWeightsError:
    """
    notes: list[str] = []
    fitted = {} if given is None or len(given) == 0 else _fit(network, given, notes, needs_head=False)
    if headed is not None:
        whole = _fit(network, headed, [], needs_head=True)
        fitted.update({name: whole[name] for name in network.head})
    missing = frozenset(network.module.state_dict()) - set(fitted)
    if network.is_known:
        fitted.update(draw(network, seed, missing))
    elif missing:
        reset(network, seed)
        own = network.module.state_dict()
        fitted.update({name: own[name].clone() for name in missing})
    network.module.load_state_dict(fitted, strict=True)
    return notes


def load_whole(network: Network, given: Tensors) -> list[str]:
    """Fills a network to predict with it: its head is among the weights.

    :raises UnfitWeightsError:
    """
    notes: list[str] = []
    network.module.load_state_dict(_fit(network, given, notes, needs_head=True), strict=True)
    return notes


def adapted(start: Tensors, weights: Mapping[str, Tensor]) -> list[str]:
    """The tensors that the network has in another shape or type than the start, or that the start lacks."""
    own = {name: tensor_of(start, name) for name in start}
    return [
        name for name, tensor in weights.items() if name not in own or (own[name].shape, own[name].dtype) != (tensor.shape, tensor.dtype)
    ]


def _fit(network: Network, given: Tensors, notes: list[str], needs_head: bool) -> dict[str, Tensor]:
    own = network.module.state_dict()
    fitted: dict[str, Tensor] = {}
    faults: list[str] = [f'"{name}" is none of its tensors' for name in given if name not in own]
    leaves_head = not needs_head and not _head_fits(network, given, own)
    for name, tensor in own.items():
        if leaves_head and name in network.head:
            continue
        if tensor.dtype == torch.int64:
            fitted[name] = _counter(given, name, tensor)
        elif name not in given:
            faults.append(f"{name} is missing")
        else:
            found = tensor_of(given, name)
            adapted = found if found.shape == tensor.shape else _adapt(network, name, found, tensor, notes)
            if adapted is None:
                faults.append(f"{name}: expected {list(tensor.shape)}, got {list(found.shape)}")
            elif not adapted.is_floating_point():
                faults.append(f"{name}: expected numbers with a fraction, got {found.dtype}")
            elif not bool(torch.isfinite(adapted).all()):
                raise UnfitWeightsError(f"{name} is not finite")
            else:
                fitted[name] = adapted.to(tensor.dtype)
    if faults:
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise UnfitWeightsError(f"The weights are not {network.name}'s: {'; '.join(faults[:_MOST_FAULTS])}{more}.")
    if leaves_head:
        notes.append("the head is drawn: that of the weights is for other classes, or none")
    return fitted


def _head_fits(network: Network, given: Tensors, own: Mapping[str, Tensor]) -> bool:
    return all(name in given and tuple(given[name].shape) == tuple(own[name].shape) for name in network.head)


def tensor_of(tensors: Tensors, name: str) -> Tensor:
    """A tensor of torch, which is copied where it cannot be written to."""
    array = tensors[name]
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    return tensor.view(torch.bfloat16) if tensors.dtype_name(name) == "BF16" else tensor


def _counter(given: Tensors, name: str, tensor: Tensor) -> Tensor:
    """Counters of batches, which nothing is computed with: zeros where there are none."""
    if name in given:
        found = tensor_of(given, name)
        if found.dtype == torch.int64 and found.shape == tensor.shape:
            return found
    return torch.zeros_like(tensor)


def _adapt(network: Network, name: str, found: Tensor, wanted: Tensor, notes: list[str]) -> Tensor | None:
    """A tensor of another shape as the network's; None where it cannot be."""
    owner, _, leaf = name.rpartition(".")
    module = network.module.get_submodule(owner)
    if isinstance(module, nn.Conv2d) and leaf == "weight" and wanted.shape[1] == network.channels and module.groups == 1:
        return _channels(name, found, wanted, notes)
    if leaf == "gamma" and found.numel() == wanted.numel():
        return found.reshape(wanted.shape)
    if leaf == "pos_embed" and found.ndim == 3 and wanted.ndim == 3 and found.shape[2] == wanted.shape[2]:
        return _positions(network, name, found, wanted, notes)
    return None


def _channels(name: str, found: Tensor, wanted: Tensor, notes: list[str]) -> Tensor | None:
    """As DomainBed does: channel i is what channel i mod (their count) was."""
    if found.ndim != 4 or found.shape[0] != wanted.shape[0] or found.shape[2:] != wanted.shape[2:] or found.shape[1] == 0:
        return None
    theirs, channels = found.shape[1], wanted.shape[1]
    notes.append(f"{name} was for {theirs} channels: channel i of {channels} takes that of channel i mod {theirs}")
    return found[:, [channel % theirs for channel in range(channels)]].contiguous()


def _positions(network: Network, name: str, found: Tensor, wanted: Tensor, notes: list[str]) -> Tensor | None:
    before = int(getattr(network.module, "num_prefix_tokens", 1))
    sides = [round((count - before) ** 0.5) for count in (found.shape[1], wanted.shape[1])]
    if any(side < 1 or side * side + before != tensor.shape[1] for side, tensor in zip(sides, (found, wanted), strict=True)):
        return None
    notes.append(f"{name} was for {sides[0]} x {sides[0]} places: resampled for {sides[1]} x {sides[1]}")
    resampled: Tensor = resample_abs_pos_embed(found.float(), [sides[1], sides[1]], [sides[0], sides[0]], before)
    return resampled
