"""Block: the rows of 128 objects, with a column for each family.

A family without text so far has no column. The texts of a new object wait as they came, and are given to the columns together
with those of other new objects: one by one this took 6 us a pod, together 2.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import ne
from typing import Final, NamedTuple

from ksm_shard.store.column import ROWS, Column
from ksm_shard.store.pages import held

# Texts are compared by 32 bits of their hash, which keeps 4 bytes a text instead of 180; one change in 4e9 is overlooked
# until the next.
HASH_BITS: Final = 0xFFFFFFFF
# The hash of an empty text, whatever PYTHONHASHSEED is.
NO_TEXT: Final = hash("") & HASH_BITS


class Origin(NamedTuple):
    """Origin of a row's object: its slot, source and resource version.

    The source is the number of the sink that put the object.
    """

    slot: int
    source: int
    version: int


class Block:
    """The rows of 128 objects, with their changes.

    Attributes:
        keys, slots, sources, versions: of the objects, by row; the key is None in a free row.
        columns: by family; None for a family without text so far.
        arrived: texts of new rows, which no column has yet; they replace what columns have of these rows.
        dirty: families that changed since their pages were written.
        pending: characters that were noted since the pages were written.
        leaving: rows that get timestamps; None if not yet computed.
        unseen: rows of objects that a watch changed since the pages were written: no scrape has shown their former state.
        retired: bytes of replaced pages.
    """

    __slots__ = (
        "_families",
        "_hashes",
        "_nothing",
        "arrived",
        "columns",
        "dirty",
        "keys",
        "leaving",
        "pending",
        "retired",
        "slots",
        "sources",
        "unseen",
        "versions",
    )

    def __init__(self, families: int) -> None:
        """Make a block without objects."""
        self.keys: list[str | None] = [None] * ROWS
        self.slots = array("H", bytes(2 * ROWS))
        self.sources = bytearray(ROWS)
        self.versions = array("Q", bytes(8 * ROWS))
        self.columns: list[Column | None] = [None] * families
        self.arrived: dict[int, Sequence[str]] = {}
        self.dirty: set[int] = set()
        self.pending = 0
        self.leaving: list[int] | None = None
        self.unseen: set[int] = set()
        self.retired = 0
        self._families = range(families)
        self._nothing = hashes([""]) * families
        self._hashes = self._nothing * ROWS  # row by row

    def origin(self, row: int) -> Origin:
        """Return the origin of a row's object."""
        return Origin(self.slots[row], self.sources[row], self.versions[row])

    def assign(self, row: int, origin: Origin) -> None:
        """Set the origin of a row's object."""
        self.slots[row], self.sources[row], self.versions[row] = origin

    def differing(self, row: int, after: "array[int]") -> Iterator[int]:
        """Yield the families whose text has another hash than in `after`."""
        return compress(self._families, map(ne, self.hashes(row), after))

    def hashes(self, row: int) -> "array[int]":
        """Return the hash of each text of a row."""
        width = len(self._families)
        return self._hashes[row * width : (row + 1) * width]

    def without(self, family: int) -> int:
        """Return the number of rows without text of a family; free rows are among them."""
        return self._hashes[family :: len(self._families)].count(NO_TEXT)

    def note(self, row: int, texts: Sequence[str], after: "array[int]") -> int | None:
        """Note the texts of a row, which have the hashes `after`.

        Return the number of new characters; None if nothing changed.
        """
        before = self.hashes(row)
        if before == after:
            return None
        width = len(self._families)
        self._hashes[row * width : (row + 1) * width] = after
        if row in self.arrived or before == self._nothing:
            self.arrived[row] = texts
            size = sum(map(len, texts))
            self.pending += size
            return size
        size = 0
        # Picked without a Python loop: most families of most objects have no text (30 of 57 of a pod).
        for family in compress(self._families, map(ne, before, after)):
            text = texts[family]
            column = self.columns[family]
            if column is None:
                column = self.columns[family] = Column()
            column.pending[row] = text
            self.dirty.add(family)
            size += len(text)
        self.pending += size
        return size

    def settle(self) -> None:
        """Give the texts of new rows to the columns."""
        if not self.arrived:
            return
        nothing = [""] * len(self._families)
        rows = [self.arrived.get(row, nothing) for row in range(ROWS)]
        self.arrived = {}
        for family, texts in enumerate(zip(*rows, strict=True)):
            if any(texts):
                column = self.columns[family]
                if column is None:
                    column = self.columns[family] = Column()
                    column.fill(texts)
                else:
                    column.pending.update(compress(enumerate(texts), texts))
                self.dirty.add(family)

    def write(self) -> set[int]:
        """Write all pages that are out of date; return the families that changed."""
        self.settle()
        for family in self.dirty:
            column = self.columns[family]
            if column is not None:
                self.retired += column.held
                column.write()
        changed, self.dirty, self.pending = self.dirty, set(), 0
        self.unseen.clear()
        return changed

    def remake(self) -> None:
        """Mark the rows and pages with timestamps as out of date."""
        self.leaving = None
        for column in self.columns:
            if column is not None and column.holed is not None:
                self.retired += held(column.holed) * (column.holed is not column.page)
                column.holed = None

    def retire(self) -> int:
        """Return the bytes of all pages this block has had.

        To be called when the block is removed.
        """
        return self.retired + sum(column.held for column in self.columns if column is not None)


def hashes(texts: Sequence[str]) -> "array[int]":
    """Return the hash of each text, without a call for the empty ones: half of a pod's."""
    return array("I", [hash(text) & HASH_BITS if text else NO_TEXT for text in texts])
