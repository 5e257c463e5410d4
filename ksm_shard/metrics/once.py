"""Once: removes repeated series of an object.

The first one is kept. Repeated tolerations and container names are legal.
"""

from collections.abc import Callable, Sequence
from typing import Any

Duplicated = Callable[[int], None]


class Once:
    """Removes repeated series, and reports their number."""

    def __init__(self, duplicated: Duplicated) -> None:
        """Report to a function that takes the number of series, or of items of a part."""
        self._duplicated = duplicated

    def items(self, items: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
        """Drop items of a part that have the same labels as an earlier item."""
        seen: dict[str, Any] = {}
        for ids, item in items:
            seen.setdefault(ids, item)
        if len(seen) != len(items):
            self._duplicated(len(items) - len(seen))
        return list(seen.items())

    def infos(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Drop rows that repeat an earlier row."""
        if len(rows) == 2 and rows[0] != rows[1]:  # as of a pod with a sidecar: hashing both took 0.7 us
            return rows
        if len(kept := dict.fromkeys(rows)) == len(rows):
            return rows
        self._duplicated(len(rows) - len(kept))
        return list(kept)

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Drop rows with the labels (all elements but the last) of an earlier row."""
        if len({row[:-1] for row in rows}) == len(rows):
            return rows
        kept: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for row in rows:
            kept.setdefault(row[:-1], row)
        self._duplicated(len(rows) - len(kept))
        return list(kept.values())
