"""What one writes without a tool: the mean of models, one after another.

Usage: torch-loop.py OUT MODEL…
"""

import sys

import torch
from safetensors.torch import load_file, save_file

out, first, *others = sys.argv[1:]
mean = load_file(first)
dtypes = {name: tensor.dtype for name, tensor in mean.items()}
mean = {name: tensor.to(torch.float32) for name, tensor in mean.items()}
for path in others:
    for name, tensor in load_file(path).items():
        mean[name] += tensor
for name, tensor in mean.items():
    tensor /= 1 + len(others)
save_file({name: tensor.to(dtypes[name]) for name, tensor in mean.items()}, out, {"format": "pt"})
