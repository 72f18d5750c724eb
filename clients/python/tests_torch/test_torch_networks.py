"""Three steps of Adam of every network of the fixtures: PyTorch's committed numbers, and plain torch code, bit for bit."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import fixtures
import numpy as np
import pytest
import torch
from timm.layers.config import set_fused_attn

from ratatouille.recipe import Recipe, parse_recipe
from ratatouille.torch.computing import Computing
from ratatouille.torch.draws import uniforms
from ratatouille.torch.networks import Network, NetworkError, make_network, network_names
from ratatouille.torch.options import Settings
from ratatouille.torch.state import Optimiser

FOLDER = fixtures.ROOT / "networks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
# docs/training.md, "How near is near".
LOSS, GRADIENT = 1e-4, 1e-3
# test/parity has it too: rounding of attention shows before the first block.
GRADIENT_OF_ATTENTION = 6e-3


def made(fixture: dict[str, Any]) -> Network:
    """The network of a fixture with the weights that its formula gives."""
    _, channels, size, _ = fixture["input_shape"]
    network = make_network(fixture["architecture"], fixture["classes"], channels, size, fixture.get("options"))
    fill(network.module)
    return network


def fill(module: Any) -> None:
    """As test/fixtures/networks/generate.py says."""
    with torch.no_grad():
        for k, (name, parameter) in enumerate(module.named_parameters()):
            sine = np.sin(1 + 0.7 * np.arange(parameter.numel(), dtype=np.float64) + 13 * k)
            if name.split(".")[-1] in ("cls_token", "pos_embed"):
                values = 0.02 * sine
            elif parameter.ndim >= 2:
                values = sine / math.sqrt(np.prod(parameter.shape[1:]))
            else:
                values = 1 + 0.1 * sine if name.endswith("weight") else 0.1 * sine
            parameter.copy_(torch.from_numpy(values.astype(np.float32)).reshape(parameter.shape))
        norms: list[Any] = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        for k, norm in enumerate(norms, 1000):
            sine = np.sin(1 + 0.7 * np.arange(norm.num_features, dtype=np.float64) + 13 * k)
            norm.running_mean.copy_(torch.from_numpy((0.05 * sine).astype(np.float32)))
            norm.running_var.copy_(torch.from_numpy((1 + 0.2 * sine * sine).astype(np.float32)))


def entering(fixture: dict[str, Any]) -> tuple[Any, Any]:
    shape = fixture["input_shape"]
    numbers = np.sin(0.1 + 0.37 * np.arange(np.prod(shape), dtype=np.float64)).astype(np.float32)
    return torch.from_numpy(numbers).reshape(shape), torch.tensor(fixture["labels"])


def recipe_of(fixture: dict[str, Any], dropout: float = 0) -> Recipe:
    optimiser = fixture["optimizer"]
    told = {"name": "adam", "learningRate": optimiser["lr"], "weightDecay": optimiser["weight_decay"]}
    parameters = {"optimiser": told, "steps": 3, "classes": fixture["classes"], "domains": ["a"], "dropout": dropout}
    return parse_recipe(json.dumps({"kind": "train", "inputs": {}, "parameters": parameters, "seed": 5}))


@pytest.fixture(autouse=True)
def plain_attention() -> Any:
    """PyTorch's fused kernel has an approximate exponential on processors."""
    set_fused_attn(False)
    yield
    set_fused_attn(True)


@pytest.mark.parametrize("name", NAMES)
def test_three_steps_are_those_of_plain_torch_and_near_the_committed_numbers(name: str) -> None:
    fixture = fixtures.read(f"networks/{name}.json")
    images, labels = entering(fixture)
    expected = plain(fixture)
    tolerance = GRADIENT_OF_ATTENTION if name.startswith("vit") else GRADIENT
    computing = Computing(made(fixture), Settings())
    optimiser = Optimiser(computing, recipe_of(fixture))
    for step, committed in enumerate(fixture["steps"], 1):
        optimiser.begin(step)
        optimiser.adam.zero_grad()
        if step == 1:
            logits = computing.logits(images).reshape(-1)[: len(committed["logits"])].numpy()
            assert np.abs(logits - committed["logits"]).max() <= LOSS * np.abs(committed["logits"]).max()
        loss = float(computing.gradients(images, labels, None, 1))
        assert loss == expected.losses[step - 1]
        assert abs(loss - committed["loss"]) <= LOSS * abs(committed["loss"])
        for own, parameter in computing.parameters():
            if "gradients" in committed:
                near(own, parameter.grad, committed["gradients"][own], tolerance)
        optimiser.adam.step()
    for own, parameter in computing.parameters():
        total = fixture["final_abs_sum"][own]
        assert abs(float(parameter.detach().double().abs().sum()) - total) <= 1e-3 * total
    equal(computing, expected)


