"""A recipe as plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import RecipeError


@dataclass(frozen=True)
class Network:
    """A network by name, and what it takes where that is not what the name alone says. 0 for `channels` and `size`: nothing is said."""

    name: str
    channels: int = 0
    size: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """What is to be made. `parameters` are those of docs and proto/recipes, as they are; the fields beside them are the common ones."""

    #: "train" or "predict", or another kind that the trainer has announced.
    kind: str
    #: 0 to 2^32 - 1; 0 where nothing is random.
    seed: int
    #: Such as "~own/1".
    arithmetic: str
    parameters: Mapping[str, Any]
    #: Digests of artifacts by role, lists also where the recipe has one.
    inputs: Mapping[str, tuple[str, ...]]
    #: The text that has the recipe's key: canonical JSON.
    text: str = ""

    @property
    def network(self) -> Network:
        """The network. A recipe that has none raises RecipeError."""
        network = self.parameters.get("network")
        if not isinstance(network, Mapping):
            raise RecipeError("parameters.network", "is missing")
        return Network(str(network["name"]), network.get("channels", 0), network.get("size", 0), dict(network.get("options", {})))

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return int(self.parameters["classes"])

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains by name; their order counts."""
        return tuple(self.parameters["domains"])

    @property
    def head(self) -> tuple[str, ...]:
        """The tensors of the head, where the recipe names them: of networks that only trainers know."""
        return tuple(self.parameters.get("head", ()))

    @property
    def steps(self) -> int:
        """Steps of a training, those of the head alone among them; 0 for a prediction."""
        return int(self.parameters.get("steps", 0)) + self.head_only_steps

    @property
    def head_only_steps(self) -> int:
        """The first steps, which train the head alone."""
        return int(self.parameters.get("headOnlySteps", 0))

    @property
    def batch(self) -> int:
        """Rows of each domain in a step."""
        return int(self.parameters.get("batch", 0))

    @property
    def learning_rate(self) -> float:
        return float(self.parameters["optimiser"]["learningRate"])

    @property
    def weight_decay(self) -> float:
        return float(self.parameters["optimiser"].get("weightDecay", 0))

    @property
    def dropout(self) -> float:
        return float(self.parameters.get("dropout", 0))

    @property
    def trainable(self) -> str:
        """ "all" or "head"."""
        return str(self.parameters.get("trainable", "all"))

    @property
    def keep(self) -> str:
        """ "last" or "best": which weights a training gives."""
        return str(self.parameters.get("keep", "last"))

    @property
    def validate_every(self) -> int:
        """Steps between validations; 0: there are none."""
        return int(self.parameters.get("validate", {}).get("every", 0))

    @property
    def with_replacement(self) -> bool:
        """Whether a row may come again before all others have come."""
        return bool(self.parameters.get("sampling") == "with-replacement")

    @property
    def part(self) -> str:
        """Of a prediction, which rows: "all", "training", "validation" or "test"."""
        return str(self.parameters.get("part", "all"))


def parse_recipe(text: str) -> Recipe:
    """Reads the JSON of a recipe. One that is none raises RecipeError."""
    try:
        recipe = json.loads(text)
        inputs = {role: (given,) if isinstance(given, str) else tuple(given) for role, given in recipe["inputs"].items()}
        return Recipe(
            kind=recipe["kind"],
            seed=recipe.get("seed", 0),
            arithmetic=recipe.get("arithmetic", ""),
            parameters=recipe["parameters"],
            inputs=inputs,
            text=text,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError("recipe", f"is none: {error!r}") from error
