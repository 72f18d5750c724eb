"""Transforms of images by name, and how their parameters are drawn: docs/images.md."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..random import Stream

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class Crop:
    """A part of the image, resized to the size that is asked for."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Resize:
    height: int
    width: int


@dataclass(frozen=True)
class CenterCrop:
    """The middle, of the size that is asked for."""


@dataclass(frozen=True)
class Flip:
    """Mirrored."""


@dataclass(frozen=True)
class Adjust:
    kind: Literal["brightness", "contrast", "saturation", "hue"]
    factor: float


@dataclass(frozen=True)
class Grayscale:
    """Grey, in as many channels as before."""


Operation = Crop | Resize | CenterCrop | Flip | Adjust | Grayscale

PRESETS = ("domainbed/1", "resize/1", "center/1", "none/1")
FIXED = ("resize/1", "center/1", "none/1")
"""Those that draw nothing."""

_TRIES = 10
_SCALE = (0.7, 1.0)
_RATIO = (3 / 4, 4 / 3)
_CROP_SHARE = 0.875


def operations(preset: str, size: Size, to: Size, stream: Stream | None) -> list[Operation]:
    """What a preset does to an image.

    :param size: of the image
    :param to: the size that is asked for
    :param stream: the random numbers of the image; presets of ``FIXED`` need none
    """
    if preset == "none/1":
        return []
    if preset == "resize/1":
        return [Resize(*to)]
    if preset == "center/1":
        return [_shorter_side(size, math.floor(min(to) / _CROP_SHARE)), CenterCrop()]
    if preset != "domainbed/1":
        raise ValueError(f'"{preset}" is no transform: there are {", ".join(PRESETS)}')
    if stream is None:
        raise ValueError(f"{preset} draws at random, and there is no seed")
    return _domainbed(size, stream)


def _domainbed(size: Size, stream: Stream) -> list[Operation]:
    done: list[Operation] = [_crop(size, stream)]
    if stream.uniform() < 0.5:
        done.append(Flip())
    order = stream.shuffle([0, 1, 2, 3])
    kinds: tuple[Literal["brightness", "contrast", "saturation"], ...] = ("brightness", "contrast", "saturation")
    colours = [Adjust(kind, _between(stream, 0.7, 1.3)) for kind in kinds]
    colours.append(Adjust("hue", _between(stream, -0.3, 0.3)))
    done += [colours[place] for place in order]
    if stream.uniform() < 0.1:
        done.append(Grayscale())
    return done


def _crop(size: Size, stream: Stream) -> Crop:
    """As torchvision's RandomResizedCrop.get_params."""
    height, width = size
    for _ in range(_TRIES):
        area = width * height * _between(stream, *_SCALE)
        shape = math.exp(_between(stream, math.log(_RATIO[0]), math.log(_RATIO[1])))
        w, h = _round(math.sqrt(area * shape)), _round(math.sqrt(area / shape))
        if 1 <= w <= width and 1 <= h <= height:
            top = stream.below(height - h + 1)
            return Crop(top, stream.below(width - w + 1), h, w)
    w = _round(height * _RATIO[1]) if width / height > _RATIO[1] else width
    h = _round(width / _RATIO[0]) if width / height < _RATIO[0] else height
    return Crop((height - h) // 2, (width - w) // 2, h, w)


def _shorter_side(size: Size, side: int) -> Resize:
    """As torchvision's Resize of one number."""
    height, width = size
    longer = int(side * max(size) / min(size))
    return Resize(longer, side) if width <= height else Resize(side, longer)


def _between(stream: Stream, least: float, most: float) -> float:
    return least + stream.uniform() * (most - least)


def _round(x: float) -> int:
    return math.floor(x + 0.5)
