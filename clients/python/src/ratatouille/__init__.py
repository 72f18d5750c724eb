"""ratatouille from Python: `Client` brings weights in and out, averages, opens sessions and starts runs; and training code, a file with
`fine_tune` and `predict`, serves runs by the command `ratatouille-trainer`. See README.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from .client import Artifact, AsyncClient, Client, Run, Session

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


def __getattr__(name: str) -> Any:
    # Trainers start without the client, which brings asyncio and messages that they do not need.
    if name in ("Artifact", "AsyncClient", "Client", "Run", "Session"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
