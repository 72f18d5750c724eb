"""Images as networks see them: files read, operations done to them, as docs/images.md says. Needs Pillow and numpy alone.

The operations are those that torchvision.transforms.functional has for PIL images, byte by byte.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps, UnidentifiedImageError

from .presets import Adjust, CenterCrop, Crop, Flip, Grayscale, Operation, Resize, Size

MAX_PIXELS = 100_000_000
"""Most pixels of an image that is read."""

_FORMATS = {"JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"}
_OF_16_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")

# The limit is ours, and said in our words.
Image.MAX_IMAGE_PIXELS = None


class ImageError(ValueError):
    """Bytes that are no image, or one that cannot be used; the message says why, not which. Trying again gives the same."""


class FormatMissingError(RuntimeError):
    """A format that docs/images.md lists and this Pillow does not read: another trainer may."""


def format_of(contents: bytes) -> str | None:
    """The format of a file by its first bytes, as Pillow calls it; None where it is none of those that are read."""
    head = contents[:64]
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    return "AVIF" if head[4:8] == b"ftyp" and (b"avif" in head[8:] or b"avis" in head[8:]) else None


def read_image(contents: bytes, channels: int) -> Image.Image:
    """Reads a file: mode L for one channel, else RGB.

    :raises ImageError: where it is none, is damaged or has more than ``MAX_PIXELS``
    :raises FormatMissingError: for a format that this Pillow lacks
    """
    if not contents:
        raise ImageError("the file is empty")
    kind = format_of(contents)
    if kind is None:
        raise ImageError(f"no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with {contents[:16]!r}")
    try:
        # A JPEG with several images in it is one that Pillow calls MPO.
        with Image.open(io.BytesIO(contents), formats=[kind, "MPO"] if kind == "JPEG" else [kind]) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                size = f"{opened.width} x {opened.height} pixels"
                raise ImageError(f"{size}: images of more than {MAX_PIXELS:,} are not read")
            turned: Image.Image = ImageOps.exif_transpose(opened) or opened
            colours = _eight_bits(turned).convert("RGB") if turned.mode != "L" else turned
            return colours.convert("L" if channels == 1 else "RGB")
    except ImageError:
        raise
    except (KeyError, UnidentifiedImageError) as error:
        Image.init()
        if kind not in Image.OPEN:
            raise FormatMissingError(f"This trainer's Pillow reads no {kind} files; a newer one does") from error
        raise ImageError(f"the {kind} file cannot be read: {error}") from error
    except Exception as error:
        # Pillow's readers raise what they like for damaged files: OSError, SyntaxError, ValueError, struct.error, EOFError.
        if isinstance(error, MemoryError):
            raise
        raise ImageError(f"the {kind} file cannot be read: {_first_line(error)}") from error


def pixels_of(image: Image.Image, done: Sequence[Operation], to: Size, channels: int) -> NDArray[np.uint8]:
    """Does operations, one after another.

    :returns: [height, width, channels]
    """
    array = np.asarray(apply(image, done, to))
    array = array[:, :, None] if array.ndim == 2 else array
    return array[:, :, :channels]


def apply(image: Image.Image, done: Sequence[Operation], to: Size) -> Image.Image:
    """Does operations to an image of mode L or RGB, one after another; ``to`` is the size that crops have."""
    for operation in done:
        image = _apply(image, operation, to)
    return image


def _apply(image: Image.Image, operation: Operation, to: Size) -> Image.Image:
    if isinstance(operation, Crop):
        box = (operation.left, operation.top, operation.left + operation.width, operation.top + operation.height)
        return _resize(image.crop(box), to)
    if isinstance(operation, Resize):
        return _resize(image, (operation.height, operation.width))
    if isinstance(operation, CenterCrop):
        return _center_crop(image, to)
    if isinstance(operation, Flip):
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if isinstance(operation, Grayscale):
        return image if image.mode == "L" else image.convert("L").convert("RGB")
    return _adjust(image, operation)


def _resize(image: Image.Image, to: Size) -> Image.Image:
    height, width = to
    return image if image.size == (width, height) else image.resize((width, height), Image.Resampling.BILINEAR)


def _center_crop(image: Image.Image, to: Size) -> Image.Image:
    """As torchvision's center_crop: what is too small has black around it first."""
    height, width = to
    add_x, add_y = max(0, width - image.width), max(0, height - image.height)
    if add_x or add_y:
        image = ImageOps.expand(image, (add_x // 2, add_y // 2, (add_x + 1) // 2, (add_y + 1) // 2), fill=0)
    top, left = round((image.height - height) / 2.0), round((image.width - width) / 2.0)
    return image.crop((left, top, left + width, top + height))


def _adjust(image: Image.Image, adjust: Adjust) -> Image.Image:
    if adjust.kind == "hue":
        return _turn_hue(image, adjust.factor)
    enhancers: dict[str, Any] = {
        "brightness": ImageEnhance.Brightness,
        "contrast": ImageEnhance.Contrast,
        "saturation": ImageEnhance.Color,
    }
    enhanced: Image.Image = enhancers[adjust.kind](image).enhance(adjust.factor)
    return enhanced


def _turn_hue(image: Image.Image, factor: float) -> Image.Image:
    if image.mode == "L":
        return image
    hue, saturation, value = image.convert("HSV").split()
    turned = np.asarray(hue) + np.array(int(factor * 255) % 256, dtype=np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """The upper 8 of 16 bits, which Pillow would cut at 255."""
    if image.mode not in _OF_16_BITS:
        return image
    numbers = np.asarray(image).astype(np.int64)
    return Image.fromarray(np.clip(numbers >> 8, 0, 255).astype(np.uint8))


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
