"""Names that point to artifacts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from .._generated import catalog_pb2
from .page import short


@dataclass(frozen=True)
class RefMove:
    """Where a ref pointed before it moved ("": it was not there), why it moved, and when."""

    digest: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Ref:
    """A name, where it points ("" where it was deleted), and where it pointed before, newest first."""

    name: str
    digest: str
    history: tuple[RefMove, ...]

    def _row(self) -> dict[str, object]:
        moved = self.history[0] if self.history else None
        return {
            "ref": self.name,
            "points to": short(self.digest),
            "since": "" if moved is None else f"{moved.at:%Y-%m-%d %H:%M}",
            "why": "" if moved is None else moved.reason,
        }


def ref_of(told: catalog_pb2.Ref) -> Ref:
    history = tuple(RefMove(one.digest, one.reason, datetime.fromtimestamp(one.moved_at, timezone.utc)) for one in told.history)
    return Ref(told.name, told.digest, history)
