"""Networks as their libraries make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import timm as timm_library
import torchvision as torchvision_library  # type: ignore[import-untyped]
from torch import nn

from . import modules

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# What torchvision's networks need to be plain classifiers from the start.
_PLAIN = {name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")}
_SIZES = {"inception_v3": 299}
_HIDDEN = (256, 128)


@dataclass(frozen=True)
class Made:
    """A network, and what its library says of it."""

    module: nn.Module
    #: The layers that are the head, where that is said.
    heads: tuple[str, ...]
    channels: int
    #: Height and width of the images.
    size: int
    mean: Sequence[float] = _MEAN
    deviation: Sequence[float] = _DEVIATION


#: Makes a network of a name for so many classes; channels and size are its own unless given.
Maker = Callable[[str, int, "int | None", "int | None", Mapping[str, Any]], Made]


def is_timm(name: str) -> bool:
    """Whether timm has a network."""
    return bool(timm_library.is_model(name))


def timm_names() -> list[str]:
    """All networks of timm."""
    return list(timm_library.list_models())


def torchvision_names() -> list[str]:
    """All classifiers of torchvision."""
    return list(torchvision_library.models.list_models(module=torchvision_library.models))


def timm(name: str, classes: int, channels: int | None, size: int | None, options: Mapping[str, Any]) -> Made:
    """A network of timm. Those that are made for one size are made for that of the images."""
    known = timm_library.models.get_pretrained_cfg(name, allow_unregistered=True)
    own: dict[str, Any] = vars(known) if known is not None else {}
    own_channels, own_size, *_ = own.get("input_size") or (3, 224, 224)
    seen, side = channels or int(own_channels), size or int(own_size)
    sized: dict[str, Any] = {"img_size": side} if own.get("fixed_input_size") and side != own_size else {}
    module = timm_library.create_model(name, num_classes=classes, in_chans=seen, **sized, **options)
    heads = own.get("classifier") or ()
    named = (heads,) if isinstance(heads, str) else tuple(heads)
    return Made(module, named, seen, side, own.get("mean") or _MEAN, own.get("std") or _DEVIATION)


def torchvision(name: str, classes: int, channels: int | None, size: int | None, options: Mapping[str, Any]) -> Made:
    """A network of torchvision, with another first convolution where the images have other channels."""
    given = {**_PLAIN.get(name, {}), **options}
    module = torchvision_library.models.get_model(name, weights=None, num_classes=classes, **given)
    if channels not in (None, 3):
        _replace_first_convolution(name, module, channels)
    return Made(module, (), channels or 3, size or _SIZES.get(name, 224))


def mlp(name: str, classes: int, channels: int | None, size: int | None, options: Mapping[str, Any]) -> Made:
    """See libs/networks."""
    _check_options(name, options, ("hidden",))
    channels, size = channels or 1, size or 28
    module = modules.mlp(channels * size * size, options.get("hidden", _HIDDEN), classes)
    return Made(module, ("head",), channels, size, (0.0,), (1.0,))


def mnist_cnn(name: str, classes: int, channels: int | None, size: int | None, options: Mapping[str, Any]) -> Made:
    """See libs/networks."""
    _check_options(name, options, ())
    return Made(modules.MnistCnn(channels or 1, classes), ("classifier",), channels or 1, size or 28, (0.0,), (1.0,))


def _check_options(name: str, options: Mapping[str, Any], known: Sequence[str]) -> None:
    for option in options:
        if option not in known:
            raise ValueError(f'{name} has no option "{option}"; it has {", ".join(known) or "none"}')


def _replace_first_convolution(name: str, module: nn.Module, channels: int) -> None:
    for own, part in module.named_modules():
        if isinstance(part, nn.Conv2d) and part.in_channels == 3:
            kernel, stride, padding = part.kernel_size, part.stride, part.padding
            has_bias = part.bias is not None
            replaced = nn.Conv2d(channels, part.out_channels, kernel, stride, padding, bias=has_bias)  # type: ignore[arg-type]
            parent, _, leaf = own.rpartition(".")
            setattr(module.get_submodule(parent), leaf, replaced)
            return
    raise ValueError(f"{name} has no first convolution for other channels than 3")
