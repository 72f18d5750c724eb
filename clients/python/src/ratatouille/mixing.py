"""The exact mean of models (`exact-mean/1`): each number is the real Σ w·x / Σ w, rounded once, to nearest, ties to even.

Numbers are computed in pairs of doubles with a bound on the error. Where that bound leaves open to which neighbour one is rounded, which is
rare, that number is computed in fractions. F32, F16 and BF16 are fast; F64 is in fractions throughout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import RecipeError
from .safetensors_file import Tensors, open_tensors, plan_file

Doubles = NDArray[np.float64]

_BLOCK = 1 << 16
#: Bits of the significand, exponent of the smallest number above zero, the power of two that is too large.
_FORMATS = {"F64": (53, -1074, 1024), "F32": (24, -149, 128), "F16": (11, -24, 16), "BF16": (8, -133, 128)}
_WHOLE = ("BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64")


def mix_models(models: Sequence[Path], weights: Sequence[float] | None, path: Path) -> None:
    """Writes the mean of models to a file. Raises RecipeError where they have none: other tensors, numbers that are not finite."""
    opened = [open_tensors(model) for model in models]
    factors = [1.0] * len(opened) if weights is None else [float(weight) for weight in weights]
    total = sum(map(Fraction, factors))
    if total == 0:
        raise RecipeError("parameters.weights", f"sum to 0: {', '.join(map(str, factors))}")
    first = opened[0]
    for number, other in enumerate(opened[1:], 1):
        _check_alike(first, other, number)
    plan = plan_file({name: (first.dtype_name(name), first[name].shape) for name in first}, {"format": "pt"})
    with path.open("wb") as file:
        file.write(plan.header)
        for name in plan.layouts:
            dtype, tensors = first.dtype_name(name), [model[name].reshape(-1) for model in opened]
            if dtype in _WHOLE:
                file.write(_whole(name, tensors).data)
                continue
            if dtype not in _FORMATS:
                raise RecipeError("inputs.models", f"have tensor {name} of {dtype}, which has no mean")
            for begin in range(0, tensors[0].size, _BLOCK):
                block = [np.ascontiguousarray(tensor[begin : begin + _BLOCK]) for tensor in tensors]
                file.write(_mean_of(name, dtype, block, factors, total).view(np.uint8).data)


def _check_alike(first: Tensors, other: Tensors, number: int) -> None:
    for name in [*first, *other]:
        if name not in first or name not in other:
            raise RecipeError(f"inputs.models.{number}", f"and the first differ: only one has tensor {name}")
        one, two = ((tensors.dtype_name(name), tensors[name].shape) for tensors in (first, other))
        if one != two:
            raise RecipeError(
                f"inputs.models.{number}", f"has tensor {name} as {two[0]} {list(two[1])}, the first as {one[0]} {list(one[1])}"
            )


def _whole(name: str, tensors: Sequence[NDArray[Any]]) -> NDArray[np.uint8]:
    """Counters of batches are the largest; of other whole numbers all models have to have the same."""
    if re.search(r"(^|\.)num_batches_tracked$", name):
        largest = np.maximum.reduce(list(tensors))
        return np.ascontiguousarray(largest).view(np.uint8)
    if not all(np.array_equal(tensors[0], tensor) for tensor in tensors):
        raise RecipeError("inputs.models", f"differ in tensor {name}, whose whole numbers have no mean")
    return np.ascontiguousarray(tensors[0]).view(np.uint8)


def _mean_of(name: str, dtype: str, block: Sequence[NDArray[Any]], factors: Sequence[float], total: Fraction) -> NDArray[Any]:
    values = [_widened(dtype, numbers) for numbers in block]
    for number, numbers in enumerate(values):
        if not np.isfinite(numbers).all():
            raise RecipeError(f"inputs.models.{number}", f"has numbers in tensor {name} that are not finite")
    made = exact_mean(values, factors, total, dtype)
    if not np.isfinite(_widened(dtype, made)).all():
        raise RecipeError("inputs.models", f"have a mean of tensor {name} that is too large for {dtype}")
    return made


def exact_mean(values: Sequence[Doubles], factors: Sequence[float], total: Fraction, dtype: str) -> NDArray[Any]:
    """Σ factors[k] · values[k] / total, rounded once to a type; BF16 as its bits. Values are those of that type, as doubles."""
    if total < 0:
        factors, total = [-factor for factor in factors], -total
    if dtype == "F64" or not all(2.0**-300 < abs(factor) < 2.0**300 for factor in factors):
        return _in_fractions(values, factors, total, dtype, np.arange(values[0].size), _narrowed(dtype, np.zeros(values[0].size)))
    with np.errstate(all="ignore"):
        sum_, rest, error = _weighted_sum(values, factors)
        quotient, rest, open_ = _quotient(sum_, rest, error, total)
        made = _narrowed(dtype, _to_odd(quotient, rest))
    # Weights that were frozen are the same in all models, and their mean is what they are.
    same = np.logical_and.reduce([numbers == values[0] for numbers in values])
    made = np.where(same, _narrowed(dtype, values[0]), made)
    at = np.flatnonzero(open_ & ~same)
    # As in IEEE 754, a sum of zeros is negative only if they all are.
    zeros = [(numbers == 0) & (np.signbit(numbers) != (factor < 0)) for numbers, factor in zip(values, factors, strict=True)]
    made = np.where(np.logical_and.reduce(zeros), _narrowed(dtype, np.array(-0.0)), made)
    zero = np.logical_and.reduce([numbers == 0 for numbers in values]) & ~np.logical_and.reduce(zeros)
    made = np.where(zero, _narrowed(dtype, np.array(0.0)), made)
    return made if at.size == 0 else _in_fractions(values, factors, total, dtype, at, made)


def _weighted_sum(values: Sequence[Doubles], factors: Sequence[float]) -> tuple[Doubles, Doubles, Doubles]:
    """A sum as two doubles that do not overlap, and a bound on what they lack; 0 where they lack nothing."""
    high, low = np.zeros_like(values[0]), np.zeros_like(values[0])
    size = np.zeros_like(high)
    exact = np.ones(high.shape, dtype=bool)
    for factor, numbers in zip(factors, values, strict=True):
        # At most 26 and 27 bits: their products with 24 bits are doubles.
        upper = float(np.float64(np.float64(factor * 134217729.0) - np.float64(factor * 134217729.0 - factor)))
        for part in (upper, factor - upper):
            if part == 0:
                continue
            product = numbers * part
            size += np.abs(product)
            high, lost = _two_sum(high, product)
            low, lost = _two_sum(low, lost)
            exact &= lost == 0
    high, low = _two_sum(high, low)
    terms = 2 * len(values)
    # Twice what each addition to `low` may lose, all terms together.
    bound = size * (terms * terms * 2.0**-104)
    return high, low, np.where(exact, 0.0, bound)


def _quotient(high: Doubles, low: Doubles, error: Doubles, total: Fraction) -> tuple[Doubles, Doubles, NDArray[np.bool_]]:
    """The quotient as two doubles, and where not even the sign of the second is sure."""
    divisor = float(total)
    rest = float(total - Fraction(divisor))
    if rest == 0 and float(np.frexp(divisor)[0]) == 0.5:
        # A power of two: nothing is lost, but far below the smallest number of any type.
        return high / divisor, low / divisor, (error != 0) & (np.abs(low) <= error)
    first = high / divisor
    product, lost = _two_product(first, divisor)
    remainder = ((high - product) - lost) + (low - first * rest)
    second = remainder / divisor
    quotient, second = _two_sum(first, second)
    # The remainder is exact where it is 0 and nothing else went into it.
    exact = (error == 0) & (low == 0) & (rest == 0) & (remainder == 0)
    bound = np.abs(quotient) * 2.0**-98 + error / divisor
    return quotient, np.where(exact, 0.0, second), ~exact & (np.abs(second) <= bound)


def _two_sum(a: Doubles, b: Doubles) -> tuple[Doubles, Doubles]:
    """A sum, and what its rounding lost (Knuth)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def _two_product(a: Doubles, b: float) -> tuple[Doubles, Doubles]:
    """A product, and what its rounding lost (Dekker)."""
    product = a * b
    scaled = a * 134217729.0
    a_high = scaled - (scaled - a)
    a_low = a - a_high
    b_scaled = b * 134217729.0
    b_high = b_scaled - (b_scaled - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _to_odd(high: Doubles, low: Doubles) -> Doubles:
    """The sum of both, rounded to odd: rounded once more, to a type of fewer bits, it is rounded rightly (Boldo and Melquiond 2008)."""
    even = (high.view(np.int64) & 1) == 0
    return np.where((low != 0) & even, np.nextafter(high, np.where(low > 0, np.inf, -np.inf)), high)


def _widened(dtype: str, numbers: NDArray[Any]) -> Doubles:
    if dtype == "BF16":
        return (numbers.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return numbers.astype(np.float64)


def _narrowed(dtype: str, numbers: Doubles) -> NDArray[Any]:
    """Doubles rounded to a type, to nearest, ties to even."""
    if dtype != "BF16":
        return numbers.astype({"F64": np.float64, "F32": np.float32, "F16": np.float16}[dtype])
    near = numbers.astype(np.float32)
    back = near.astype(np.float64)
    # To odd, as above: what the first rounding lost decides ties of the second.
    toward = np.where(np.abs(back) > np.abs(numbers), np.nextafter(near, np.float32(0)), near)
    bits = toward.view(np.uint32) | (back != numbers)
    rounded: NDArray[Any] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return rounded


def _in_fractions(
    values: Sequence[Doubles], factors: Sequence[float], total: Fraction, dtype: str, at: NDArray[np.intp], made: NDArray[Any]
) -> NDArray[Any]:
    """Computes the numbers at some places again, without any error."""
    weights = [Fraction(factor) for factor in factors]
    for place in at:
        terms = [float(numbers[place]) for numbers in values]
        mean = sum((weight * Fraction(term) for weight, term in zip(weights, terms, strict=True)), Fraction(0)) / total
        negative = all(math.copysign(1, term * factor) < 0 for term, factor in zip(terms, factors, strict=True))
        rounded = -0.0 if mean == 0 and negative else round_fraction(mean, dtype)
        made[place] = _narrowed(dtype, np.array([rounded]))[0]
    return made


def round_fraction(value: Fraction, dtype: str) -> float:
    """A fraction rounded to a type, to nearest, ties to even; infinite where it is too large.

    >>> round_fraction(Fraction(4097), "F16")
    4096.0
    """
    if value == 0:
        return 0.0
    bits, least, limit = _FORMATS[dtype]
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - bits
    while Fraction(2) ** (exponent + bits) <= magnitude:
        exponent += 1
    unit = Fraction(2) ** max(exponent, least)
    # Fractions are rounded to nearest, ties to even.
    rounded = round(magnitude / unit) * unit
    found = float("inf") if rounded >= Fraction(2) ** limit else float(rounded)
    return found if value > 0 else -found
