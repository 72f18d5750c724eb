"""State dicts and modules of torch go in and come out, bfloat16 too, and nothing is there twice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from kit import System
from ratatouille import Client
from test_readme import blocks

#: The last of them is only in newer ones.
TYPES = ("bfloat16", "float16", "float64", "float8_e4m3fn")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    system = System(tmp_path_factory.mktemp("client") / "data")
    with Client(system.address, progress=False) as opened:
        yield opened
    system.stop()


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)).to(memory_format=torch.channels_last)


def test_a_module_comes_out_as_it_went_in(client: Client, tmp_path: Path) -> None:
    module = network(1)
    pushed = client.push(module)
    other = network(2)
    other.load_state_dict(client.pull(pushed).torch())
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in module.state_dict().items())
    torch.save(module.state_dict(), tmp_path / "module.pt")
    assert client.push(tmp_path / "module.pt").weights.digest == pushed.weights.digest
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, tmp_path / "lightning.pt")
    assert client.push(tmp_path / "lightning.pt").weights.digest == pushed.weights.digest


@pytest.mark.parametrize("dtype", [getattr(torch, name) for name in TYPES if hasattr(torch, name)])
def test_every_type_comes_out_as_it_went_in(client: Client, dtype: torch.dtype) -> None:
    tensor = torch.randn(8, 4).to(dtype)
    out = client.pull(client.push({"w": tensor, "turned": tensor.T})).torch()
    assert out["w"].dtype == dtype
    assert torch.equal(out["w"].float(), tensor.float())
    assert torch.equal(out["turned"].float(), tensor.T.float())


def test_the_readme(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATATOUILLE_SERVER", client._connection.address)
    for code in blocks(lambda code: "import torch" in code):
        exec(compile(code, "README.md", "exec"), {})


def test_a_soup_of_bfloat16_is_the_mean(client: Client) -> None:
    members = [{"w": torch.randn(64, generator=torch.Generator().manual_seed(seed)).bfloat16()} for seed in range(4)]
    mean = client.pull(client.soup(members)).torch()["w"]
    assert torch.equal(mean, torch.stack([member["w"].double() for member in members]).mean(0).bfloat16())


PUSH = """
import resource, sys
import torch
from ratatouille import Client
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
client = Client(sys.argv[1], progress=False)
client.push({"warm": torch.zeros(1 << 20)})
tensors = {f"layer{i}.weight": torch.randn(1024, 4096, dtype=torch.bfloat16) for i in range(12)}
size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
before = peak()
pushed = client.push(tensors)
pushing = peak() - before
del tensors
before = peak()
pulled = client.pull(pushed).torch()
print(size, pushing, peak() - before)
"""


def test_weights_are_in_memory_once(client: Client) -> None:
    done = subprocess.run([sys.executable, "-c", PUSH, client._connection.address], capture_output=True, text=True, check=True)
    size, pushing, pulling = map(int, done.stdout.split())
    assert size == 96 << 20
    # Windows of 1 MiB and what gRPC holds of them; the tensors themselves were there before.
    assert pushing < 32 << 20
    # In the place of the tensors that are gone, or once more where their memory was not given back.
    assert pulling < size + (32 << 20)
