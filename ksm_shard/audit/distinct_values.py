"""Count distinct values in bounded memory."""

from typing import Final

# Values that are kept: beyond that a part of them stands for all, and the count is right to 2 %.
KEPT: Final = 4096


class DistinctValues:
    """Counter of distinct values: exact up to KEPT, then by sampling.

    A value is kept if the lowest bits of its hash are zero; how many bits these are grows with the number of values.
    """

    def __init__(self) -> None:
        """Begin without values."""
        self._kept: set[int] = set()
        self._mask = 0

    def add(self, value: bytes) -> None:
        """Count a value unless it was counted before."""
        number = hash(value)
        if not number & self._mask:
            self._kept.add(number)
            if len(self._kept) > KEPT:
                self._mask = 2 * self._mask + 1
                self._kept = {one for one in self._kept if not one & self._mask}

    def __len__(self) -> int:
        """Return the number of distinct values."""
        return len(self._kept) * (self._mask + 1)
