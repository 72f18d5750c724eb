"""The inputs of an attempt as files of this machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .._generated.artifact_pb2 import ARTIFACT_KIND_DATASET, ARTIFACT_KIND_MODEL, ARTIFACT_KIND_SPLIT, ArtifactKind
from .._generated.finetune_pb2 import BeginAttemptResponse, InputArtifact
from ..artifacts import Blob
from ..cache import Cache, HeldFile
from ..data import Data, needed_shards
from ..errors import RecipeError
from ..recipe import Recipe

_WEIGHTS = "application/vnd.cncf.model.weight.v1.raw"
_DATASET = "application/vnd.cncf.model.dataset.v1.raw"
_SPLIT = "application/vnd.ratatouille.split.v1.safetensors"


@dataclass(frozen=True)
class Inputs:
    """Paths of what a recipe needs."""

    index: Path
    split: Path | None
    shards: Mapping[str, Path]
    #: Of a training.
    weights: Path | None
    head: Path | None
    #: Of a prediction.
    models: tuple[Path, ...]
    data: Data


class Fetch:
    """Brings inputs to the cache and holds them until `release`."""

    def __init__(self, begun: BeginAttemptResponse, cache: Cache, abort: threading.Event) -> None:
        self._artifacts = {artifact.digest: artifact for given in begun.inputs for artifact in given.artifacts}
        self._cache = cache
        self._abort = abort
        self._held: list[HeldFile] = []

    def fetch(self, recipe: Recipe) -> Inputs:
        """Raises RecipeError, CacheFullError, ServiceError, OSError."""
        index = self._layer(recipe, "dataset", ARTIFACT_KIND_DATASET, _DATASET)
        split = self._layer(recipe, "split", ARTIFACT_KIND_SPLIT, _SPLIT)
        if not index:
            raise RecipeError("inputs.dataset", "is missing")
        data = Data(recipe, index[0], split[0] if split else None)
        shards = {shard.digest: self._hold(Blob(shard.digest, shard.bytes)) for shard in needed_shards(data)}
        weights, head = (self._layer(recipe, role, ARTIFACT_KIND_MODEL, _WEIGHTS) for role in ("weights", "head"))
        models = self._layer(recipe, "models", ARTIFACT_KIND_MODEL, _WEIGHTS)
        return Inputs(
            index=index[0],
            split=split[0] if split else None,
            shards=shards,
            weights=weights[0] if weights else None,
            head=head[0] if head else None,
            models=tuple(models),
            data=data,
        )

    def release(self) -> None:
        held, self._held = self._held, []
        for file in held:
            file.release()

    def _layer(self, recipe: Recipe, role: str, kind: ArtifactKind, media_type: str) -> list[Path]:
        paths = []
        for digest in recipe.inputs.get(role, ()):
            artifact = self._artifacts.get(digest)
            if artifact is None:
                raise RecipeError(f"inputs.{role}", f"has {digest}, and the service has not said what is in it")
            layer = next((layer for layer in artifact.layers if layer.media_type == media_type), None)
            if artifact.kind != kind or layer is None:
                raise RecipeError(f"inputs.{role}", f"is of kind {_kind(artifact)}; expected {ArtifactKind.Name(kind)[14:].lower()}")
            paths.append(self._hold(Blob(layer.digest, layer.size_bytes)))
        return paths

    def _hold(self, blob: Blob) -> Path:
        held = self._cache.hold(blob, self._abort)
        self._held.append(held)
        return held.path


def _kind(artifact: InputArtifact) -> str:
    return ArtifactKind.Name(artifact.kind)[14:].lower()
