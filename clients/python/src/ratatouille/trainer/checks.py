"""What training code gives, looked at before it leaves: names, shapes, types, finite numbers. Errors name the tensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ResultError
from ..safetensors_file import Tensors, as_tensors

_BLOCK = 1 << 22
_FLOATS = ("F64", "F32", "F16", "BF16")


def check_weights(given: Any, start: Tensors | None, head: Sequence[str], classes: int, adapted: Collection[str] = ()) -> Tensors:
    """The weights of a training: names, shapes and types those of the start but for the head, all numbers finite. Raises ResultError.

    :param head: names of its tensors; where nobody says them, those are taken for it that have `classes` rows
    :param adapted: names of tensors that need not be those of the start
    """
    if not isinstance(given, Mapping):
        raise ResultError(f"fine_tune gave {_type(given)}; expected weights, a dict of arrays by name, or a Result")
    if not given:
        raise ResultError("fine_tune gave no weights")
    for name in given:
        if not isinstance(name, str):
            raise ResultError(f"fine_tune gave weights under {name!r}; expected names of tensors")
    weights = as_tensors(given)
    if start is not None and len(start) > 0:
        _check_names(weights, start, head, classes, adapted)
    for name in weights:
        check_finite(f"tensor {name}", weights.dtype_name(name), weights[name])
    return weights


def _check_names(weights: Tensors, start: Tensors, head: Sequence[str], classes: int, adapted: Collection[str]) -> None:
    if not head:
        head = [name for name in weights if _may_be_head(weights[name], start.get(name), classes)]
    for name in [*start, *head]:
        if name not in weights:
            raise ResultError(f"fine_tune gave no tensor {name}, which the network has")
    for name in weights:
        if name in adapted:
            continue
        if name not in start and name not in head:
            raise ResultError(f"fine_tune gave a tensor {name}, which the network does not have")
        if name not in start or name in head:
            continue
        found, expected = _form(weights, name), _form(start, name)
        if found != expected:
            raise ResultError(f"fine_tune gave tensor {name} as {found}; expected {expected}")


def _may_be_head(found: NDArray[Any], start: NDArray[Any] | None, classes: int) -> bool:
    """A tensor of one row a class, of whatever number of classes it was at the start."""
    return found.ndim > 0 and found.shape[0] == classes and (start is None or (start.ndim > 0 and start.shape[1:] == found.shape[1:]))


def _form(tensors: Tensors, name: str) -> str:
    return f"{tensors.dtype_name(name)} [{', '.join(map(str, tensors[name].shape))}]"


def check_logits(given: Any, rows: int, classes: int) -> NDArray[np.float32]:
    """The logits of a prediction, F32 [rows, classes], all finite. Raises ResultError."""
    if hasattr(given, "detach"):
        given = given.detach().cpu().float().numpy()
    try:
        logits = np.asarray(given)
        if logits.dtype.kind not in "fiu":
            raise TypeError
    except (TypeError, ValueError):
        raise ResultError(f"predict gave {_type(given)}; expected logits, an array F32 [{rows}, {classes}]") from None
    if logits.shape != (rows, classes):
        shape = ", ".join(map(str, logits.shape))
        raise ResultError(
            f"predict gave logits [{shape}]; expected [{rows}, {classes}], a row for each example and a column for each class"
        )
    # What is too large for the type is said below.
    with np.errstate(over="ignore"):
        logits = np.ascontiguousarray(logits, dtype=np.float32)
    check_finite("predict: logits", "F32", logits)
    return logits


def check_finite(what: str, dtype: str, numbers: NDArray[Any]) -> None:
    """Raises ResultError naming the first number that is not finite."""
    if dtype not in _FLOATS:
        return
    flat = numbers.reshape(-1)
    for begin in range(0, flat.size, _BLOCK):
        block = flat[begin : begin + _BLOCK]
        if dtype == "BF16":
            finite = (block & np.uint16(0x7F80)) != np.uint16(0x7F80)
        else:
            finite = np.isfinite(block)
        if not finite.all():
            at = begin + int(np.argmin(finite))
            value = "not finite" if dtype == "BF16" else str(flat[at])
            place = ", ".join(map(str, np.unravel_index(at, numbers.shape)))
            raise ResultError(f"{what} has {value} at [{place}]; all numbers have to be finite")


def _type(given: Any) -> str:
    return "nothing" if given is None else f"a {type(given).__name__}"
