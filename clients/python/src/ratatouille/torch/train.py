"""A training as docs/training.md defines it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..context import Context
from ..data import Data
from ..errors import PermanentError, RecipeError
from ..plugin import Result
from ..recipe import Recipe
from .computing import Computing
from .loading import KEPT_BYTES, Loader, workers_for
from .networks import Network
from .options import Settings
from .preparing import Preparer
from .presets import PRESETS
from .requests import Schedule, passed
from .state import Best, Optimiser, restore, save
from .stepping import Stepper


def train(network: Network, data: Data, recipe: Recipe, context: Context, settings: Settings) -> Result:
    """Trains a network that holds the weights to start from.

    :raises PermanentError: what fails the same way every time
    :raises ElsewhereError: where memory is too short
    """
    _check(data, recipe)
    began = {name: tensor.clone() for name, tensor in network.module.state_dict().items()} if recipe.keep == "best" else {}
    computing = Computing(network, settings, drops=recipe.dropout > 0)
    schedule = _schedule(data, recipe, computing)
    optimiser = Optimiser(computing, recipe)
    done, best = restore(context, optimiser, began) if context.resume is not None else (0, None)
    stepper = Stepper(computing, recipe, settings)
    preparer, workers = _reading(data, recipe, network, settings)
    with Loader(data, preparer, schedule.requests(done + 1), workers, computing.device.type == "cuda") as loader:
        validation = _Validation(schedule, loader, computing, context)
        for step in range(done + 1, recipe.steps + 1):
            optimiser.begin(step)
            loss = stepper.step(*loader.next(), optimiser.adam)
            accuracy = validation.run(step) if schedule.is_validated(step) else None
            if accuracy is not None and recipe.keep == "best" and (best is None or accuracy > best.accuracy):
                # Only what is better replaces the best, so that of equals the earliest stays.
                best = Best(step, accuracy, {name: tensor.cpu().clone() for name, tensor in computing.tensors().items()})
            context.report(step, loss=loss, validation_accuracy=accuracy)
            _offer(context, step, optimiser, best, began)
    weights = computing.tensors() if best is None else best.weights
    _check_finite(weights, recipe)
    books = context.books
    return Result(weights, summary=books.summary, curve=books.curve)


def _offer(context: Context, step: int, optimiser: Optimiser, best: Best | None, began: Mapping[str, Tensor]) -> None:
    context.checkpoint(step, lambda: save(optimiser, best, began), Best.metadata(best))


def _check(data: Data, recipe: Recipe) -> None:
    for phase, name in recipe.parameters["transform"].items():
        if name not in PRESETS:
            raise RecipeError(f"parameters.transform.{phase}", f'is "{name}", which is no transform: there are {", ".join(PRESETS)}')
    for place, domain in enumerate(data.domains):
        if len(data.training(place)) == 0:
            raise RecipeError(f"parameters.domains.{place}", f"of {domain} no row is left to train on")
    if recipe.validate_every and not any(len(data.validation(place)) for place in range(len(data.domains))):
        raise RecipeError("parameters.validate", "asks for validation, and no domain has rows for it")


def _schedule(data: Data, recipe: Recipe, computing: Computing) -> Schedule:
    transform = str(recipe.parameters["transform"]["validation"])
    rows = [data.validation(place) for place in range(len(data.domains))] if recipe.validate_every else []
    validation = [passed(data, own, transform) for own in rows if len(own) > 0]
    network = computing.network
    image_bytes = network.channels * network.size * network.size
    kept, room = 0, KEPT_BYTES
    for request in (request for domain in validation for request in domain):
        room -= len(request.images) * image_bytes
        if room < 0:
            break
        kept += 1
    return Schedule(data, recipe, validation, computing.features() if recipe.dropout > 0 else 0, kept)


def _reading(data: Data, recipe: Recipe, network: Network, settings: Settings) -> tuple[Preparer, int]:
    rows = max(recipe.batch * len(data.domains), 1)
    batch_bytes = rows * network.channels * network.size * network.size
    workers = workers_for(settings.workers, sum(data.place(int(row)).length for row in data.needed()), batch_bytes)
    return Preparer(recipe.seed, network.channels, network.size, KEPT_BYTES // max(1, workers)), workers


class _Validation:
    """The mean over domains of the accuracy on each. The first batches are kept for the next time."""

    def __init__(self, schedule: Schedule, loader: Loader, computing: Computing, context: Context) -> None:
        self._schedule = schedule
        self._loader = loader
        self._computing = computing
        self._context = context
        self._kept: list[tuple[Tensor, Tensor]] = []

    def run(self, step: int) -> float:
        """After a step: batches come from the loader in the order of the schedule."""
        domains = self._schedule.validation
        total = sum(len(domain) for domain in domains)
        accuracies: list[float] = []
        done = 0
        for domain in domains:
            # Numbers stay on the device until the domain is done.
            correct: Tensor | None = None
            for _ in domain:
                pixels, labels = self._batch(done)
                logits = self._computing.logits(self._computing.enter(pixels))
                found = (logits.argmax(1) == labels.to(logits.device)).sum()
                correct = found if correct is None else correct + found
                done += 1
                if done < total:
                    self._context.report(step, validating=done / total)
            count = sum(len(request.images) for request in domain)
            accuracies.append(int(correct if correct is not None else 0) / count)
        return sum(accuracies) / len(accuracies)

    def _batch(self, place: int) -> tuple[Tensor, Tensor]:
        if place < len(self._kept):
            return self._kept[place]
        pixels, labels, _ = self._loader.next()
        if place < self._schedule.kept:
            # What workers share goes back to them.
            self._kept.append((pixels.clone(), labels.clone()))
        return pixels, labels


def _check_finite(weights: Mapping[str, Tensor], recipe: Recipe) -> None:
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            problem = f"{name} is not finite after step {recipe.steps} with learning rate {recipe.learning_rate}"
            raise PermanentError(f"{problem}; a smaller learning rate may help")
