"""Reading, operations and draws against the committed bytes and vectors, which TypeScript's tests use too."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import fixtures
import numpy as np
import pytest
from PIL import Image

from ratatouille.random import Purpose, Stream
from ratatouille.torch.images import ImageError, apply, pixels_of, read_image
from ratatouille.torch.presets import Adjust, CenterCrop, Crop, Flip, Grayscale, Operation, Resize, operations

TRANSFORMS = fixtures.ROOT / "images" / "transforms"
DECODING = fixtures.ROOT / "images" / "decoding"
# The order of lines and columns in which Pillow resizes depends on its version.
MOST = {"wider-and-lower": 1}


def operation(given: dict[str, Any]) -> Operation:
    kind = given["kind"]
    if kind == "resized-crop":
        return Crop(given["top"], given["left"], given["height"], given["width"])
    if kind == "resize":
        return Resize(given["height"], given["width"])
    fixed: dict[str, Operation] = {"center-crop": CenterCrop(), "flip": Flip(), "grayscale": Grayscale()}
    return fixed.get(kind) or Adjust(kind, given["factor"])


def same(found: Any, expected: Path, most: int = 0) -> None:
    theirs = Image.open(expected)
    assert found.size == theirs.size
    assert found.mode == theirs.mode
    assert np.abs(np.asarray(found).astype(int) - np.asarray(theirs).astype(int)).max() <= most


@pytest.mark.parametrize("case", fixtures.read("images/transforms/cases.json"), ids=lambda case: case["name"])
def test_operations_have_torchvisions_bytes(case: dict[str, Any]) -> None:
    channels = 1 if case["source"] == "grey" else 3
    source = read_image((TRANSFORMS / f"{case['source']}.png").read_bytes(), channels)
    done = [operation(given) for given in case["operations"]]
    to = (case["to"]["height"], case["to"]["width"])
    same(apply(source, done, to), TRANSFORMS / f"{case['name']}.png", MOST.get(case["name"], 0))


@pytest.mark.parametrize("case", fixtures.read("images/decoding/cases.json"), ids=lambda case: case["file"])
def test_files_are_read_as_pillow_reads_them(case: dict[str, Any]) -> None:
    # Decoders of JPEG and WebP differ between versions in the last bit.
    same(read_image((DECODING / case["file"]).read_bytes(), 3), DECODING / case["expected"], 1)


@pytest.mark.parametrize(
    "case",
    fixtures.read("sampling/domainbed-1.json"),
    ids=lambda case: f"{case['seed']}-{case['domain']}-{case['position']}",
)
def test_parameters_are_drawn_as_the_committed_vectors_are(case: dict[str, Any]) -> None:
    size = (case["picture"]["height"], case["picture"]["width"])
    place = (case["domain"], case["position"] % 2**32, case["position"] // 2**32)
    stream = Stream(case["seed"], Purpose.AUGMENTATION, *place)
    assert operations("domainbed/1", size, (224, 224), stream) == [operation(given) for given in case["operations"]]


def test_sixteen_bits_lose_their_lower_eight_and_two_channels_are_the_first_two() -> None:
    grey = io.BytesIO()
    Image.fromarray(np.array([[0x1234, 0xFEDC]], dtype=np.uint16)).save(grey, "PNG")
    read = read_image(grey.getvalue(), 1)
    assert np.asarray(read).tolist() == [[0x12, 0xFE]]
    colours = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    assert pixels_of(colours, [], (2, 2), 2).tolist() == [[[0, 1], [3, 4]], [[6, 7], [9, 10]]]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "the file is empty"),
        (b"<svg xmlns=...", "no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with b'<svg xmlns=...'"),
        ((DECODING / "chroma-420.jpg").read_bytes()[:400], "the JPEG file cannot be read: "),
        ((DECODING / "alpha.png").read_bytes()[:200], "the PNG file cannot be read: "),
    ],
)
def test_what_is_no_image_is_said(contents: bytes, message: str) -> None:
    with pytest.raises(ImageError) as raised:
        read_image(contents, 3)
    assert str(raised.value).startswith(message)
