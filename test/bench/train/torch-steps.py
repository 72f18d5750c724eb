"""Trains a network by PyTorch, some steps for each line that comes, and prints the milliseconds that they took.

Usage: torch-steps.py NETWORK BATCH CHANNELS SIZE CLASSES THREADS   Each line on standard input is a number of steps; the first ones warm up.
The loss is read in each step, and batch normalisation keeps its statistics, as in our trainings.
"""

import sys
import time

import torch
import torchvision

name, batch, channels, size, classes, threads = sys.argv[1], *map(int, sys.argv[2:7])
torch.set_num_threads(threads)
torch.manual_seed(1)


class MnistCnn(torch.nn.Module):
    """DomainBed's network for MNIST, and a linear layer."""

    def __init__(self):
        super().__init__()
        widths = [channels, 64, 128, 128, 128]
        self.convolutions = torch.nn.ModuleList(torch.nn.Conv2d(a, b, 3, 2 if i == 1 else 1, 1) for i, (a, b) in enumerate(zip(widths, widths[1:])))
        self.norms = torch.nn.ModuleList(torch.nn.GroupNorm(8, width) for width in widths[1:])
        self.classifier = torch.nn.Linear(128, classes)

    def forward(self, x):
        for convolution, norm in zip(self.convolutions, self.norms):
            x = norm(torch.relu(convolution(x)))
        return self.classifier(x.mean((2, 3)))


model = MnistCnn() if name == "mnist-cnn" else getattr(torchvision.models, name)(num_classes=classes)
model.eval()
optimiser = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
pictures = torch.randint(0, 256, (batch, channels, size, size), dtype=torch.uint8)
labels = torch.arange(batch) % classes

for line in sys.stdin:
    begin = time.perf_counter()
    for _ in range(int(line)):
        x = (pictures / 255 - 0.5) / 0.25
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), labels)
        loss.backward()
        optimiser.step()
        loss.item()
    print(1000 * (time.perf_counter() - begin), flush=True)