def near(name: str, gradient: Any, expected: dict[str, Any], tolerance: float) -> None:
    numbers = gradient.double().reshape(-1)
    mean = expected["abs_sum"] / len(numbers)
    assert abs(float(numbers.sum()) - expected["sum"]) <= tolerance * expected["abs_sum"], name
    assert abs(float(numbers.abs().sum()) - expected["abs_sum"]) <= tolerance * expected["abs_sum"], name
    assert (numbers[:4] - torch.tensor(expected["first"])).abs().max() <= tolerance * mean, name


class Plain(NamedTuple):
    losses: list[float]
    model: Any


def plain(fixture: dict[str, Any], masks: Sequence[Any] = ()) -> Plain:
    """The same in torch alone; what enters the head is multiplied by the mask of the step."""
    images, labels = entering(fixture)
    network = made(fixture)
    model = network.module
    model.eval()
    step = 0
    if masks:
        network.head_module().register_forward_pre_hook(lambda _, given: given[0] * masks[step].reshape(given[0].shape))
    criterion = torch.nn.CrossEntropyLoss()
    optimizer = fixture["optimizer"]
    adam = torch.optim.Adam(model.parameters(), lr=optimizer["lr"], weight_decay=optimizer["weight_decay"])
    losses = []
    for step in range(3):  # noqa: B007 (the hook reads it)
        loss = criterion(model(images), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    return Plain(losses, model)


def equal(computing: Computing, expected: Plain) -> None:
    own, theirs = computing.tensors(), expected.model.state_dict()
    assert list(own) == list(theirs)
    for name, tensor in own.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize("name", ["mlp", "mnist-cnn", "resnet18", "vit_small_patch16_224"])
def test_dropout_is_a_mask_before_the_head_bit_for_bit(name: str) -> None:
    fixture = fixtures.read(f"networks/{name}.json")
    images, labels = entering(fixture)
    recipe = recipe_of(fixture, dropout=0.25)
    computing = Computing(made(fixture), Settings(), drops=True)
    count = len(labels) * computing.features()
    kept = [torch.from_numpy((uniforms(5, 3, (step, 0, 0), count) >= 0.25).astype(np.uint8)) for step in (1, 2, 3)]
    optimiser = Optimiser(computing, recipe)
    losses = []
    for step in (1, 2, 3):
        optimiser.begin(step)
        optimiser.adam.zero_grad(set_to_none=True)
        losses.append(computing.gradients(images, labels, computing.mask(kept[step - 1], 0.25), 1).item())
        optimiser.adam.step()
    expected = plain(fixture, [bits.float() / (1 - 0.25) for bits in kept])
    assert losses == expected.losses
    equal(computing, expected)


def test_a_batch_in_pieces_has_the_same_mean_loss_and_gradients() -> None:
    fixture = fixtures.read("networks/mnist-cnn.json")
    images, labels = entering(fixture)
    found = []
    for parts in (1, 3):
        computing = Computing(made(fixture), Settings())
        loss = computing.gradients(images, labels, None, parts).item()
        gradients = [parameter.grad for _, parameter in computing.parameters() if parameter.grad is not None]
        found.append((loss, gradients))
    (loss, wholes), (other_loss, others) = found
    assert abs(loss - other_loss) <= LOSS * loss
    assert len(wholes) == 18
    for gradient, other in zip(wholes, others, strict=True):
        assert (gradient - other).abs().max() <= GRADIENT * gradient.abs().mean()


@pytest.mark.parametrize("name", NAMES)
def test_networks_are_those_of_the_fixtures(name: str) -> None:
    known = fixtures.read(f"networks/known/{name}.json")
    network = make_network(name, known["classes"])
    state = network.module.state_dict()
    assert [[own, list(tensor.shape)] for own, tensor in state.items()] == [[own, shape] for own, _, shape, *_ in known["state"]]
    assert list(network.mean) == known["mean"]
    assert list(network.deviation) == known["std"]
    assert [network.channels, network.size, network.size] == known["input_shape"]


def test_there_are_the_networks_of_timm_and_torchvision() -> None:
    names = network_names()
    assert {"mlp", "resnet50", "mobilenetv3_small_050", "alexnet", "swin_t"} <= set(names)
    assert len(names) == len(set(names))
    small = make_network("mobilenetv3_small_050", 5, size=64)
    assert small.head == ("classifier.weight", "classifier.bias")
    assert make_network("alexnet", 5).head == ("classifier.6.weight", "classifier.6.bias")
    assert make_network("resnet18", 5, channels=1).module.state_dict()["conv1.weight"].shape == (64, 1, 7, 7)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet5", {}, 'there is no network "resnet5": did you mean resnet'),
        ("mlp", {"depth": 3}, 'mlp has no option "depth"; it has hidden'),
        ("resnet18", {"widht": 2}, "resnet18 cannot be made with these options: "),
    ],
)
def test_what_there_is_not_is_said(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(NetworkError) as raised:
        make_network(name, 3, options=options)
    assert message in str(raised.value)
