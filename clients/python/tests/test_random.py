"""The random numbers of ratatouille.random are those of Random123, and of libs/deterministic."""

from __future__ import annotations

import doctest
from itertools import count

import numpy as np
import pytest

from ratatouille import random
from ratatouille.random import Purpose, Stream, philox, words_at

# philox4x32 with 10 rounds in Random123's kat_vectors.
KNOWN = [
    ([0, 0, 0, 0], (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, (0xFFFFFFFF, 0xFFFFFFFF), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        (0xA4093822, 0x299F31D0),
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_has_the_words_of_random123(counter: list[int], key: tuple[int, int], words: list[int]) -> None:
    assert philox([counter], key).tolist() == [words]


def test_the_example() -> None:
    assert doctest.testmod(random).failed == 0


def test_a_stream_has_the_words_at_its_place_however_they_are_drawn() -> None:
    stream = Stream(9, Purpose.DROPOUT, 1, 2, 3)
    words = words_at(9, Purpose.DROPOUT, (1, 2, 3), 1000)
    assert [stream.uint32() for _ in range(1000)] == words.tolist()
    assert words_at(9, Purpose.DROPOUT, (1, 2, 3), 10, first_block=7).tolist() == words[28:38].tolist()
    np.testing.assert_array_equal(Stream(9, Purpose.DROPOUT, 1, 2, 3).uniforms(1000), words / 2**32)


def test_bounded_numbers_are_below_their_bound_and_a_shuffle_keeps_all() -> None:
    stream = Stream(1, Purpose.ORDER)
    assert all(0 <= stream.below(n) < n for n, _ in zip(count(1), range(500), strict=False))
    assert sorted(stream.shuffle(list(range(1000)))) == list(range(1000))
    with pytest.raises(ValueError, match="from 1 to 4294967295, got 0"):
        stream.below(0)
