"""Some tensors of a model, without the others."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._generated import tensors_pb2
from ..connection import Connection
from ..errors import ServiceError
from ..safetensors_file import DTYPES, Tensors
from .methods import READ_TENSORS
from .progress import Moved


def read_tensors(connection: Connection, digest: str, names: list[str], moved: Moved) -> Tensors:
    """Tensors by names and patterns, each in the memory where it stays. Raises ServiceError."""
    request = tensors_pb2.ReadTensorsRequest(digest=digest, tensors=[tensors_pb2.TensorSelection(name=name) for name in names])
    tensors: dict[str, tuple[str, NDArray[Any]]] = {}
    metadata: dict[str, str] = {}
    rest = memoryview(b"")
    done = 0
    for answer in connection.receive(READ_TENSORS, request):
        part = answer.WhichOneof("part")
        if part == "header":
            metadata = dict(answer.header.metadata)
        elif part == "tensor":
            told = answer.tensor
            array = np.empty(tuple(told.shape), DTYPES[told.dtype])
            tensors[told.name] = (told.dtype, array)
            rest = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        else:
            chunk = answer.chunk
            if zlib.crc32(chunk.data) != chunk.crc32 or len(chunk.data) > len(rest):
                raise ServiceError("DATA_LOSS", f"tensors of {digest} arrived with other bytes", "CHUNK_DAMAGED")
            rest[: len(chunk.data)] = chunk.data
            rest = rest[len(chunk.data) :]
            done += len(chunk.data)
            moved(done)
    return Tensors(tensors, metadata)
