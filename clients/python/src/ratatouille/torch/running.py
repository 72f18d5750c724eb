"""Recipes run with PyTorch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..context import Context
from ..data import Data
from ..errors import RecipeError
from ..plugin import Result
from ..recipe import Recipe
from ..safetensors_file import Tensors
from .describing import settings_of
from .devices import release
from .networks import Network, NetworkError, make_network
from .predicting import logits_of
from .start import adapted, load_start, load_whole
from .train import train


def fine_tune(start: Tensors | None, data: Data, recipe: Recipe, context: Context) -> Result:
    """Runs a recipe of kind `train`."""
    network = network_of(recipe)
    for note in load_start(network, start, getattr(start, "head", None), recipe.seed):
        context.log.info(note)
    try:
        result = train(network, data, recipe, context, settings_of(context.setup))
    finally:
        release()
    return replace(result, adapted=() if start is None else adapted(start, result.weights))


def predict(weights: Tensors, data: Data, recipe: Recipe, context: Context) -> NDArray[np.float32]:
    """Runs a recipe of kind `predict`."""
    network = network_of(recipe)
    for note in load_whole(network, weights):
        context.log.info(note)
    try:
        return logits_of(network, data, recipe, context, settings_of(context.setup))
    finally:
        release()


def network_of(recipe: Recipe) -> Network:
    """The network of a recipe. Raises RecipeError where there is none of the name, or not as the recipe has it."""
    wanted = recipe.network
    try:
        network = make_network(
            wanted.name,
            recipe.classes,
            wanted.channels or None,
            wanted.size or None,
            wanted.options,
            recipe.head or None,
        )
    except NetworkError as error:
        raise RecipeError("parameters.network", f"cannot be had: {error}") from error
    if network.channels not in (1, 2, 3):
        raise RecipeError("parameters.network.channels", f"is {network.channels}; images have 1, 2 or 3")
    return network
