"""A device without room: what is tried, and what is said. The network stands for the device: it has no room for more rows than some."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch_jobs import train_recipe

from ratatouille import ElsewhereError
from ratatouille.torch.computing import Computing
from ratatouille.torch.networks import Network, make_network
from ratatouille.torch.options import Settings
from ratatouille.torch.state import Optimiser
from ratatouille.torch.stepping import Stepper

ROWS = 12


def small(room: int) -> Network:
    """A network whose device has room for so many rows."""
    network = make_network("mlp", 3, channels=3, size=8, options={"hidden": [4]})

    def check(_: Any, entering: Any) -> None:
        if len(entering[0]) > room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    network.module.register_forward_pre_hook(check)
    torch.manual_seed(1)
    for parameter in network.module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def stepped(network: Network, accumulate: int) -> tuple[float, Computing]:
    recipe = train_recipe({"name": "mlp"})
    settings = Settings(accumulate=accumulate)
    computing = Computing(network, settings)
    optimiser = Optimiser(computing, recipe)
    optimiser.begin(1)
    pixels = torch.randint(0, 256, (ROWS, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    labels = torch.arange(ROWS) % 3
    loss = Stepper(computing, recipe, settings).step(pixels, labels, torch.empty(0), optimiser.adam)
    return loss.item(), computing


@pytest.mark.parametrize(("room", "fitting"), [(6, "6 would fit (batch 3 of 2 domains)"), (5, "3 would fit (batch 1 of 2 domains)")])
def test_what_would_fit_is_said(room: int, fitting: str) -> None:
    with pytest.raises(ElsewhereError) as raised:
        stepped(small(room), 1)
    assert str(raised.value) == f"this machine has no room for a step of 12 images with mlp: {fitting}, or the trainer's --accumulate auto"


def test_where_nothing_fits_that_is_said() -> None:
    for accumulate in (0, 1):
        with pytest.raises(ElsewhereError, match=r"no room for a step of 12 images with mlp, nor for one of 1 \(CUDA out of memory"):
            stepped(small(0), accumulate)


@pytest.mark.parametrize("room", [6, 5, 1])
def test_auto_takes_a_batch_in_as_few_pieces_as_fit(room: int) -> None:
    whole, expected = stepped(small(ROWS), 1)
    loss, computing = stepped(small(room), 0)
    assert abs(loss - whole) <= 1e-6 * whole
    for (name, found), (_, other) in zip(computing.parameters(), expected.parameters(), strict=True):
        assert torch.allclose(found, other, atol=1e-5), name


def test_other_errors_are_not_taken_for_it() -> None:
    network = make_network("mlp", 3, channels=1, size=8)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        stepped(network, 0)
