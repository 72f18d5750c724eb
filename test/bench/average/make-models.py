"""Writes base.safetensors and m0 … m(N-1).safetensors: a ViT of 18 layers (some 300 tensors) of a wanted size, and fine-tunings of it.

Usage: make-models.py FOLDER MEGABYTES MODELS DTYPE
"""

import math
import sys

import torch
from safetensors.torch import save_file

folder, megabytes, models, dtype = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), getattr(torch, sys.argv[4])
LAYERS = 18
size = torch.tensor([], dtype=dtype).element_size()
hidden = max(8, round(math.sqrt(megabytes * 1e6 / size / (12 * LAYERS)) / 8) * 8)

shapes = {
    "vit.embeddings.cls_token": (1, 1, hidden),
    "vit.embeddings.position_embeddings": (1, 197, hidden),
    "vit.embeddings.patch_embeddings.projection.weight": (hidden, 3, 16, 16),
    "vit.embeddings.patch_embeddings.projection.bias": (hidden,),
    "vit.layernorm.weight": (hidden,),
    "vit.layernorm.bias": (hidden,),
    "classifier.weight": (100, hidden),
    "classifier.bias": (100,),
}
for layer in range(LAYERS):
    for name, rows, columns in [
        ("attention.attention.query", hidden, hidden),
        ("attention.attention.key", hidden, hidden),
        ("attention.attention.value", hidden, hidden),
        ("attention.output.dense", hidden, hidden),
        ("intermediate.dense", 4 * hidden, hidden),
        ("output.dense", hidden, 4 * hidden),
    ]:
        shapes[f"vit.encoder.layer.{layer}.{name}.weight"] = (rows, columns)
        shapes[f"vit.encoder.layer.{layer}.{name}.bias"] = (rows,)
    for name in ["layernorm_before", "layernorm_after"]:
        shapes[f"vit.encoder.layer.{layer}.{name}.weight"] = (hidden,)
        shapes[f"vit.encoder.layer.{layer}.{name}.bias"] = (hidden,)

generator = torch.Generator().manual_seed(7)
base = {name: torch.randn(shape, generator=generator) * 0.02 for name, shape in shapes.items()}
metadata = {"format": "pt"}
save_file({name: value.to(dtype) for name, value in base.items()}, f"{folder}/base.safetensors", metadata)
for k in range(models):
    generator.manual_seed(8 + k)
    tuned = {name: (value + torch.randn(value.shape, generator=generator) * 0.002).to(dtype) for name, value in base.items()}
    save_file(tuned, f"{folder}/m{k}.safetensors", metadata)
