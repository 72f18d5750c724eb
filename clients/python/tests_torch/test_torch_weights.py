"""The weights that a training begins with: drawn as the built-in engines draw them, or fitted to the network."""

from __future__ import annotations

from typing import Any

import fixtures
import numpy as np
import pytest
import torch

from ratatouille import Tensors
from ratatouille.safetensors_file import as_tensors
from ratatouille.torch.initial import draw
from ratatouille.torch.networks import known_names, make_network
from ratatouille.torch.start import UnfitWeightsError, adapted, load_start, load_whole

INITIAL = fixtures.read("networks/initial/weights.json")


def test_all_networks_of_the_system_have_committed_weights() -> None:
    assert list(INITIAL["networks"]) == known_names()


@pytest.mark.parametrize("name", known_names())
def test_drawn_weights_are_the_committed_ones(name: str) -> None:
    expected = INITIAL["networks"][name]
    size = None if name in ("mlp", "mnist-cnn") else INITIAL["size"]
    drawn = draw(make_network(name, INITIAL["classes"], size=size), INITIAL["seed"])
    total = sum(float(tensor.double().abs().sum()) for tensor in drawn.values() if tensor.is_floating_point())
    assert abs(total / expected["absSum"] - 1) < 1e-9
    for tensor, numbers in expected["first"].items():
        # Another cosine may round a double the other way, and that a float, once in some hundred million.
        assert np.allclose(drawn[tensor].reshape(-1)[:4].numpy(), numbers, rtol=1e-7, atol=0), tensor


def given(name: str, **options: Any) -> Tensors:
    return as_tensors({own: tensor.clone() for own, tensor in make_network(name, 5, **options).module.state_dict().items()})


def test_weights_for_other_channels_sizes_and_classes_are_adapted() -> None:
    start = given("resnet18")
    network = make_network("resnet18", 3, channels=2)
    notes = load_start(network, start, None, 7)
    assert notes == [
        "conv1.weight was for 3 channels: channel i of 2 takes that of channel i mod 3",
        "the head is drawn: that of the weights is for other classes, or none",
    ]
    state = network.module.state_dict()
    assert np.array_equal(state["conv1.weight"].numpy(), start["conv1.weight"][:, :2])
    assert torch.equal(state["fc.weight"], draw(network, 7)["fc.weight"])
    assert adapted(start, state) == ["conv1.weight", "fc.weight", "fc.bias"]


def test_position_embeddings_are_resampled_as_committed() -> None:
    # The committed cases have three features: those of a vit are tiled from them.
    for case in fixtures.read("networks/known/positions.json")["cases"]:
        old, new = case["from"], case["to"]
        values = np.sin(1 + 0.7 * np.arange((old * old + 1) * 3)).astype(np.float32).reshape(1, -1, 3)
        start = dict(given("vit_tiny_patch16_224", size=16 * old))
        start["pos_embed"] = np.tile(values, 64)
        network = make_network("vit_tiny_patch16_224", 5, size=16 * new)
        load_whole(network, as_tensors(start))
        found = network.module.state_dict()["pos_embed"].numpy()[0, :, :3]
        assert np.abs(found.reshape(-1) - np.array(case["resampled"])).max() < 1e-5


def test_the_head_of_another_model_is_taken() -> None:
    network = make_network("mnist-cnn", 5)
    start, headed = given("mnist-cnn"), given("mnist-cnn")
    load_start(network, start, headed, 0)
    state = network.module.state_dict()
    assert np.array_equal(state["classifier.weight"].numpy(), headed["classifier.weight"])
    assert np.array_equal(state["conv1.weight"].numpy(), start["conv1.weight"])


def test_weights_of_another_network_are_refused_by_the_names_of_their_tensors() -> None:
    start = dict(given("resnet18"))
    del start["layer1.0.conv1.weight"]
    start["extra"] = np.zeros(1, np.float32)
    start["bn1.weight"] = np.zeros(3, np.float32)
    with pytest.raises(UnfitWeightsError) as raised:
        load_whole(make_network("resnet18", 5), as_tensors(start))
    faults = ['"extra" is none of its tensors', "bn1.weight: expected [64], got [3]", "layer1.0.conv1.weight is missing"]
    assert str(raised.value) == f"The weights are not resnet18's: {'; '.join(faults)}."
    start = dict(given("mlp"))
    start["fc1.bias"] = np.full(256, np.nan, np.float32)
    with pytest.raises(UnfitWeightsError, match=r"fc1\.bias is not finite"):
        load_start(make_network("mlp", 5), as_tensors(start), None, 0)
