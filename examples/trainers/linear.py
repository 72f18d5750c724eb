"""A trainer of about sixty lines without any machine learning library: a linear classifier of the first bytes of each example.

    pip install ./clients/python
    ratatouille-trainer examples/trainers/linear.py --server 127.0.0.1:7437 --network linear

What the bytes are does not matter: images, texts, rows of a table. The run file names the network and the tensors of its head:

    foundation: { network: linear, head: [weight, bias] }
    backend: own
"""

import numpy as np

from ratatouille import PermanentError

WIDTH = 512


def features(data, rows):
    """The first bytes of examples, 0 to 1, [rows, WIDTH]; 0 behind the end of a short one."""
    firsts = [data.read(row)[:WIDTH].ljust(WIDTH, b"\0") for row in rows]
    return np.frombuffer(b"".join(firsts), np.uint8).reshape(-1, WIDTH).astype(np.float32) / 255


def probabilities(weights, inputs):
    """Softmax of the logits, [rows, classes]."""
    logits = inputs @ weights["weight"].T + weights["bias"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def check(recipe):
    """Refuses what this file does not have; a PermanentError is not tried again."""
    if recipe.network.name != "linear":
        raise PermanentError(f"there is no network {recipe.network.name} here, only linear")


def fine_tune(start, data, recipe, context):
    check(recipe)
    names = ("weight", "bias")
    if context.resume:  # a checkpoint of an attempt that did not end
        weights = {name: context.resume.state[name].copy() for name in names}
    elif start is not None and all(name in start for name in names):
        weights = {name: start[name].copy() for name in names}
    else:
        random = np.random.default_rng(recipe.seed)
        weight = random.normal(0, 0.01, (recipe.classes, WIDTH)).astype(np.float32)
        weights = {"weight": weight, "bias": np.zeros(recipe.classes, np.float32)}
    for step in range(context.resume.step + 1 if context.resume else 1, recipe.steps + 1):
        rows = data.batch(step)
        inputs, labels = features(data, rows), data.labels[rows]
        slopes = probabilities(weights, inputs)
        loss = -np.log(slopes[np.arange(len(rows)), labels]).mean()
        slopes[np.arange(len(rows)), labels] -= 1
        weights["weight"] -= recipe.learning_rate * slopes.T @ inputs
        weights["bias"] -= recipe.learning_rate * slopes.sum(axis=0)
        context.report(step, loss=loss)
        context.checkpoint(step, weights)
    return weights


def predict(weights, data, recipe, context):
    check(recipe)
    return np.concatenate([features(data, [row]) @ weights["weight"].T + weights["bias"] for row in data.rows])
