"""Networks by name: those of libs/networks, and every other one of timm and torchvision."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..errors import PermanentError
from . import libraries
from .libraries import Made

# What every network of libs/networks is made by, whatever other libraries have under its name.
_KNOWN = {
    "mlp": libraries.mlp,
    "mnist-cnn": libraries.mnist_cnn,
    **dict.fromkeys(("resnet18", "resnet34", "resnet50", "resnet101"), libraries.torchvision),
    **dict.fromkeys(("vit_tiny_patch16_224", "vit_small_patch16_224", "vit_base_patch16_224"), libraries.timm),
    **dict.fromkeys(("convnext_tiny", "tf_efficientnet_lite0"), libraries.timm),
}


class NetworkError(PermanentError):
    """There is no such network, or not with these classes, channels, size or options."""


@dataclass(frozen=True)
class Network:
    """A network that is made for some classes and images."""

    name: str
    #: In evaluation mode, on the processor, filled by its library.
    module: nn.Module
    #: The tensors of the head, in the order of the state_dict.
    head: tuple[str, ...]
    classes: int
    channels: int
    #: Height and width of the images.
    size: int
    #: Of each channel: images enter as (bytes / 255 - mean) / deviation.
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def is_known(self) -> bool:
        """Whether libs/networks has it."""
        return self.name in _KNOWN

    def head_module(self) -> nn.Module:
        """The layer whose tensors are the head, before which dropout acts."""
        owners = {name.rpartition(".")[0] for name in self.head}
        if len(owners) != 1:
            raise NetworkError(f"dropout acts before the head, and that of {self.name} is not one layer but {', '.join(sorted(owners))}")
        return self.module.get_submodule(owners.pop())


def known_names() -> list[str]:
    """Those of libs/networks."""
    return list(_KNOWN)


def network_names() -> list[str]:
    """All names that `make_network` takes, those of libs/networks first."""
    others = {*libraries.timm_names(), *libraries.torchvision_names()} - set(_KNOWN)
    return [*_KNOWN, *sorted(others)]


def make_network(
    name: str,
    classes: int,
    channels: int | None = None,
    size: int | None = None,
    options: Mapping[str, Any] | None = None,
    head: Sequence[str] | None = None,
) -> Network:
    """A network by name.

    :param channels: of the images, and `size` their height and width: the network's own unless given
    :param options: `hidden` of an mlp; of others what the library's function takes
    :param head: the tensors of the head, where they are to be others than the last layer's
    :raises NetworkError:
    """
    make = _maker(name)
    try:
        made = make(name, classes, channels, size, options or {})
    except (TypeError, ValueError, RuntimeError, AssertionError, AttributeError, KeyError) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise NetworkError(f"{name} cannot be made with these options: {problem}") from error
    tensors = _own_head(name, made) if head is None else _named_head(name, made, head)
    mean, deviation = (tuple(values[i % len(values)] for i in range(made.channels)) for values in (made.mean, made.deviation))
    return Network(name, made.module.eval(), tensors, classes, made.channels, made.size, mean, deviation)


def _maker(name: str) -> libraries.Maker:
    known = _KNOWN.get(name)
    if known is not None:
        return known
    if libraries.is_timm(name):
        return libraries.timm
    if name in libraries.torchvision_names():
        return libraries.torchvision
    near = difflib.get_close_matches(name, network_names(), 3, 0.7)
    advice = f"did you mean {' or '.join(near)}?" if near else "timm.list_models() and torchvision.models.list_models() name them"
    raise NetworkError(f'there is no network "{name}": {advice}')


def _named_head(name: str, made: Made, head: Sequence[str]) -> tuple[str, ...]:
    own = made.module.state_dict()
    for tensor in head:
        if tensor not in own:
            raise NetworkError(f'{name} has no tensor "{tensor}", which is to be of the head')
    return tuple(tensor for tensor in own if tensor in head)


def _own_head(name: str, made: Made) -> tuple[str, ...]:
    """The tensors of the layers that the library calls the classifier, or of the last layer that multiplies by weights."""
    layers = [own for own, part in made.module.named_modules() if isinstance(part, (nn.Linear, nn.Conv2d))]
    heads = [layer for layer in made.heads if layer in layers] or layers[-1:]
    tensors = tuple(tensor for tensor in made.module.state_dict() if tensor.rpartition(".")[0] in heads)
    if not tensors:
        raise NetworkError(f"{name} has no layer that could be its head")
    return tensors
