"""Which rows each step of a training has, as docs/images.md says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .random import Purpose, Stream

_WORD = 2**32


class Draw(NamedTuple):
    """One row of a batch."""

    #: Place among the domains.
    domain: int
    #: Place among all rows that the domain ever gives, from 0.
    position: int
    #: Place among the rows of the domain.
    row: int


class Sampling:
    """`batch` rows of the first domain, then of the second, and so on.

    :param sizes: how many rows each domain has: at least one
    :param replacement: whether a row may come again before all others have come

    >>> sampling = Sampling(1, [3, 5], 3, False)
    >>> sorted(draw.row for draw in sampling.step(1)[:3])
    [0, 1, 2]
    """

    def __init__(self, seed: int, sizes: Sequence[int], batch: int, replacement: bool) -> None:
        self._seed = seed
        self._sizes = tuple(sizes)
        self._batch = batch
        self._replacement = replacement
        # Positions are asked for in their order: an epoch is not needed again once the next one is.
        self._orders: dict[int, tuple[int, list[int]]] = {}

    def step(self, step: int) -> list[Draw]:
        """The rows of a step, counted from 1. Any may be asked for; one after another they are made fastest."""
        positions = range((step - 1) * self._batch, step * self._batch)
        return [
            Draw(domain, position, self._index(domain, position, size)) for domain, size in enumerate(self._sizes) for position in positions
        ]

    def _index(self, domain: int, position: int, size: int) -> int:
        if self._replacement:
            return Stream(self._seed, Purpose.ORDER, *place_of(domain, position)).below(size)
        epoch, at = divmod(position, size)
        known = self._orders.get(domain)
        if known is None or known[0] != epoch:
            known = (epoch, Stream(self._seed, Purpose.ORDER, domain, epoch).shuffle(list(range(size))))
            self._orders[domain] = known
        return known[1][at]


def place_of(domain: int, position: int) -> tuple[int, int, int]:
    """Where the random numbers of a position of a domain are.

    >>> place_of(1, 2**32 + 5)
    (1, 5, 1)
    """
    return domain, position % _WORD, position // _WORD
