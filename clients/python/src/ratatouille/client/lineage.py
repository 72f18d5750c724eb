"""What an artifact was made of, and what that was made of; or what was made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from .artifact import Artifact


class Lineage(Mapping[str, Artifact]):
    """An artifact and its ancestors by digest, it first; or it and its descendants."""

    def __init__(self, artifacts: tuple[Artifact, ...], descendants: bool = False) -> None:
        self._by_digest = {one.digest: one for one in artifacts}
        self._next: dict[str, list[Artifact]] = {digest: [] for digest in self._by_digest}
        for one in artifacts:
            for parent in dict.fromkeys(one.inputs):
                if parent in self._by_digest:
                    below, above = (parent, one) if descendants else (one.digest, self._by_digest[parent])
                    self._next[below].append(above)
        self.root = artifacts[0]

    def __getitem__(self, digest: str) -> Artifact:
        return self._by_digest[digest]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_digest)

    def __len__(self) -> int:
        return len(self._by_digest)

    def next(self, digest: str | None = None) -> tuple[Artifact, ...]:
        """What an artifact was directly made of, or, of descendants, what was directly made of it; of the root unless given."""
        return tuple(self._next[digest or self.root.digest])

    def __str__(self) -> str:
        """A tree; what comes again is not unfolded again."""
        return "\n".join(f"{'  ' * depth}{artifact}{' (above)' if again else ''}" for depth, artifact, again in self._walk())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        lines = [
            f'<div style="padding-left:{1.5 * depth}em"><code>{escape(str(artifact))}</code>{" (above)" if again else ""}</div>'
            for depth, artifact, again in self._walk()
        ]
        return "".join(lines)

    def _walk(self) -> Iterator[tuple[int, Artifact, bool]]:
        seen: set[str] = set()
        stack = [(0, self.root)]
        while stack:
            depth, artifact = stack.pop()
            again = artifact.digest in seen
            yield depth, artifact, again and bool(self.next(artifact.digest))
            if not again:
                seen.add(artifact.digest)
                stack.extend((depth + 1, parent) for parent in reversed(self.next(artifact.digest)))
