"""Many random numbers of one stream at once."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..random import words_at

_WORD = 2.0**32

Place = tuple[int, int, int]


def uniforms(seed: int, purpose: int, place: Place, count: int) -> NDArray[np.float64]:
    """The first numbers of a stream in [0, 1): words / 2^32, exact. [count]"""
    return words_at(seed, purpose, place, count) / _WORD


def normals(seed: int, purpose: int, place: Place, count: int) -> NDArray[np.float64]:
    """The first numbers of a stream of the standard normal distribution. [count]

    Two words make two numbers (Box and Muller 1958), r cos t and r sin t: r = sqrt(-2 ln((first + 1) / 2^32)), t = 2 pi second / 2^32.
    Other implementations of cos, sin and ln may differ in the last bit of a double.
    """
    pairs = words_at(seed, purpose, place, count + count % 2).reshape(-1, 2).astype(np.float64)
    radius = np.sqrt(-2 * np.log((pairs[:, 0] + 1) / _WORD))
    angle = 2 * math.pi * pairs[:, 1] / _WORD
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count]
