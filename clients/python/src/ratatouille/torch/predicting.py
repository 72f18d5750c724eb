"""A prediction as docs/training.md defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..context import Context
from ..data import Data
from ..errors import ElsewhereError, RecipeError
from ..recipe import Recipe
from .computing import Computing
from .devices import is_out_of_memory, memory_text
from .loading import Loader, workers_for
from .networks import Network
from .options import Settings
from .preparing import Preparer
from .presets import FIXED
from .requests import passed


def logits_of(network: Network, data: Data, recipe: Recipe, context: Context, settings: Settings) -> NDArray[np.float32]:
    """The logits of a network that holds its weights, for the rows of a recipe. [rows, classes]"""
    transform = str(recipe.parameters["transform"])
    if transform not in FIXED:
        problem = f'is "{transform}"; a prediction has no seed, and needs one of {", ".join(FIXED)}'
        raise RecipeError("parameters.transform", problem)
    rows = data.rows
    if len(rows) == 0:
        raise RecipeError("parameters.domains", "have no rows to predict")
    computing = Computing(network, settings)
    requests = passed(data, rows, transform)
    image_bytes = network.channels * network.size * network.size
    file_bytes = sum(wanted.length for request in requests for wanted in request.images)
    workers = workers_for(settings.workers, file_bytes, len(requests[0].images) * image_bytes)
    preparer = Preparer(0, network.channels, network.size, 0)
    logits = np.empty((len(rows), network.classes), dtype=np.float32)
    done = 0
    try:
        with Loader(data, preparer, requests, min(workers, len(requests)), computing.device.type == "cuda") as loader:
            for request in requests:
                pixels, _, _ = loader.next()
                count = len(request.images)
                logits[done : done + count] = computing.logits(computing.enter(pixels)).cpu().numpy()
                done += count
                context.report(done)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        place = memory_text(computing.device)
        raise ElsewhereError(f"{place} has no room for {len(requests[0].images)} images with {network.name}") from error
    return logits
