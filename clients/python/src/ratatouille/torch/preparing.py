"""What the workers of a loader run: the images of a batch read, decoded and transformed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from ..random import Purpose, Stream
from .draws import uniforms
from .images import FormatMissingError, ImageError, pixels_of, read_image
from .presets import FIXED, operations


@dataclass(frozen=True)
class Wanted:
    """One image of a batch."""

    row: int
    path: str
    offset: int
    length: int
    label: int
    #: Where its random numbers are.
    place: tuple[int, int, int]


@dataclass(frozen=True)
class Mask:
    """The numbers of dropout that a step needs."""

    step: int
    rate: float
    #: Numbers that enter the head, of each row.
    features: int


@dataclass(frozen=True)
class Request:
    """A batch that is to be made."""

    images: tuple[Wanted, ...]
    transform: str
    mask: Mask | None = None


@dataclass(frozen=True)
class Failure:
    """Why a batch cannot be made, and by which row."""

    row: int
    problem: str
    #: Another trainer may read it.
    is_of_this_trainer: bool = False


#: Pixels U8 [rows, height, width, channels], labels I64 [rows], and which numbers dropout keeps, U8 [rows · features], or none.
Batch = tuple[Tensor, Tensor, Tensor]


class Preparer(Dataset["Batch | Failure"]):
    """Makes batches; each worker has one of its own, which keeps what it has decoded as long as that fits."""

    def __init__(self, seed: int, channels: int, size: int, keep_bytes: int) -> None:
        self._seed = seed
        self._channels = channels
        self._size = size
        self._room = keep_bytes
        self._kept: dict[tuple[int, str], Image.Image | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] = {}
        self._files: dict[str, int] = {}
        self._owner = os.getpid()

    def __getitem__(self, request: Request) -> Batch | Failure:
        if self._owner != os.getpid():
            # A file's position is not used, so that a descriptor could be shared; one that is closed elsewhere could not.
            self._owner, self._files = os.getpid(), {}
        pixels = np.empty((len(request.images), self._size, self._size, self._channels), dtype=np.uint8)
        for i, wanted in enumerate(request.images):
            try:
                pixels[i] = self._image(wanted, request.transform)
            except ImageError as error:
                return Failure(wanted.row, str(error))
            except FormatMissingError as error:
                return Failure(wanted.row, str(error), True)
        labels = torch.tensor([wanted.label for wanted in request.images], dtype=torch.int64)
        return torch.from_numpy(pixels), labels, torch.from_numpy(self._keep_bits(request))

    def close(self) -> None:
        """Closes the files of this process."""
        for file in self._files.values():
            os.close(file)
        self._files = {}

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_files": {}, "_kept": {}}

    def _image(self, wanted: Wanted, transform: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        key = (wanted.row, transform if transform in FIXED else "")
        kept = self._kept.get(key)
        if isinstance(kept, np.ndarray):
            return kept
        image = kept if kept is not None else read_image(self._read(wanted), self._channels)
        to = (self._size, self._size)
        stream = None if transform in FIXED else Stream(self._seed, Purpose.AUGMENTATION, *wanted.place)
        pixels = pixels_of(image, operations(transform, (image.height, image.width), to, stream), to, self._channels)
        if pixels.shape[:2] != to:
            height, width = pixels.shape[:2]
            raise ImageError(f"has {width} x {height} pixels, and the network takes {to[1]} x {to[0]}: {transform} changes no size")
        if kept is None:
            # What comes out where nothing is drawn, else what was decoded.
            self._keep(key, pixels if stream is None else image)
        return pixels

    def _keep(self, key: tuple[int, str], value: Image.Image | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
        size = value.nbytes if isinstance(value, np.ndarray) else value.width * value.height * len(value.getbands())
        if size <= self._room:
            self._room -= size
            self._kept[key] = value

    def _read(self, wanted: Wanted) -> bytes:
        file = self._files.get(wanted.path)
        if file is None:
            file = self._files[wanted.path] = os.open(wanted.path, os.O_RDONLY)
        contents = os.pread(file, wanted.length, wanted.offset)
        if len(contents) < wanted.length:
            missing = wanted.length - len(contents)
            raise OSError(f"row {wanted.row}: {Path(wanted.path).name} ends {missing} bytes before the image does")
        return contents

    def _keep_bits(self, request: Request) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        mask = request.mask
        if mask is None:
            return np.empty(0, dtype=np.uint8)
        count = len(request.images) * mask.features
        numbers = uniforms(self._seed, Purpose.DROPOUT, (mask.step, 0, 0), count)
        return (numbers >= mask.rate).astype(np.uint8)
