"""Bytes to be sent, read in windows from where they are: a file, or tensors as one safetensors file that is never built as a whole."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .safetensors_file import Plan, Tensors, as_array, describe, plan_file

#: Bytes of a window; the last of a content may be shorter.
WINDOW_BYTES = 1 << 20


class Content(ABC):
    """A blob before it is one.

    :ivar name: what messages call it
    :ivar size: its bytes
    """

    name: str
    size: int

    @abstractmethod
    def parts(self, begin: int = 0) -> Iterator[bytes | memoryview]:
        """The bytes from `begin` on, in parts of any length. Nothing is copied that need not be."""

    def windows(self, begin: int = 0) -> Iterator[bytes]:
        """The bytes from `begin` on, in parts of WINDOW_BYTES."""
        window = bytearray()
        for part in self.parts(begin):
            view, at = memoryview(part), 0
            while at < len(view):
                taken = view[at : at + WINDOW_BYTES - len(window)]
                at += len(taken)
                if len(taken) == WINDOW_BYTES:
                    yield bytes(taken)
                    continue
                window += taken
                if len(window) == WINDOW_BYTES:
                    yield bytes(window)
                    window.clear()
        if window:
            yield bytes(window)

    @cached_property
    def digest(self) -> str:
        """ "sha256:" and 64 hexadecimal digits. Reads everything, once."""
        hash_ = hashlib.sha256()
        for part in self.parts():
            hash_.update(part)
        return f"sha256:{hash_.hexdigest()}"


class FileContent(Content):
    """A file as it is. Raises OSError."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self.size = self.path.stat().st_size

    def parts(self, begin: int = 0) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(begin)
            while part := file.read(WINDOW_BYTES):
                yield part


class TensorContent(Content):
    """Arrays or torch tensors by name, on any device: the safetensors file of them. One tensor at a time is brought to the memory of
    the processor, or made contiguous, where it is not there or not so.

    Raises SafetensorsError naming the tensor that no file can have.
    """

    def __init__(self, tensors: Mapping[str, Any], name: str = "weights") -> None:
        self.name = name
        self._tensors = tensors
        named = tensors if isinstance(tensors, Tensors) else None
        told = {one: (named.dtype_name(one), value.shape) if named else describe(one, value) for one, value in tensors.items()}
        # Equal tensors are equal bytes, whatever library holds them; transformers asks for this one.
        self.plan: Plan = plan_file(told, {"format": "pt"})
        self.size = self.plan.size

    def parts(self, begin: int = 0) -> Iterator[bytes | memoryview]:
        if begin < len(self.plan.header):
            yield memoryview(self.plan.header)[begin:]
        for name, layout in self.plan.layouts.items():
            if layout.end <= begin or layout.begin == layout.end:
                continue
            value = self._tensors[name]
            array = np.ascontiguousarray(value if isinstance(self._tensors, Tensors) else as_array(name, value)[1])
            yield array.reshape(-1).view(np.uint8).data[max(0, begin - layout.begin) :]
