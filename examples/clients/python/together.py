"""Three people fine-tune one network, each on their own part of the digits, and average what they have learned in a session.

    pip install ./clients/python torch
    ./ratatouille up                                          # a system, if there is none
    python examples/clients/python/together.py --server 127.0.0.1:7437

Prints the accuracy of each and of the average, on digits that nobody has trained on. Weights travel; data do not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ratatouille import Client

DIGITS = Path(__file__).parents[3] / "data/digits"
PEOPLE = ("ada", "grace", "emmy")


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Handwritten digits of 8 x 8 pixels, and what they show."""
    images = np.frombuffer((DIGITS / "images-idx3-ubyte").read_bytes()[16:], np.uint8).reshape(-1, 1, 8, 8)
    labels = np.frombuffer((DIGITS / "labels-idx1-ubyte").read_bytes()[8:], np.uint8)
    return torch.tensor(images / np.float32(images.max())), torch.tensor(labels, dtype=torch.long)


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10))


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, steps: int, rate: float) -> None:
    optimiser = torch.optim.Adam(model.parameters(), rate)
    for _ in range(steps):
        rows = torch.randint(len(images), (64,))
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimiser.step()


@torch.no_grad()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    return (model(images).argmax(1) == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="host:port (RATATOUILLE_SERVER)")
    client = Client(parser.parse_args().server)
    torch.manual_seed(1)
    images, labels = digits()
    order = torch.randperm(len(images))
    test, foundation, *parts = order[:400], order[400:500], *order[500:].chunk(len(PEOPLE))

    start = network()
    train(start, images[foundation], labels[foundation], steps=30, rate=1e-3)
    base = client.push(start, "digits/foundation", licence="CC-BY-4.0", source="examples/together", architecture="digits-cnn")
    print(f"foundation: {accuracy(start, images[test], labels[test]):.3f}")

    session = client.session(licence="CC-BY-4.0", architecture="digits-cnn")
    for person, rows in zip(PEOPLE, parts, strict=True):
        model = network()
        model.load_state_dict(client.pull(base).torch())
        train(model, images[rows], labels[rows], steps=200, rate=1e-3)
        mine = client.push(model, f"digits/{person}", licence="CC-BY-4.0", source=person, architecture="digits-cnn", base=base)
        session.contribute(model, person, artifact=mine)
        print(f"{person}: {accuracy(model, images[test], labels[test]):.3f}")

    average = session.close(snapshot=True)
    assert average is not None
    together = network()
    together.load_state_dict(client.pull(average).torch())
    print(f"together: {accuracy(together, images[test], labels[test]):.3f}")
    print(client.lineage(average))


if __name__ == "__main__":
    main()
