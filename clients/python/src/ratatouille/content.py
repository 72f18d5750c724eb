"""Bytes to be sent, read in windows from where they are: a file, or tensors as one safetensors file that is never built as a whole."""

from __future__ import annotations

import hashlib
import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .safetensors_file import Layout, Plan, SafetensorsError, Tensors, as_array, describe, plan_file, read_header

#: Bytes of a window; the last of a content may be shorter.
WINDOW_BYTES = 1 << 20


#: Pieces of tensors that have fewer bytes are sent without asking.
_LEAST_SHARED = 4096


class Chunk(NamedTuple):
    """Bytes of a content: `shared` where they are a piece of a tensor, which other files may have too (FindMissing in catalog.proto)."""

    offset: int
    length: int
    shared: bool


def _cut(layouts: Mapping[str, Layout], size: int) -> Sequence[Chunk]:
    """Each tensor in pieces of 1 MiB, and in pieces of at most as much what lies between those that are shared."""
    chunks: list[Chunk] = []
    at = 0

    def between(end: int) -> None:
        nonlocal at
        while at < end:
            chunks.append(Chunk(at, min(WINDOW_BYTES, end - at), False))
            at += chunks[-1].length

    for layout in sorted(layouts.values(), key=lambda one: one.begin):
        for begin in range(layout.begin, layout.end, WINDOW_BYTES):
            length = min(WINDOW_BYTES, layout.end - begin)
            if length >= _LEAST_SHARED and begin >= at:
                between(begin)
                chunks.append(Chunk(begin, length, True))
                at = begin + length
    between(size)
    return chunks


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

    def chunks(self) -> Sequence[Chunk]:
        """What a catalog may have of it, and what lies between, in the order of the bytes."""
        return _cut({}, self.size)

    def read(self, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of each span, an offset and a length; spans ascend, and do not overlap."""
        parts: Iterator[bytes | memoryview] = iter(())
        view, end = memoryview(b""), -WINDOW_BYTES
        for offset, length in spans:
            if offset - end >= WINDOW_BYTES:
                parts, view, end = self.parts(offset), memoryview(b""), offset
            pieces: list[memoryview] = []
            while length > 0:
                if offset >= end:
                    view = memoryview(next(parts))
                    end += len(view)
                    continue
                begin = offset - (end - len(view))
                pieces.append(view[begin : begin + length])
                offset, length = offset + len(pieces[-1]), length - len(pieces[-1])
            yield b"".join(pieces)

    def windows(self, begin: int = 0) -> Iterator[bytes]:
        """The bytes from `begin` on, in spans of WINDOW_BYTES."""
        return self.read((at, min(WINDOW_BYTES, self.size - at)) for at in range(begin, self.size, WINDOW_BYTES))

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

    def chunks(self) -> Sequence[Chunk]:
        with self.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            try:
                return _cut(read_header(mapped, self.size)[0], self.size)
            except SafetensorsError:
                return super().chunks()

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

    def chunks(self) -> Sequence[Chunk]:
        return _cut(self.plan.layouts, self.size)

    def parts(self, begin: int = 0) -> Iterator[bytes | memoryview]:
        if begin < len(self.plan.header):
            yield memoryview(self.plan.header)[begin:]
        for name, layout in self.plan.layouts.items():
            if layout.end <= begin or layout.begin == layout.end:
                continue
            value = self._tensors[name]
            array = np.ascontiguousarray(value if isinstance(self._tensors, Tensors) else as_array(name, value)[1])
            yield array.reshape(-1).view(np.uint8).data[max(0, begin - layout.begin) :]
