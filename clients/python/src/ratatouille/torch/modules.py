"""The networks of libs/networks that no library has: mlp and mnist-cnn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def mlp(features: int, hidden: Sequence[int], classes: int) -> nn.Module:
    """Linear layers with ReLU between them, on all numbers of an image: ``fc1``, ``fc2`` ... and ``head``."""
    layers: list[tuple[str, nn.Module]] = [("flatten", nn.Flatten())]
    for i, width in enumerate(hidden, 1):
        layers += [(f"fc{i}", nn.Linear(features, width)), (f"relu{i}", nn.ReLU())]
        features = width
    return nn.Sequential(OrderedDict([*layers, ("head", nn.Linear(features, classes))]))


class MnistCnn(nn.Module):
    """DomainBed's network for digits (``MNIST_CNN``, MIT) and its linear classifier."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 3, padding=1)
        self.conv2 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(128, 128, 3, padding=1)
        self.conv4 = nn.Conv2d(128, 128, 3, padding=1)
        self.bn0, self.bn1 = nn.GroupNorm(8, 64), nn.GroupNorm(8, 128)
        self.bn2, self.bn3 = nn.GroupNorm(8, 128), nn.GroupNorm(8, 128)
        self.classifier = nn.Linear(128, classes)

    def forward(self, x: Tensor) -> Tensor:
        layers = ((self.conv1, self.bn0), (self.conv2, self.bn1), (self.conv3, self.bn2), (self.conv4, self.bn3))
        for convolution, norm in layers:
            x = norm(torch.relu(convolution(x)))
        logits: Tensor = self.classifier(x.mean((2, 3)))
        return logits
