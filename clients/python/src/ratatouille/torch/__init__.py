"""Networks of torchvision and timm, trained and asked as docs/training.md and docs/images.md say: `ratatouille-trainer torch`.

It is training code as anybody's own is, with the four functions of `ratatouille.plugin`. Importing it does not import torch.
"""

from __future__ import annotations

import argparse
import importlib.util
from typing import TYPE_CHECKING

from ..errors import UsageError
from .options import add_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..context import Context
    from ..data import Data
    from ..plugin import Description, Result, Setup
    from ..recipe import Recipe
    from ..safetensors_file import Tensors

#: What reads checkpoints of its trainings.
CHECKPOINT_FORMAT = "ratatouille-torch-checkpoint/1"
_NEEDED = {"torch": "torch", "torchvision": "torchvision", "timm": "timm", "PIL": "pillow"}


def options(parser: argparse._ActionsContainer) -> None:
    """Adds what only PyTorch has to the command."""
    add_options(parser)


def describe(setup: Setup) -> Description:
    """What this trainer computes with, and what it can."""
    missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed here: pip install 'ratatouille-trainer[torch]', "
            "or ratatouille setup torch"
        )
    from .describing import description

    return description(setup)


def fine_tune(start: Tensors | None, data: Data, recipe: Recipe, context: Context) -> Result:
    """Runs a recipe of kind `train`."""
    from .running import fine_tune as run

    return run(start, data, recipe, context)


def predict(weights: Tensors, data: Data, recipe: Recipe, context: Context) -> NDArray[np.float32]:
    """Runs a recipe of kind `predict`. [rows, classes]"""
    from .running import predict as run

    return run(weights, data, recipe, context)


__all__ = ["CHECKPOINT_FORMAT", "describe", "fine_tune", "options", "predict"]
