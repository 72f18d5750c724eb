"""Training code in Python that serves runs of ratatouille: a file with `fine_tune` and `predict` is enough, see README.md.

The command is `ratatouille-trainer`. What this package exports is for the training code.
"""

from __future__ import annotations

from .context import Context, Resume
from .data import Data, Place, Sample
from .errors import ElsewhereError, PermanentError, RecipeError, Stop
from .plugin import Accelerator, Description, Engine, Result, Setup, Start
from .recipe import Network, Recipe
from .safetensors_file import Tensors, open_tensors

__version__ = "0.1.0"

__all__ = [
    "Accelerator",
    "Context",
    "Data",
    "Description",
    "ElsewhereError",
    "Engine",
    "Network",
    "PermanentError",
    "Place",
    "Recipe",
    "RecipeError",
    "Result",
    "Resume",
    "Sample",
    "Setup",
    "Start",
    "Stop",
    "Tensors",
    "open_tensors",
]
