"""A data set as training code sees it: rows with classes and domains, which of them are for what, and their bytes.

An index is a safetensors file (docs/image-sets.md) over shards; row i of it is example i. What the bytes of an example mean, an image or
anything else, is for the training code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import PermanentError, RecipeError
from .recipe import Recipe
from .safetensors_file import Tensors, open_tensors
from .sampling import Sampling, place_of

Rows = NDArray[np.int32]

_FORMATS = ("ratatouille-images/1", "ratatouille-records/1")
_SPLIT = "ratatouille-split/1"


class DataError(PermanentError):
    """A file that is no index or no split."""


@dataclass(frozen=True)
class Shard:
    """A file that examples are in."""

    digest: str
    bytes: int


@dataclass(frozen=True)
class Place:
    """Where the bytes of an example are."""

    path: Path
    offset: int
    length: int


@dataclass(frozen=True)
class Sample:
    """One row of a step's batch, and the place of the random numbers that are drawn for it."""

    row: int
    #: Place of its domain in the recipe's list.
    domain: int
    #: Place among all rows that its domain ever gives, from 0.
    position: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Of a stream: `Stream(seed, Purpose.AUGMENTATION, *sample.place)`."""
        return place_of(self.domain, self.position)


class Index:
    """The columns of an index, each of one value a row."""

    def __init__(self, tensors: Tensors) -> None:
        found = tensors.metadata.get("format", "")
        if found not in _FORMATS:
            raise DataError(f"the data set has the format {found!r} in its metadata; expected one of {', '.join(_FORMATS)}")
        self.format = found
        self.domains = tuple(_names(tensors, "domains"))
        self.classes = tuple(_names(tensors, "classes"))
        self.shards = tuple(Shard(one["digest"], int(one["bytes"])) for one in _list(tensors, "shards"))
        self._tensors = tensors
        self.domain: Rows = self._column("domain")
        self.labels: Rows = self._column("class")
        self.shard: Rows = self._column("shard")
        self.offset: NDArray[np.int64] = self._column("offset")
        self.bytes: NDArray[np.int64] = self._column("bytes")

    def __len__(self) -> int:
        return len(self.labels)

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self._tensors:
            raise DataError(f"the data set has no column {name}")
        return self._tensors[name]

    def text(self, column: str, row: int) -> str:
        """The text of a row in the column `name` or `item`; empty where there is none."""
        if column not in self._tensors:
            return ""
        ends = self._column(f"{column}End")
        begin = 0 if row == 0 else int(ends[row - 1])
        return self._tensors[column][begin : int(ends[row])].tobytes().decode()


class Data:
    """The examples that a recipe is about.

    :param index: path of the data set's index
    :param split: path of the split, where the recipe has one
    :param shards: paths of shards by their digests; those of rows that are needed
    """

    def __init__(
        self,
        recipe: Recipe,
        index: str | os.PathLike[str],
        split: str | os.PathLike[str] | None = None,
        shards: Mapping[str, str | os.PathLike[str]] | None = None,
    ) -> None:
        self._recipe = recipe
        self._index = Index(open_tensors(index))
        self._split = None if split is None else open_tensors(split)
        self._paths = {digest: Path(path) for digest, path in (shards or {}).items()}
        self._open: tuple[int, dict[int, int]] = (0, {})
        self._training_rows: list[Rows] = []
        self._sampling: Sampling | None = None
        #: Domains of the recipe, by name, in its order. "Place of a domain" is a place in this list.
        self.domains: tuple[str, ...] = recipe.domains
        #: Classes by name; a label is a place in this list.
        self.classes: tuple[str, ...] = self._index.classes
        if recipe.parameters.get("classes", len(self.classes)) != len(self.classes):
            raise RecipeError("parameters.classes", f"is {recipe.classes}; the data set has {len(self.classes)} classes")
        self._places = [self._place_of(i, name) for i, name in enumerate(self.domains)]
        if self._split is not None:
            if self._split.metadata.get("format") != _SPLIT:
                raise DataError(f"the split has the format {self._split.metadata.get('format', '')!r}; expected {_SPLIT!r}")
            if tuple(_names(self._split, "domains")) != self._index.domains:
                raise RecipeError("inputs.split", "is of another data set than inputs.dataset")
        #: The class of each row of the data set: I32 [rows of the data set].
        self.labels: Rows = self._index.labels
        lookup = np.full(max(1, len(self._index.domains)), -1, dtype=np.int32)
        for place, domain in enumerate(self._places):
            lookup[domain] = place
        #: The place of each row's domain, -1 of domains that the recipe does not name: I32 [rows of the data set].
        self.row_domains: Rows = lookup[self._index.domain]

    def _place_of(self, i: int, name: str) -> int:
        if name in self._index.domains:
            return self._index.domains.index(name)
        raise RecipeError(f"parameters.domains.{i}", f"is {name!r}; the data set has {', '.join(self._index.domains)}")

    def __len__(self) -> int:
        """Rows of the whole data set."""
        return len(self._index)

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The files that examples are in."""
        return self._index.shards

    @property
    def rows(self) -> Rows:
        """The rows to predict, ascending: those of `recipe.part` of all domains."""
        parts = [self._part(self._recipe.part, place) for place in range(len(self.domains))]
        return np.sort(np.concatenate(parts)).astype(np.int32)

    def training(self, domain: str | int) -> Rows:
        """Rows of a domain (its name, or its place) to train on: those that the split says; all where there is none."""
        return self._part("all" if self._split is None else "training", self._place(domain))

    def validation(self, domain: str | int) -> Rows:
        """Rows of a domain to validate on; none where there is no split."""
        place = self._place(domain)
        return np.empty(0, np.int32) if self._split is None else self._part("validation", place)

    def test(self, domain: str | int) -> Rows:
        """Rows of a domain that the split holds out; none where it does not."""
        place = self._place(domain)
        held = self._split is not None and f"test.{self._places[place]}" in self._split
        return self._part("test", place) if held else np.empty(0, np.int32)

    def _place(self, domain: str | int) -> int:
        if isinstance(domain, int):
            return domain
        if domain in self.domains:
            return self.domains.index(domain)
        raise KeyError(f"there is no domain {domain!r}; the recipe has {', '.join(self.domains)}")

    def _part(self, part: str, place: int) -> Rows:
        domain = self._places[place]
        if part == "all":
            return np.flatnonzero(self._index.domain == domain).astype(np.int32)
        if self._split is None:
            raise RecipeError("inputs.split", f"is missing; it says which rows are for {part}")
        name = f"{part}.{domain}"
        if name not in self._split:
            raise RecipeError("inputs.split", f"holds out no items: it has no rows for {part}")
        rows: Rows = self._split[name]
        return rows

    def samples(self, step: int) -> list[Sample]:
        """The rows of a step, counted from 1, as docs/images.md has them: `recipe.batch` of each domain, one domain after another."""
        if self._sampling is None:
            self._training_rows = [self.training(place) for place in range(len(self.domains))]
            for place, rows in enumerate(self._training_rows):
                if len(rows) == 0:
                    raise RecipeError(f"parameters.domains.{place}", f"of {self.domains[place]} no row is left to train on")
            sizes = [len(rows) for rows in self._training_rows]
            self._sampling = Sampling(self._recipe.seed, sizes, self._recipe.batch, self._recipe.with_replacement)
        rows_of = self._training_rows
        return [Sample(int(rows_of[domain][row]), domain, position) for domain, position, row in self._sampling.step(step)]

    def batch(self, step: int) -> Rows:
        """The rows of a step, counted from 1: I32 [domains · recipe.batch]. Any step may be asked for; they are made in order fastest."""
        return np.array([sample.row for sample in self.samples(step)], dtype=np.int32)

    def place(self, row: int) -> Place:
        """Where the bytes of a row are: a file of this machine, which stays for as long as the job runs."""
        shard = self._index.shards[int(self._index.shard[row])]
        path = self._paths.get(shard.digest)
        if path is None:
            raise KeyError(f"row {row} is in shard {shard.digest}, which was not fetched: the recipe does not need that row")
        return Place(path, int(self._index.offset[row]), int(self._index.bytes[row]))

    def read(self, row: int) -> bytes:
        """The bytes of a row. Any thread and any forked process may ask."""
        place = self.place(row)
        if self._open[0] != os.getpid():
            self._open = (os.getpid(), {})
        files = self._open[1]
        shard = int(self._index.shard[row])
        file = files.get(shard)
        if file is None:
            file = files.setdefault(shard, os.open(place.path, os.O_RDONLY))
        data = os.pread(file, place.length, place.offset)
        if len(data) != place.length:
            raise DataError(f"row {row} ends behind the end of its shard {place.path}")
        return data

    def name(self, row: int) -> str:
        """What an example is called within its class."""
        return self._index.text("name", row)

    def item(self, row: int) -> str:
        """What an example shows, where somebody says."""
        return self._index.text("item", row)

    def needed(self) -> Rows:
        """All rows that the recipe may read: to train, to validate, to predict."""
        if self._recipe.kind == "predict":
            return self.rows
        parts = [rows for i in range(len(self.domains)) for rows in (self.training(i), self.validation(i))]
        return np.unique(np.concatenate(parts)).astype(np.int32)


def needed_shards(data: Data) -> Sequence[Shard]:
    """The shards that hold rows which the recipe may read."""
    places = np.unique(data._index.shard[data.needed()])
    return [data.shards[int(place)] for place in places]


def _list(tensors: Tensors, name: str) -> list[Any]:
    try:
        found = json.loads(tensors.metadata[name])
    except (KeyError, ValueError) as error:
        raise DataError(f"the metadata have no list {name}") from error
    if not isinstance(found, list):
        raise DataError(f"the metadata have no list {name}")
    return found


def _names(tensors: Tensors, name: str) -> list[str]:
    names = _list(tensors, name)
    if not names or not all(isinstance(one, str) for one in names):
        raise DataError(f"the metadata have no names of {name}")
    return names
