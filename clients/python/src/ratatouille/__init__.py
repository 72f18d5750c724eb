"""ratatouille from Python: `Client` brings weights in and out, averages, opens sessions and starts runs; and training code, a file with
`fine_tune` and `predict`, serves runs by the command `ratatouille-trainer`. See README.md.
"""

from __future__ import annotations

from .client import Artifact, AsyncClient, Client, Run, Session
from .context import Context, Resume
from .data import Data, Place, Sample
from .errors import (
    ElsewhereError,
    FieldViolation,
    PermanentError,
    RatatouilleError,
    RecipeError,
    ServiceError,
    Stop,
    UsageError,
)
from .plugin import Accelerator, Description, Engine, Result, Setup, Start
from .recipe import Network, Recipe
from .safetensors_file import Tensors, open_tensors

__version__ = "0.1.0"

__all__ = [
    "Accelerator",
    "Artifact",
    "AsyncClient",
    "Client",
    "Context",
    "Data",
    "Description",
    "ElsewhereError",
    "Engine",
    "FieldViolation",
    "Network",
    "PermanentError",
    "Place",
    "RatatouilleError",
    "Recipe",
    "RecipeError",
    "Result",
    "Resume",
    "Run",
    "Sample",
    "ServiceError",
    "Session",
    "Setup",
    "Start",
    "Stop",
    "Tensors",
    "UsageError",
    "open_tensors",
]
