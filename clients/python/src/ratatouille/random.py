"""Random numbers that every trainer draws alike: Philox4x32-10 (Salmon et al. 2011) by key and place, as docs/images.md has it.

>>> stream = Stream(7, Purpose.ORDER, 1, 0)
>>> [stream.uint32(), stream.uint32()]
[3663035628, 3441616843]
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_WORD = 2**32


class Purpose(IntEnum):
    """What random numbers are for, the second word of a key. Those of different purposes have nothing to do with each other."""

    ORDER = 1
    AUGMENTATION = 2
    DROPOUT = 3
    INITIALISATION = 4
    SPLIT = 5


def philox(counters: ArrayLike, key: tuple[int, int]) -> NDArray[np.uint32]:
    """Blocks of Philox4x32-10: of counters [n, 4] the words [n, 4], both of 32 bits."""
    words = np.asarray(counters, dtype=np.uint64).reshape(-1, 4)
    c0, c1, c2, c3 = (words[:, i].copy() for i in range(4))
    k0, k1 = (word & 0xFFFFFFFF for word in key)
    for _ in range(10):
        first, second = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (second >> np.uint64(32)) ^ c1 ^ np.uint64(k0),
            second & _LOW,
            (first >> np.uint64(32)) ^ c3 ^ np.uint64(k1),
            first & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).astype(np.uint32)


def words_at(seed: int, purpose: int, place: tuple[int, int, int], count: int, first_block: int = 0) -> NDArray[np.uint32]:
    """The words of a stream from block `first_block` on, four a block: [count]."""
    blocks = -(-count // 4)
    counters = np.empty((blocks, 4), dtype=np.uint64)
    counters[:, 0] = (np.arange(first_block, first_block + blocks, dtype=np.uint64)) & _LOW
    counters[:, 1:] = place
    return philox(counters, (seed, purpose)).reshape(-1)[:count]


class Stream:
    """The random numbers of key [seed, purpose] at place [a, b, c], one after another. Streams at different places share nothing."""

    def __init__(self, seed: int, purpose: int, a: int = 0, b: int = 0, c: int = 0) -> None:
        self._key = (seed, int(purpose))
        self._place = (a, b, c)
        self._block = 0
        self._words: list[int] = []
        self._ahead = 1

    def uint32(self) -> int:
        """The next word, 0 to 2^32 - 1."""
        if not self._words:
            words = words_at(*self._key, self._place, 4 * self._ahead, self._block)
            self._words = words[::-1].tolist()
            self._block += self._ahead
            # A stream that is used on is drawn from in larger pieces.
            self._ahead = min(4 * self._ahead, 4096)
        return self._words.pop()

    def uniform(self) -> float:
        """A number in [0, 1): the next word / 2^32, exact."""
        return self.uint32() / _WORD

    def uniforms(self, count: int) -> NDArray[np.float64]:
        """The next `count` of `uniform`."""
        return np.array([self.uint32() for _ in range(count)], dtype=np.float64) / _WORD

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1, each as likely as the others (Lemire 2019)."""
        if not 1 <= n < _WORD:
            raise ValueError(f"below: expected a whole number from 1 to {_WORD - 1}, got {n}")
        while True:
            product = self.uint32() * n
            if product % _WORD >= (_WORD - n) % n:
                return product >> 32

    def shuffle(self, items: list[int]) -> list[int]:
        """Orders a list anew, in place: for i from the last place down to 1, i and below(i + 1) are swapped."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]
        return items
