"""A callback that contributes what a training has made to a session. Its hook is that of Lightning's callbacks: with Lightning it is a
`class Contribute(lightning.Callback)`, and everything else is as here.

    python examples/clients/python/callback.py --server 127.0.0.1:7437 --session ID --secret SECRET --name me
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ratatouille import Client, Session


@dataclass
class Contribute:
    session: Session
    name: str

    def on_train_end(self, trainer: Any, module: nn.Module) -> None:
        self.session.contribute(module, self.name)


def fit(module: nn.Module, steps: int, callbacks: list[Contribute]) -> None:
    """The loop of a training that has callbacks."""
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    for _ in range(steps):
        x = torch.randn(32, 4)
        optimiser.zero_grad()
        nn.functional.mse_loss(module(x), x.sum(1, keepdim=True)).backward()
        optimiser.step()
    for callback in callbacks:
        callback.on_train_end(None, module)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="host:port (RATATOUILLE_SERVER)")
    parser.add_argument("--session", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--name", required=True, help="who contributes")
    given = parser.parse_args()
    session = Client(given.server).session(given.session, secret=given.secret)
    fit(nn.Linear(4, 1), steps=100, callbacks=[Contribute(session, given.name)])


if __name__ == "__main__":
    main()
