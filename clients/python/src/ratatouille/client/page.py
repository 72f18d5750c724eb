"""Small pieces of HTML for notebooks, and texts for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TypeVar

T = TypeVar("T")


def size_text(count: int) -> str:
    """Bytes as people read them.

    >>> [size_text(count) for count in (0, 999, 1_500, 2_000_000_000)]
    ['0 B', '999 B', '1.5 kB', '2.0 GB']
    """
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"


def short(digest: str) -> str:
    """As much of a digest as tells it from others.

    >>> short("sha256:0123456789abcdef")
    '0123456789ab'
    """
    return digest.removeprefix("sha256:")[:12]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of texts, escaped."""

    def row(tag: str, cells: Iterable[object]) -> str:
        return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(str(cell))}</{tag}>' for cell in cells) + "</tr>"

    return f"<table><thead>{row('th', head)}</thead><tbody>{''.join(row('td', cells) for cells in rows)}</tbody></table>"


class Listing(tuple[T, ...]):
    """A list that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        rows = [one._row() for one in self]  # type: ignore[attr-defined]
        head = list(rows[0]) if rows else ["nothing"]
        return table(head, [list(one.values()) for one in rows])
