"""Means are those of real numbers, rounded once, as exact-mean/1 says."""

from __future__ import annotations

import doctest
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ratatouille import mixing
from ratatouille.errors import RecipeError
from ratatouille.mixing import exact_mean, mix_models, round_fraction
from ratatouille.safetensors_file import Tensors, as_tensors, open_tensors, write_tensors

NUMPY = {"F32": np.float32, "F16": np.float16}
special = [0.0, -0.0, 1.0, 1 + 2**-23, 2**-149, 2.0**120, -(2.0**120), 2.0**40, 2**-60, 3.4028234663852886e38, 65504.0, 2**-24]
anything = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False), st.integers(-9, 9).map(lambda n: n / 8), st.sampled_from(special)
)
factor = st.one_of(st.sampled_from([1.0, 2.0, 0.5, 3.0, 0.1, 0.3, 0.7]), st.floats(-4, 4).filter(lambda x: abs(x) > 1e-3))


def as_type(values: list[float], dtype: str) -> NDArray[np.float64]:
    """The nearest numbers of a type, as doubles; what is too large is 1."""
    rounded = [round_fraction(Fraction(value), dtype) for value in values]
    return np.array([value if np.isfinite(value) else 1.0 for value in rounded])


def bits(dtype: str, value: float) -> int:
    if dtype == "BF16":
        return int(np.float32(value).view(np.uint32)) >> 16
    return int(np.array(value, NUMPY[dtype]).view(np.uint32 if dtype == "F32" else np.uint16))


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(anything, min_size=n, max_size=n), min_size=1, max_size=6), st.lists(factor, min_size=n, max_size=n)
        )
    ),
    st.sampled_from(["F32", "F16", "BF16"]),
)
def test_means_are_exact(case: tuple[list[list[float]], list[float]], dtype: str) -> None:
    rows, factors = case
    total = sum(map(Fraction, factors), Fraction(0))
    if total == 0:
        return
    values = [as_type([row[k] for row in rows], dtype) for k in range(len(factors))]
    made = exact_mean(values, factors, total, dtype)
    for place, number in enumerate(made):
        mean = sum(Fraction(weight) * Fraction(float(value[place])) for weight, value in zip(factors, values, strict=True)) / total
        if mean == 0:
            assert bits(dtype, 0.0) & 0x7FFF == int(number.view(np.uint16) if dtype != "F32" else number.view(np.uint32)) & 0x7FFF
            continue
        found = int(number) if dtype == "BF16" else int(number.view(np.uint32 if dtype == "F32" else np.uint16))
        assert found == bits(dtype, round_fraction(mean, dtype)), (mean, number)


@pytest.mark.parametrize(
    ("values", "factors", "expected"),
    [
        ([1, 1 + 2**-23], [1, 1], 1),
        ([1 + 2**-23, 1 + 2**-22], [1, 1], 1 + 2**-22),
        ([2**-149, 0], [1, 1], 0),
        ([1, 2, 3, 5], [1, 1, 1, 1], 2.75),
        ([3, 3, 3], [0.1, 0.2, 0.3], 3),
        ([4, 1], [-1, -1], 2.5),
    ],
)
def test_ties_go_to_even(values: list[float], factors: list[float], expected: float) -> None:
    columns = [np.array([value], np.float64) for value in values]
    assert exact_mean(columns, factors, sum(map(Fraction, factors), Fraction(0)), "F32")[0] == np.float32(expected)


def test_zeros_are_negative_only_if_they_all_are() -> None:
    def sign(values: list[float]) -> bool:
        return bool(np.signbit(exact_mean([np.array([value]) for value in values], [1.0, 1.0], Fraction(2), "F32")[0]))

    assert [sign([-0.0, -0.0]), sign([0.0, -0.0]), sign([1.0, -1.0])] == [True, False, False]


def test_few_numbers_of_weights_are_left_to_fractions(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    fractions = mixing._in_fractions

    def count(*given: Any) -> Any:
        counted.append(len(given[4]))
        return fractions(*given)

    monkeypatch.setattr(mixing, "_in_fractions", count)
    generator = np.random.default_rng(1)
    models = [generator.normal(0, 0.05, 50_000).astype("f4").astype(np.float64) for _ in range(5)]
    # Frozen layers are equal in all models.
    models.append(models[0].copy())
    for factors in ([1.0] * 6, [0.1, 0.2, 0.3, 0.15, 0.05, 0.2], [0.3, 0.7]):
        exact_mean(models[: len(factors)], factors, sum(map(Fraction, factors), Fraction(0)), "F32")
    exact_mean([models[0], models[5]], [0.3, 0.7], Fraction(0.3) + Fraction(0.7), "F32")
    assert sum(counted) < 10


def file_of(path: Path, tensors: Tensors) -> Path:
    with path.open("wb") as file:
        write_tensors(file, tensors, {})
    return path


def test_files_of_several_types_are_mixed(tmp_path: Path) -> None:
    first = as_tensors({"w": np.array([[1, 2], [3, 4]], "f4"), "half": np.array([1, 2], "f2"), "bn.num_batches_tracked": np.array(3)})
    other = as_tensors({"w": np.array([[3, 2], [1, 0]], "f4"), "half": np.array([2, 2], "f2"), "bn.num_batches_tracked": np.array(7)})
    paths = [file_of(tmp_path / f"{i}", tensors) for i, tensors in enumerate((first, other))]
    mix_models(paths, [1, 3], tmp_path / "mean")
    mean = open_tensors(tmp_path / "mean")
    assert mean["w"].tolist() == [[2.5, 2], [1.5, 1]]
    assert mean["half"].tolist() == [1.75, 2]
    assert mean["bn.num_batches_tracked"] == 7
    assert mean.dtype_name("half") == "F16"


@pytest.mark.parametrize(
    ("other", "weights", "message"),
    [
        ({"v": np.zeros(2, "f4")}, None, "inputs.models.1 and the first differ: only one has tensor w"),
        ({"w": np.zeros(3, "f4")}, None, r"inputs.models.1 has tensor w as F32 \[3\], the first as F32 \[2\]"),
        ({"w": np.zeros(2, "f2")}, None, r"inputs.models.1 has tensor w as F16 \[2\]"),
        ({"w": np.array([0, np.nan], "f4")}, None, "inputs.models.1 has numbers in tensor w that are not finite"),
        ({"w": np.zeros(2, "f4")}, [1, -1], "parameters.weights sum to 0: 1.0, -1.0"),
        ({"w": np.full(2, 3e38, "f4")}, [-1, 1.25], "inputs.models have a mean of tensor w that is too large for F32"),
    ],
)
def test_models_without_a_mean_are_refused(tmp_path: Path, other: dict[str, object], weights: list[float] | None, message: str) -> None:
    first = file_of(tmp_path / "first", as_tensors({"w": np.ones(2, "f4")}))
    second = file_of(tmp_path / "second", as_tensors(other))
    with pytest.raises(RecipeError, match=message):
        mix_models([first, second], weights, tmp_path / "mean")


def test_the_example() -> None:
    assert doctest.testmod(mixing).failed == 0
