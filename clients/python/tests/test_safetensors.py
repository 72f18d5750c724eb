"""Files are safetensors, as the reference implementation and the services have them."""

from __future__ import annotations

import json
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kit import safetensors
from ratatouille.safetensors_file import SafetensorsError, Tensors, as_tensors, open_tensors, write_tensors


def test_what_is_written_is_read_without_a_copy(tmp_path: Path) -> None:
    given: dict[str, NDArray[Any]] = {
        "b": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a": np.array(7, dtype=np.int64),
        "half": np.array([1, 2], dtype=np.float16),
        "flags": np.array([True, False]),
        "none": np.zeros((0, 3), np.float64),
        "big endian": np.array([1.5], dtype=">f4"),
        "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    }
    path = tmp_path / "file"
    path.write_bytes(safetensors(as_tensors(given), {"format": "pt"}))
    found = open_tensors(path)
    assert found.metadata == {"format": "pt"}
    for name, array in given.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape
    assert {name: found.dtype_name(name) for name in found}["a"] == "I64"
    assert not found["b"].flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        found["b"][0, 0] = 1


def test_bfloat16_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    bits = np.array([0x3F80, 0xC000], np.uint16)
    path.write_bytes(safetensors(Tensors({"w": ("BF16", bits)})))
    found = open_tensors(path)
    assert (found.dtype_name("w"), found["w"].tolist()) == ("BF16", bits.tolist())


def test_wider_types_come_first_and_all_are_aligned() -> None:
    file = BytesIO()
    size = write_tensors(file, as_tensors({"a": np.zeros(3, "u1"), "b": np.zeros(1, "f8"), "c": np.zeros(1, "f4")}), {})
    data = file.getvalue()
    assert size == len(data)
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert [header[name]["data_offsets"] for name in ("b", "c", "a")] == [[0, 8], [8, 12], [12, 15]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"1234", "the file has 4 bytes; a safetensors file has 8 at least"),
        (struct.pack("<Q", 100) + b"{}", "the header is said to have 100 bytes; the file has 10"),
        (struct.pack("<Q", 2) + b"[]", "the header is none"),
        (struct.pack("<Q", 4) + b"nope", "the header is none"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(SafetensorsError, match=message):
        open_tensors(path)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}, "tensor w has no place in the file for its 8 bytes"),
        ({"dtype": "F32", "shape": [2], "data_offsets": [0, 80]}, "tensor w has no place in the file for its 8 bytes"),
        ({"dtype": "X9", "shape": [2], "data_offsets": [0, 8]}, "tensor w is of type X9, which nobody here reads"),
    ],
)
def test_tensors_that_cannot_be_are_refused(tmp_path: Path, tensor: dict[str, object], message: str) -> None:
    header = json.dumps({"w": tensor}).encode()
    path = tmp_path / "file"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(SafetensorsError, match=message):
        open_tensors(path)


def test_arrays_of_no_type_are_refused_by_name() -> None:
    with pytest.raises(SafetensorsError, match="tensor w is of type complex128; files have"):
        as_tensors({"w": np.zeros(2, complex)})
