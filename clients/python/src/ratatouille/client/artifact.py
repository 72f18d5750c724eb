"""What the catalog holds: models, data sets, evaluations, each with its recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from .._generated import artifact_pb2
from ..errors import ServiceError
from .page import short, size_text, table

_TITLE = "org.opencontainers.image.title"
_WEIGHTS = "application/vnd.cncf.model.weight.v1.raw"


#: What artifacts may be.
KINDS = tuple(name.removeprefix("ARTIFACT_KIND_").lower() for name in artifact_pb2.ArtifactKind.keys()[1:])


@dataclass(frozen=True)
class File:
    """One blob of an artifact."""

    name: str
    digest: str
    size: int
    media_type: str


@dataclass(frozen=True)
class Artifact:
    """An immutable thing and the recipe that made it. Two are equal where their digests are.

    :ivar digest: "sha256:" and 64 hexadecimal digits
    :ivar kind: "model", "source", "dataset", "split", "prediction", "evaluation", "looks"
    :ivar recipe: how it is made: `kind`, `inputs`, `parameters`, …
    :ivar inputs: digests of what it was made of
    :ivar licence: an SPDX expression; "" where none is known
    :ivar summary: what its making says of itself, such as the validation accuracy
    :ivar size: bytes of all its files
    :ivar published: when it was published last; None where it is not known
    """

    digest: str
    kind: str = field(compare=False)
    recipe: Mapping[str, Any] = field(repr=False, compare=False)
    inputs: tuple[str, ...] = field(repr=False, compare=False)
    files: tuple[File, ...] = field(repr=False, compare=False)
    licence: str = field(compare=False)
    summary: Mapping[str, Any] = field(repr=False, compare=False)
    size: int = field(compare=False)
    published: datetime | None = field(repr=False, compare=False)
    damaged: bool = field(repr=False, compare=False, default=False)
    stale: bool = field(repr=False, compare=False, default=False)

    @property
    def weights(self) -> File:
        """The file of a model's weights. Raises ServiceError where it is no model."""
        for file in self.files:
            if file.media_type == _WEIGHTS:
                return file
        raise ServiceError("INVALID_ARGUMENT", f"{self.digest} is no model but {_a(self.kind)}, which has no weights")

    @property
    def made(self) -> str:
        """How it was made, in a few words: "linear average of 3", "import of soup.safetensors"."""
        kind, parameters = str(self.recipe.get("kind", "?")), self.recipe.get("parameters", {})
        if kind == "average":
            # Of a session those that are models of the catalog are inputs, and the others are not.
            count = len(self.recipe["inputs"].get("models", ())) + len(parameters.get("contributions", ()))
            return f"{parameters.get('method', '')} average of {count}"
        if kind == "import":
            return f"import of {parameters.get('source', 'unknown')}"
        return kind

    def __str__(self) -> str:
        return f"{self.kind} {short(self.digest)}: {self.made}, {size_text(self.size)}{f', {self.licence}' if self.licence else ''}"

    def _row(self) -> dict[str, object]:
        return {
            "digest": short(self.digest),
            "kind": self.kind,
            "made": self.made,
            "size": size_text(self.size),
            "licence": self.licence,
            "published": "" if self.published is None else f"{self.published:%Y-%m-%d %H:%M}",
        }

    def _repr_html_(self) -> str:
        shown = {
            **self._row(),
            "digest": self.digest,
            **{name: value for name, value in self.summary.items() if not isinstance(value, dict)},
        }
        return table(["", ""], [[name, value] for name, value in shown.items()])


def artifact_of(told: artifact_pb2.Artifact) -> Artifact:
    """An artifact as the catalog tells of it."""
    manifest = json.loads(told.manifest)
    notes = manifest.get("annotations", {})
    return Artifact(
        digest=told.digest,
        kind=artifact_pb2.ArtifactKind.Name(told.kind).removeprefix("ARTIFACT_KIND_").lower(),
        recipe=json.loads(notes.get("org.ratatouille.recipe", "{}")),
        inputs=tuple(told.inputs),
        files=tuple(
            File(layer.get("annotations", {}).get(_TITLE, ""), layer["digest"], layer["size"], layer["mediaType"])
            for layer in manifest["layers"]
        ),
        licence=notes.get("org.opencontainers.image.licenses", ""),
        summary=json.loads(notes.get("org.ratatouille.summary", "{}")),
        size=told.size_bytes,
        published=datetime.fromtimestamp(told.published_at_ms / 1000, timezone.utc) if told.published_at_ms else None,
        damaged=told.damaged,
        stale=told.stale,
    )


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
