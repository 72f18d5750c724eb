"""Safetensors files: read by mmap, so that nothing is copied before it is used, and written tensor by tensor."""

from __future__ import annotations

import importlib
import json
import mmap
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import PermanentError

#: Types of numbers by their names in files. numpy has no bfloat16 and no 8-bit floats: those are their raw bits.
DTYPES: Mapping[str, np.dtype[Any]] = {
    name: np.dtype(numpy)
    for name, numpy in {
        "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
        "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
        "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
        "BOOL": "?", "F8_E4M3": "u1", "F8_E5M2": "u1",
    }.items()
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in reversed(list(DTYPES.items())) if name not in ("BF16", "F8_E4M3", "F8_E5M2")}
_MOST_HEADER = 100_000_000
#: Types that numpy has not: names in torch, and in numpy where ml_dtypes is there, as with JAX.
_FOREIGN = {"bfloat16": "BF16", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2"}


class SafetensorsError(PermanentError):
    """A file that is no safetensors file, or holds what none can."""


@dataclass(frozen=True)
class Layout:
    """A tensor of a file: `begin` and `end` are bytes from the beginning of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class Tensors(Mapping[str, NDArray[Any]]):
    """Tensors by name. Those of files are views of the file, read-only; bfloat16 comes as its bits in uint16, see `dtype_name`."""

    def __init__(self, tensors: Mapping[str, tuple[str, NDArray[Any]]], metadata: Mapping[str, str] | None = None) -> None:
        self._tensors = dict(tensors)
        self.metadata: Mapping[str, str] = dict(metadata or {})

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._tensors[name][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def dtype_name(self, name: str) -> str:
        """The type of a tensor as files call it, such as "F32" or "BF16"."""
        return self._tensors[name][0]

    def torch(self) -> dict[str, Any]:
        """Torch tensors on the same memory, for `load_state_dict`; bfloat16 as what it is. Tensors of files are read-only: torch warns
        of that, and writing to them is an error of the program. Needs torch.

        :raises SafetensorsError: for a type that this torch does not have, as eight-bit floats before 2.1
        """
        torch = importlib.import_module("torch")
        names = {dtype: name for name, dtype in _FOREIGN.items()}
        made: dict[str, Any] = {}
        for name, (dtype, array) in self._tensors.items():
            bits = torch.from_numpy(array.view(np.int16) if dtype == "BF16" else array)
            if dtype in names and not hasattr(torch, names[dtype]):
                raise SafetensorsError(f"tensor {name} is of type {dtype}, which torch {torch.__version__} does not have")
            made[name] = bits.view(getattr(torch, names[dtype])) if dtype in names else bits
        return made

    def parts(self) -> tuple[Mapping[str, tuple[str, NDArray[Any]]], Mapping[str, str]]:
        """What `Tensors` is made of."""
        return self._tensors, self.metadata


def read_header(data: bytes | memoryview | mmap.mmap, size: int) -> tuple[dict[str, Layout], dict[str, str]]:
    """The tensors of a file, in its order, and its metadata. Raises SafetensorsError."""
    if size < 8:
        raise SafetensorsError(f"the file has {size} bytes; a safetensors file has 8 at least")
    (length,) = struct.unpack("<Q", data[:8])
    if length > min(_MOST_HEADER, size - 8):
        raise SafetensorsError(f"the header is said to have {length} bytes; the file has {size}")
    try:
        header = json.loads(bytes(data[8 : 8 + length]))
        metadata = header.pop("__metadata__", {})
        tensors = {
            name: Layout(told["dtype"], tuple(told["shape"]), *(8 + length + offset for offset in told["data_offsets"]))
            for name, told in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SafetensorsError(f"the header is none: {error}") from error
    for name, layout in tensors.items():
        dtype = DTYPES.get(layout.dtype)
        if dtype is None:
            raise SafetensorsError(f"tensor {name} is of type {layout.dtype}, which nobody here reads")
        expected = dtype.itemsize * int(np.prod(layout.shape, dtype=np.int64))
        if layout.end - layout.begin != expected or not 8 + length <= layout.begin <= layout.end <= size:
            raise SafetensorsError(f"tensor {name} has no place in the file for its {expected} bytes")
    return tensors, dict(metadata)


def open_tensors(path: str | os.PathLike[str]) -> Tensors:
    """The tensors of a file, mapped: pages are read when they are looked at. Raises SafetensorsError, OSError."""
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise SafetensorsError("the file is empty")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return tensors_in(mapped)


def tensors_in(mapped: mmap.mmap) -> Tensors:
    """The tensors of a file in memory, as views of it. Raises SafetensorsError."""
    layouts, metadata = read_header(mapped, len(mapped))
    tensors: dict[str, tuple[str, NDArray[Any]]] = {}
    for name, layout in layouts.items():
        dtype = DTYPES[layout.dtype]
        count = (layout.end - layout.begin) // dtype.itemsize
        aligned = layout.begin % dtype.itemsize == 0
        array = np.frombuffer(mapped, dtype, count, layout.begin) if aligned else np.frombuffer(mapped[layout.begin : layout.end], dtype)
        tensors[name] = (layout.dtype, array.reshape(layout.shape))
    return Tensors(tensors, metadata)


def as_tensors(given: Mapping[str, Any]) -> Tensors:
    """Tensors of numpy arrays or of torch tensors (of any device), without a copy where one is not needed.

    Raises SafetensorsError naming the tensor that is of no type that files have.
    """
    if isinstance(given, Tensors):
        return given
    return Tensors({name: as_array(name, value) for name, value in given.items()}, getattr(given, "metadata", None))


def describe(name: str, value: Any) -> tuple[str, tuple[int, ...]]:
    """The type and the shape of an array or a torch tensor, whose numbers are not looked at. Raises SafetensorsError."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        raise SafetensorsError(f"tensor {name} is of type {type(value).__name__}; expected an array of numpy or a tensor of torch")
    dtype = str(value.dtype).rpartition(".")[2]
    told = _FOREIGN.get(dtype) or _NAMES.get(_numpy_type(dtype))
    if told is None:
        raise SafetensorsError(f"tensor {name} is of type {dtype}; files have {', '.join(_NAMES.values())} and BF16")
    return told, tuple(int(side) for side in value.shape)


def _numpy_type(name: str) -> np.dtype[Any]:
    try:
        return np.dtype(name).newbyteorder("<")
    except TypeError:
        return np.dtype(object)


def as_array(name: str, value: Any) -> tuple[str, NDArray[Any]]:
    """The type and the numbers of an array or a torch tensor. Raises SafetensorsError."""
    dtype, _ = describe(name, value)
    if "torch" in sys.modules and isinstance(value, sys.modules["torch"].Tensor):
        tensor = value.detach().cpu().contiguous()
        if dtype in _FOREIGN.values():
            torch = sys.modules["torch"]
            # numpy has no such type: its bits.
            tensor = tensor.view(torch.int16 if dtype == "BF16" else torch.uint8)
            return dtype, tensor.numpy().view(DTYPES[dtype])
        return dtype, tensor.numpy()
    array = np.asarray(value)
    if dtype in _FOREIGN.values():
        return dtype, np.ascontiguousarray(array).view(DTYPES[dtype])
    return dtype, np.asarray(array, dtype=DTYPES[dtype])


@dataclass(frozen=True)
class Plan:
    """The beginning of a file, and where each tensor will be, in the order of writing; `size` is that of the file."""

    header: bytes
    layouts: Mapping[str, Layout]
    size: int


def plan_file(tensors: Mapping[str, tuple[str, tuple[int, ...]]], metadata: Mapping[str, str]) -> Plan:
    """Where tensors of such types and shapes will be. Wider types come first, so that each is aligned."""
    order = sorted(tensors, key=lambda name: (-DTYPES[tensors[name][0]].itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    places: dict[str, tuple[int, int]] = {}
    offset = 0
    for name in order:
        dtype, shape = tensors[name]
        end = offset + DTYPES[dtype].itemsize * int(np.prod(shape, dtype=np.int64))
        places[name] = (offset, end)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    begin = 8 + len(text)
    layouts = {name: Layout(*tensors[name], begin + places[name][0], begin + places[name][1]) for name in order}
    return Plan(struct.pack("<Q", len(text)) + text, layouts, begin + offset)


def write_tensors(file: IO[bytes], tensors: Tensors, metadata: Mapping[str, str]) -> int:
    """Writes a file, each tensor straight from where it is. Returns its bytes."""
    plan = plan_file({name: (tensors.dtype_name(name), tensors[name].shape) for name in tensors}, metadata)
    file.write(plan.header)
    for name in plan.layouts:
        array = np.ascontiguousarray(tensors[name])
        file.write(array.reshape(-1).view(np.uint8).data)
    return plan.size
