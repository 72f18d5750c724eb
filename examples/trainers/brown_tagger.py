"""Tells the part of speech of a word from the five words around it: training code of one's own, in numpy alone.

    npm run data -- brown data/brown
    ratatouille up
    OPENBLAS_NUM_THREADS=1 ratatouille-trainer examples/trainers/brown_tagger.py --network brown-tagger --server localhost:7437
    ratatouille recycle examples/brown.yaml --server localhost:7437

A record is a line of JSON with `words`. The network: an embedding of hashed words, endings and capitals, of five places one after the
other, one hidden layer, and a head with a row for each class. Its matrices are small, and one thread computes them fastest.
"""

from __future__ import annotations

import functools
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ratatouille import Context, Data, Recipe, Result, Start

BUCKETS, WIDTH, PLACES, HIDDEN = 8192, 16, 5, 64
HEAD = ("out.weight", "out.bias")

Floats = NDArray[np.float32]
Weights = dict[str, Floats]


def features(data: Data, rows: NDArray[np.int32]) -> NDArray[np.int32]:
    """Places in the embedding of what a record has: I32 [rows, words, (word, ending, capitals)]."""
    return np.array([[_of_word(word) for word in json.loads(data.read(int(row)))["words"]] for row in rows], dtype=np.int32)


@functools.lru_cache(maxsize=100_000)
def _of_word(word: str) -> tuple[int, int, int]:
    shape = f"{word[:1].isupper()} {word.isupper()} {any(letter.isdigit() for letter in word)} {word.isalpha()}"
    return _bucket(f"word {word.lower()}"), _bucket(f"end {word[-3:].lower()}"), _bucket(f"shape {shape}")


def _bucket(text: str) -> int:
    return zlib.crc32(text.encode()) % BUCKETS


def drawn(classes: int, seed: int) -> Weights:
    """Weights that the seed draws. Those of the body are the same for any number of classes."""
    random = np.random.default_rng(seed)

    def normal(rows: int, columns: int) -> Floats:
        drawn: Floats = (random.standard_normal((rows, columns)) / np.sqrt(columns)).astype(np.float32)
        return drawn

    body = {
        "embedding": normal(BUCKETS, WIDTH),
        "hidden.weight": normal(HIDDEN, PLACES * WIDTH),
        "hidden.bias": np.zeros(HIDDEN, np.float32),
    }
    return {**body, "out.weight": normal(classes, HIDDEN), "out.bias": np.zeros(classes, np.float32)}


def forward(weights: Mapping[str, Floats], places: NDArray[np.int32]) -> tuple[Floats, Floats, Floats]:
    """What goes into the hidden layer [rows, 80], what comes out of it [rows, 64], and the logits [rows, classes]."""
    embedded = weights["embedding"][places].sum(axis=2).reshape(len(places), -1)
    hidden = np.maximum(embedded @ weights["hidden.weight"].T + weights["hidden.bias"], 0)
    return embedded, hidden, hidden @ weights["out.weight"].T + weights["out.bias"]


def gradients(weights: Weights, places: NDArray[np.int32], labels: NDArray[np.int32], kept: Floats) -> tuple[float, Weights]:
    """The mean cross-entropy, and its gradients. `kept` is the mask of dropout, over the hidden layer."""
    rows = np.arange(len(places))
    embedded, hidden, _ = forward(weights, places)
    hidden = hidden * kept
    logits = hidden @ weights["out.weight"].T + weights["out.bias"]
    logits -= logits.max(axis=1, keepdims=True)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    loss = float(-np.log(probabilities[rows, labels] + 1e-12).mean())
    probabilities[rows, labels] -= 1
    of_logits = probabilities / len(rows)
    of_hidden = (of_logits @ weights["out.weight"]) * kept * (hidden > 0)
    of_embedded = (of_hidden @ weights["hidden.weight"]).reshape(len(rows), PLACES, WIDTH)
    embedding = np.zeros_like(weights["embedding"])
    for kind in range(places.shape[2]):
        np.add.at(embedding, places[:, :, kind], of_embedded)
    return loss, {
        "embedding": embedding,
        "hidden.weight": of_hidden.T @ embedded,
        "hidden.bias": of_hidden.sum(axis=0),
        "out.weight": of_logits.T @ hidden,
        "out.bias": of_logits.sum(axis=0),
    }


def fine_tune(start: Start | None, data: Data, recipe: Recipe, context: Context) -> Result:
    weights = drawn(recipe.classes, recipe.seed)
    if start is not None:
        # Its head may be missing, or be that of another task: then the drawn one stays.
        weights.update({name: start[name].copy() for name in start if name not in HEAD or start[name].shape == weights[name].shape})
    state = {f"{moment}.{name}": np.zeros_like(weights[name]) for moment in ("first", "second") for name in weights}
    best, begin = dict(weights), 0
    if context.resume is not None:
        begin, saved = context.resume
        weights, best, state = (
            {name: saved[f"{part}.{name}"].copy() for name in kind} for part, kind in (("now", weights), ("best", weights), ("adam", state))
        )
    accuracy = context.books.best_accuracy
    validation = [features(data, data.validation(domain)) for domain in data.domains] if recipe.validate_every else []
    for step in range(begin + 1, recipe.steps + 1):
        rows = data.batch(step)
        random = np.random.default_rng([recipe.seed, step])
        kept = ((random.random((len(rows), HIDDEN)) >= recipe.dropout) / (1 - recipe.dropout)).astype(np.float32)
        loss, found = gradients(weights, features(data, rows), data.labels[rows], kept)
        head_only = recipe.trainable == "head" or step <= recipe.head_only_steps
        for name in HEAD if head_only else weights:
            adam(weights[name], found[name], state[f"first.{name}"], state[f"second.{name}"], step, recipe)
        validated = None
        if validation and step > recipe.head_only_steps and (step - recipe.head_only_steps) % recipe.validate_every == 0:
            validated = float(
                np.mean([_accuracy(weights, validation[i], data.labels[data.validation(name)]) for i, name in enumerate(data.domains)])
            )
            if accuracy is None or validated > accuracy:
                accuracy, best = validated, {name: tensor.copy() for name, tensor in weights.items()}
        context.report(step, loss=loss, validation_accuracy=validated)
        context.checkpoint(step, functools.partial(_named, now=weights, best=best, adam=state))
    return Result(best if recipe.keep == "best" and accuracy is not None else weights)


def adam(weight: Floats, gradient: Floats, first: Floats, second: Floats, step: int, recipe: Recipe) -> None:
    """A step of Adam with decoupled weight decay, in place."""
    first += 0.1 * (gradient - first)
    second += 0.001 * (gradient * gradient - second)
    corrected = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    weight -= np.float32(recipe.learning_rate) * (corrected + np.float32(recipe.weight_decay) * weight)


def predict(weights: Mapping[str, Any], data: Data, recipe: Recipe, context: Context) -> Floats:
    return forward(weights, features(data, data.rows))[2].astype(np.float32)


def _accuracy(weights: Weights, places: NDArray[np.int32], labels: NDArray[np.int32]) -> float:
    return float((forward(weights, places)[2].argmax(axis=1) == labels).mean()) if len(labels) else 0.0


def _named(**parts: Mapping[str, Floats]) -> Weights:
    return {f"{part}.{name}": tensor for part, tensors in parts.items() for name, tensor in tensors.items()}
