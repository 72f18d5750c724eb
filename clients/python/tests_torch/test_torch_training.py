"""Whole trainings and predictions: what a trainer runs, on images of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_jobs import (
    CLASSES,
    Recording,
    bytes_of,
    context_for,
    data_set,
    open_data,
    predict_recipe,
    resume_from,
    train_recipe,
)

from ratatouille import ElsewhereError, PermanentError, Resume, Setup
from ratatouille.errors import Drained, RecipeError, UsageError
from ratatouille.safetensors_file import as_tensors
from ratatouille.torch import describe, fine_tune, predict
from ratatouille.torch.draws import uniforms
from ratatouille.torch.initial import draw
from ratatouille.torch.preparing import Preparer
from ratatouille.torch.requests import wanted
from ratatouille.torch.running import network_of

MLP = {"name": "mlp", "channels": 3, "size": 16, "options": {"hidden": [12]}}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return data_set(tmp_path)


def trained(recipe: Any, files: Any, tmp_path: Path, outlet: Any = None, resume: Any = None, **options: Any) -> Any:
    context = context_for(recipe, tmp_path / "scratch", outlet, resume, **options)
    result = fine_tune(None, open_data(recipe, files), recipe, context)
    context.settle()
    return result


def test_a_training_is_that_of_plain_torch_bit_for_bit(files: dict[str, Path], tmp_path: Path) -> None:
    recipe = train_recipe(MLP, steps=3, headOnlySteps=2, dropout=0.5, validate=None)
    result = trained(recipe, files, tmp_path)

    network = network_of(recipe)
    network.module.load_state_dict(draw(network, recipe.seed))
    model: Any = network.module.eval()
    data = open_data(recipe, files)
    preparer = Preparer(recipe.seed, 3, 16, 0)
    losses = []
    adam: Any = None
    for step in range(1, 6):
        if step in (1, 3):
            parameters = list(model.head.parameters()) if step <= 2 else list(model.parameters())
            adam = torch.optim.Adam(parameters, lr=0.001, weight_decay=0.01)
        images = [preparer._image(wanted(data, one.row, one.place), "domainbed/1") for one in data.samples(step)]
        labels = torch.tensor([int(data.labels[row]) for row in data.batch(step)])
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        trunk = model[:-1](x)
        mask = (uniforms(recipe.seed, 3, (step, 0, 0), trunk.numel()) >= 0.5).astype(np.float32) / 0.5
        loss: Any = torch.nn.functional.cross_entropy(model.head(trunk * torch.from_numpy(mask).reshape(trunk.shape)), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert bytes_of(result.weights) == bytes_of(model.state_dict())
    assert result.curve == {"loss": [{"step": 5, "loss": sum(losses) / 5}], "validation": []}
    assert result.summary == {"steps": 5, "bestStep": 5, "finalLoss": sum(losses) / 5}


def test_the_best_weights_are_kept_and_the_course_is_told(files: dict[str, Path], tmp_path: Path) -> None:
    recipe = train_recipe(MLP, steps=12, keep="best", optimiser={"name": "adam", "learningRate": 0.01})
    outlet = Recording()
    result = trained(recipe, files, tmp_path, outlet)
    validation = result.curve["validation"]
    assert [entry["step"] for entry in validation] == [2, 4, 6, 8, 10, 12]
    best = max(validation, key=lambda entry: (entry["accuracy"], -entry["step"]))
    assert result.summary["bestStep"] == best["step"]
    assert result.summary["validationAccuracy"] == best["accuracy"]
    assert list(result.weights) == ["fc1.weight", "fc1.bias", "head.weight", "head.bias"]
    # The weights are those of that step: a training of as many steps ends with them.
    shorter = train_recipe(MLP, steps=best["step"], optimiser={"name": "adam", "learningRate": 0.01})
    assert bytes_of(trained(shorter, files, tmp_path).weights) == bytes_of(result.weights)


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 1, "channels_last": True}])
def test_workers_change_no_number(files: dict[str, Path], tmp_path: Path, options: dict[str, Any]) -> None:
    recipe = train_recipe(MLP, dropout=0.2, keep="best")
    alone = trained(recipe, files, tmp_path)
    helped = trained(recipe, files, tmp_path, **options)
    assert bytes_of(alone.weights) == bytes_of(helped.weights)
    assert (alone.curve, alone.summary) == (helped.curve, helped.summary)
    asked = predict_recipe(MLP)
    weights = as_tensors(alone.weights)
    logits = [
        predict(weights, open_data(asked, files), asked, context_for(asked, tmp_path / "scratch", **given)) for given in ({}, options)
    ]
    assert logits[0].shape == (18, len(CLASSES))
    assert logits[0].tobytes() == logits[1].tobytes()


@pytest.mark.parametrize("when", [1, 3, 5, 7])
def test_a_training_goes_on_as_if_it_had_never_stopped(files: dict[str, Path], tmp_path: Path, when: int) -> None:
    recipe = train_recipe(MLP, steps=5, headOnlySteps=2, dropout=0.2, keep="best")
    whole = trained(recipe, files, tmp_path)
    # In steps 1, 2 and 3, and within a validation: it saves its state and stops.
    outlet = Recording(Drained("drained"), when)
    with pytest.raises(Drained):
        trained(recipe, files, tmp_path, outlet)
    resumed: Resume = resume_from(outlet.saved[-1])
    assert 0 < resumed.step < recipe.steps
    second = trained(recipe, files, tmp_path, resume=resumed)
    assert bytes_of(second.weights) == bytes_of(whole.weights)
    assert (second.curve, second.summary) == (whole.curve, whole.summary)


def test_bf16_trains_nearly_the_same(files: dict[str, Path], tmp_path: Path) -> None:
    recipe = train_recipe(MLP, steps=2, dropout=0.2, validate=None)
    whole, half = trained(recipe, files, tmp_path), trained(recipe, files, tmp_path, amp="bf16")
    losses = [result.curve["loss"][0]["loss"] for result in (whole, half)]
    assert losses[0] != losses[1]
    assert abs(losses[0] - losses[1]) < 0.02
    assert all(tensor.dtype == torch.float32 for tensor in half.weights.values())


@pytest.mark.skipif(not hasattr(torch, "compile"), reason="torch before 2.0 cannot compile, and the option is refused")
def test_a_compiled_training_has_the_same_names_and_nearly_the_same_numbers(files: dict[str, Path], tmp_path: Path) -> None:
    recipe = train_recipe(MLP, steps=3, dropout=0.2, validate=None)
    plain, compiled = (as_tensors(trained(recipe, files, tmp_path, compile=on).weights) for on in (False, True))
    assert list(compiled) == list(plain)
    assert max(float(np.abs(compiled[name] - plain[name]).max()) for name in plain) < 1e-4


def test_a_network_that_only_timm_has_is_trained_and_asked(files: dict[str, Path], tmp_path: Path) -> None:
    network = {"name": "mobilenetv3_small_050", "size": 32}
    recipe = train_recipe(network, steps=1, validate=None, head=["classifier.weight", "classifier.bias"])
    first, second = (trained(recipe, files, tmp_path) for _ in range(2))
    assert bytes_of(first.weights) == bytes_of(second.weights)
    # Statistics of batch normalisation stay as they are.
    assert not torch.any(first.weights["bn1.running_mean"] != 0)
    asked = predict_recipe(network)
    logits = predict(as_tensors(first.weights), open_data(asked, files), asked, context_for(asked, tmp_path / "scratch"))
    assert np.isfinite(logits).all()


def test_the_head_alone_is_trained_where_the_recipe_says_so(files: dict[str, Path], tmp_path: Path) -> None:
    recipe = train_recipe(
        {"name": "mnist-cnn"}, steps=1, trainable="head", validate=None, transform={"training": "resize/1", "validation": "resize/1"}
    )
    began = bytes_of(draw(network_of(recipe), recipe.seed))
    ended = bytes_of(trained(recipe, files, tmp_path).weights)
    assert [name for name in began if began[name] != ended[name]] == ["classifier.weight", "classifier.bias"]


def test_what_fails_every_time_is_said(tmp_path: Path) -> None:
    files = data_set(tmp_path, damaged=1)
    for options in ({}, {"workers": 1}):
        with pytest.raises(PermanentError, match=r"^photo/square/1.png: no JPEG, PNG, WebP, GIF, TIFF or AVIF") as raised:
            trained(train_recipe(MLP), files, tmp_path, **options)
        assert not isinstance(raised.value, ElsewhereError)
    with pytest.raises(RecipeError, match=r'parameters\.transform.training is "blur/1", which is no transform'):
        trained(train_recipe(MLP, transform={"training": "blur/1", "validation": "resize/1"}), files, tmp_path)
    with pytest.raises(PermanentError, match=r"has 2[012] x 20 pixels, and the network takes 16 x 16: none/1 changes no size"):
        trained(train_recipe(MLP, transform={"training": "none/1", "validation": "none/1"}), data_set(tmp_path), tmp_path)
    with pytest.raises(PermanentError, match="loss is"):
        recipe = train_recipe(MLP, optimiser={"name": "adam", "learningRate": 1e30})
        trained(recipe, data_set(tmp_path), tmp_path)


def test_devices_that_are_not_there_and_options_that_mean_nothing_are_refused() -> None:
    def told(device: str, **options: Any) -> Any:
        return describe(Setup(device, argparse.Namespace(**{"workers": 0, **options})))

    assert told("cpu").engines[0].arithmetics == ["~train/2 images/1"]
    assert told("cpu", channels_last=True, threads=1).engines[0].arithmetics == ["~train/2 images/1"]
    if int(torch.__version__[0]) < 2:
        with pytest.raises(UsageError, match="--amp bf16: torch 1"):
            told("cpu", amp="bf16")
    else:
        assert told("cpu", amp="bf16").engines[0].arithmetics == ["~torch/1 train/2 images/1 bf16"]
    with pytest.raises(UsageError, match="--device cuda:99: "):
        told("cuda:99")
    with pytest.raises(UsageError, match='--device: expected auto, cpu, gpu, cuda, cuda:N or all, got "tpu"'):
        told("tpu")
    with pytest.raises(UsageError, match='--accumulate: expected a whole number from 1, or auto, got "0"'):
        told("cpu", accumulate="0")
    assert {"torch", "torchvision", "timm"} <= set(told("cpu").environment)
