"""Which batches a recipe needs, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..data import Data, Rows
from ..recipe import Recipe
from .preparing import Mask, Request, Wanted

#: Rows that are validated or predicted together.
PASS_ROWS = 64
_PASS_DOMAIN = 2**32 - 1


def wanted(data: Data, row: int, place: tuple[int, int, int]) -> Wanted:
    """An image of a data set."""
    at = data.place(row)
    return Wanted(row, str(at.path), at.offset, at.length, int(data.labels[row]), place)


def passed(data: Data, rows: Rows, transform: str) -> list[Request]:
    """All rows once, in their order. What is drawn for a row is the same in every pass."""
    places = [(_PASS_DOMAIN, int(row), 0) for row in rows]
    images = [wanted(data, int(row), place) for row, place in zip(rows, places, strict=True)]
    return [Request(tuple(images[i : i + PASS_ROWS]), transform) for i in range(0, len(images), PASS_ROWS)]


@dataclass(frozen=True)
class Schedule:
    """The batches of a training from a step on: those of its steps, and after some of them those of a validation."""

    data: Data
    recipe: Recipe
    #: The batches of a validation, of each domain that has rows for it.
    validation: Sequence[Sequence[Request]]
    #: Numbers that enter the head, of each row, where dropout needs them.
    features: int
    #: The first batches of a validation that are made once, and then kept.
    kept: int

    def is_validated(self, step: int) -> bool:
        """Whether a validation follows a step."""
        every = self.recipe.validate_every
        return every > 0 and (step % every == 0 or step == self.recipe.steps)

    def requests(self, from_step: int) -> Iterator[Request]:
        """Those of the steps from this one on."""
        is_first = True
        transform = str(self.recipe.parameters["transform"]["training"])
        passes = [request for domain in self.validation for request in domain]
        for step in range(from_step, self.recipe.steps + 1):
            images = tuple(wanted(self.data, sample.row, sample.place) for sample in self.data.samples(step))
            dropout = self.recipe.dropout
            yield Request(images, transform, Mask(step, dropout, self.features) if dropout > 0 else None)
            if self.is_validated(step):
                yield from passes if is_first else passes[self.kept :]
                is_first = False
