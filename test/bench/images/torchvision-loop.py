"""Decodes and augments JPEGs as DomainBed does, by Pillow and torchvision in processes, and prints the seconds that all took, and of CPU.

Usage: torchvision-loop.py FOLDER PROCESSES IMAGES   Starting the processes and importing PyTorch is not counted.
"""

import json
import os
import sys
import time
from multiprocessing import get_context

import torch
from PIL import Image
from torchvision import transforms

folder, processes, images = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
augment = transforms.Compose(
    [
        transforms.RandomResizedCrop(224, scale=(0.7, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.3, 0.3, 0.3, 0.3),
        transforms.RandomGrayscale(),
        transforms.PILToTensor(),
    ]
)


def prepare(i):
    begin = time.process_time()
    with Image.open(paths[i % len(paths)]) as image:
        augment(image.convert("RGB"))
    # The pixels stay in the process: handing them over, which a DataLoader does, is not counted.
    return time.process_time() - begin


def start():
    torch.set_num_threads(1)
    for i in range(32):
        prepare(i)


if __name__ == "__main__":
    with get_context("fork").Pool(processes, start) as pool:
        pool.map(prepare, range(processes * 32), chunksize=8)
        begin = time.monotonic()
        cpu_seconds = sum(pool.map(prepare, range(images), chunksize=8))
        print(json.dumps({"seconds": time.monotonic() - begin, "cpuSeconds": cpu_seconds}))
