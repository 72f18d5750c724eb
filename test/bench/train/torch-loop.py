"""Trains a network of torchvision's on a folder of images as one would by hand, some steps for each line that comes.

Usage: torch-loop.py FOLDER NETWORK SIZE BATCH WORKERS   FOLDER has domain/class/image. Each line on standard input is a number of steps; the
seconds that they took go to standard output. Images are drawn from all domains alike and augmented as DomainBed does, and batch
normalisation keeps its statistics, as in our trainings.
"""

import sys
import time
from pathlib import Path

import torch
import torchvision
from torch.utils.data import ConcatDataset, DataLoader, RandomSampler
from torchvision import transforms


def batches(folder, size, batch, workers):
    augment = transforms.Compose(
        [
            transforms.RandomResizedCrop(size, scale=(0.7, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(0.3, 0.3, 0.3, 0.3),
            transforms.RandomGrayscale(),
            transforms.ToTensor(),
            transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
        ]
    )
    domains = [torchvision.datasets.ImageFolder(domain, augment) for domain in sorted(Path(folder).iterdir())]
    images = ConcatDataset(domains)
    sampler = RandomSampler(images, replacement=True, num_samples=1 << 30)
    return len(domains[0].classes), iter(DataLoader(images, batch, sampler=sampler, num_workers=workers))


def main():
    folder, name, size, batch, workers = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    torch.manual_seed(1)
    classes, loader = batches(folder, size, batch, workers)
    model = getattr(torchvision.models, name)(num_classes=classes)
    model.eval()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-5)
    for line in sys.stdin:
        began = time.perf_counter()
        for _ in range(int(line)):
            pixels, labels = next(loader)
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(pixels), labels)
            loss.backward()
            optimiser.step()
        loss.item()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
