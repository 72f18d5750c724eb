"""Which rows a training sees, and where their bytes are: as docs/images.md and the built-in trainer have it."""

from __future__ import annotations

import doctest
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import ROOT, safetensors
from ratatouille import sampling
from ratatouille.data import Data, DataError, needed_shards
from ratatouille.errors import RecipeError
from ratatouille.random import Purpose, Stream
from ratatouille.recipe import Recipe, parse_recipe
from ratatouille.safetensors_file import as_tensors
from ratatouille.sampling import Sampling

FIXTURES: list[dict[str, Any]] = json.loads((ROOT / "test/fixtures/sampling/rows.json").read_text())


def recipe_of(domains: list[str], **changes: Any) -> Recipe:
    parameters = {"network": {"name": "n"}, "classes": 2, "domains": domains, "steps": 5, "batch": 2, **changes}
    return parse_recipe(
        json.dumps({"kind": "train", "inputs": {"dataset": "d"}, "parameters": parameters, "seed": 3, "arithmetic": "~own/1"})
    )


def index_file(path: Path, domain: list[int], names: list[str], **changes: Any) -> Path:
    rows = len(domain)
    columns = {
        "domain": np.array(domain, np.int32),
        "class": np.arange(rows, dtype=np.int32) % 2,
        "shard": np.arange(rows, dtype=np.int32) % 2,
        "offset": np.arange(rows, dtype=np.int64) // 2 * 3,
        "bytes": np.full(rows, 3, np.int64),
        "name": np.frombuffer("".join(f"é{row}" for row in range(rows)).encode(), np.uint8),
        "nameEnd": np.cumsum([len(f"é{row}".encode()) for row in range(rows)]).astype(np.int32),
    }
    metadata = {
        "format": "ratatouille-records/1",
        "domains": json.dumps(names),
        "classes": '["a","b"]',
        "shards": '[{"digest":"first","bytes":30},{"digest":"second","bytes":30}]',
        **changes,
    }
    path.write_bytes(safetensors(as_tensors(columns), metadata))
    return path


@pytest.mark.parametrize("case", FIXTURES, ids=[f"seed {case['seed']}, {case['sizes']}, {case['replacement']}" for case in FIXTURES])
def test_steps_have_the_rows_of_the_committed_vectors(case: dict[str, Any]) -> None:
    sizes, batch = case["sizes"], case["batch"]
    of_steps = Sampling(case["seed"], sizes, batch, case["replacement"])
    for step, expected in case["rows"].items():
        drawn = of_steps.step(int(step))
        assert [[draw.row for draw in drawn[begin : begin + batch]] for begin in range(0, len(drawn), batch)] == expected


def test_the_examples() -> None:
    assert doctest.testmod(sampling).failed == 0


def test_samples_say_where_their_random_numbers_are(tmp_path: Path) -> None:
    data = Data(recipe_of(["x", "y"]), index_file(tmp_path / "index", [0, 0, 0, 1, 1], ["y", "x"]))
    # The recipe's order of domains counts, not that of the data set.
    assert data.row_domains.tolist() == [1, 1, 1, 0, 0]
    samples = data.samples(4)
    assert [(one.domain, one.position) for one in samples] == [(0, 6), (0, 7), (1, 6), (1, 7)]
    assert samples[1].place == (0, 7, 0)
    assert Stream(3, Purpose.AUGMENTATION, *samples[1].place).uniform() < 1
    assert data.batch(4).tolist() == [one.row for one in samples]


def test_bytes_of_rows_are_read_also_by_forked_processes(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"aaabbbccc")
    second.write_bytes(b"dddeee")
    index = index_file(tmp_path / "index", [0] * 5, ["x"])
    data = Data(recipe_of(["x"]), index, None, {"first": first, "second": second})
    assert [data.read(row) for row in range(5)] == [b"aaa", b"ddd", b"bbb", b"eee", b"ccc"]
    place = data.place(3)
    assert (place.path, place.offset, place.length) == (second, 3, 3)
    assert [data.name(row) for row in (0, 4)] == ["é0", "é4"]
    assert data.item(1) == ""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(data.read, [4, 3, 2]) == [b"ccc", b"eee", b"bbb"]
    with pytest.raises(KeyError, match="row 1 is in shard second, which was not fetched"):
        Data(recipe_of(["x"]), index, None, {"first": first}).read(1)


def split_file(path: Path, names: list[str], **rows: list[int]) -> Path:
    tensors = as_tensors({name.replace("_", "."): np.array(given, np.int32) for name, given in rows.items()})
    path.write_bytes(safetensors(tensors, {"format": "ratatouille-split/1", "domains": json.dumps(names)}))
    return path


def test_a_split_says_what_rows_are_for(tmp_path: Path) -> None:
    index = index_file(tmp_path / "index", [0, 0, 0, 1, 1], ["x", "y"])
    split = split_file(tmp_path / "split", ["x", "y"], training_0=[2, 0], validation_0=[1], training_1=[4], validation_1=[3])
    data = Data(recipe_of(["y", "x"]), index, split)
    assert (data.training("x").tolist(), data.training(0).tolist()) == ([2, 0], [4])
    assert (data.validation("y").tolist(), data.test("y").tolist()) == ([3], [])
    assert [shard.digest for shard in needed_shards(data)] == ["first", "second"]
    predicted = parse_recipe(json.dumps({**json.loads(recipe_of(["y", "x"], part="validation").text), "kind": "predict"}))
    assert Data(predicted, index, split).rows.tolist() == [1, 3]
    only = parse_recipe(json.dumps({**json.loads(recipe_of(["y"], part="validation").text), "kind": "predict"}))
    assert [shard.digest for shard in needed_shards(Data(only, index, split))] == ["second"]
    with pytest.raises(RecipeError, match=r"inputs\.split is of another data set than inputs\.dataset"):
        Data(recipe_of(["x"]), index, split_file(tmp_path / "other", ["z"], training_0=[0], validation_0=[1]))
    held = parse_recipe(json.dumps({**json.loads(recipe_of(["y"], part="test").text), "kind": "predict"}))
    with pytest.raises(RecipeError, match=r"inputs\.split holds out no items: it has no rows for test"):
        _ = Data(held, index, split).rows


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    index = index_file(tmp_path / "index", [0], ["x"])
    with pytest.raises(RecipeError, match=r"parameters\.domains\.1 is 'z'; the data set has x"):
        Data(recipe_of(["x", "z"]), index)
    with pytest.raises(RecipeError, match=r"parameters\.classes is 7; the data set has 2 classes"):
        Data(recipe_of(["x"], classes=7), index)
    with pytest.raises(DataError, match="the data set has the format 'pt' in its metadata; expected one of"):
        Data(recipe_of(["x"]), index_file(tmp_path / "other", [0], ["x"], format="pt"))
    with pytest.raises(KeyError, match="there is no domain 'q'; the recipe has x"):
        Data(recipe_of(["x"]), index).training("q")
    with pytest.raises(RecipeError, match="recipe is none"):
        parse_recipe("[]")
