"""The rows of 128 objects: whose they are, and a column for each family that ever had text."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import compress
from operator import ne
from typing import Final, NamedTuple

from ksm_shard.store.column import ROWS, Column
from ksm_shard.store.pages import held

# Texts are told apart by 32 bits of their hash, which keeps 4 bytes a text instead of 180: one change in 4e9 is overlooked
# until the next.
HASH_BITS: Final = 0xFFFFFFFF


class Origin(NamedTuple):
    """Where the object of a row is from: the slot of its uid, who read it, and its resource version."""

    slot: int
    source: int
    version: int


class Block:
    """What is known of each row, and what of it changed.

    Attributes:
        keys, slots, sources, versions: of the objects, by row; the key is None where there is none.
        columns: by family.
        dirty: families that changed since their pages were written.
        leaving: rows that get timestamps; None if that is to be found out.
        unseen: rows of objects that a watch told of since the pages were written, which nobody was shown.
        retired: bytes of pages that others replaced.
    """

    __slots__ = (
        "_families",
        "_hashes",
        "columns",
        "dirty",
        "keys",
        "leaving",
        "retired",
        "slots",
        "sources",
        "unseen",
        "versions",
    )

    def __init__(self, families: int) -> None:
        """Start without objects."""
        self.keys: list[str | None] = [None] * ROWS
        self.slots = array("H", bytes(2 * ROWS))
        self.sources = bytearray(ROWS)
        self.versions = array("Q", bytes(8 * ROWS))
        self.columns: list[Column | None] = [None] * families
        self.dirty: set[int] = set()
        self.leaving: list[int] | None = None
        self.unseen: set[int] = set()
        self.retired = 0
        self._families = range(families)
        self._hashes = hashes([""]) * (families * ROWS)  # row by row

    def origin(self, row: int) -> Origin:
        """Return where the object of a row is from."""
        return Origin(self.slots[row], self.sources[row], self.versions[row])

    def assign(self, row: int, origin: Origin) -> None:
        """Set where it is from."""
        self.slots[row], self.sources[row], self.versions[row] = origin

    def differing(self, row: int, after: "array[int]") -> Iterator[int]:
        """Return the families whose text differs from that of these hashes."""
        return compress(self._families, map(ne, self.hashes(row), after))

    def hashes(self, row: int) -> "array[int]":
        """Return the hash of each text of a row."""
        width = len(self._families)
        return self._hashes[row * width : (row + 1) * width]

    def note(self, row: int, texts: Sequence[str], after: "array[int]") -> int | None:
        """Note the texts of a row, which have these hashes; return how many characters are new, None if nothing is."""
        before = self.hashes(row)
        if before == after:
            return None
        size = 0
        # Picked without a loop of ours: most families of most objects have no text (30 of 57 of a pod).
        for family in compress(self._families, map(ne, before, after)):
            text = texts[family]
            column = self.columns[family]
            if column is None:
                column = self.columns[family] = Column()
            column.pending[row] = text
            self.dirty.add(family)
            size += len(text)
        width = len(self._families)
        self._hashes[row * width : (row + 1) * width] = after
        return size

    def write(self) -> set[int]:
        """Bring all pages up to date; return the families that changed."""
        for family in self.dirty:
            column = self.columns[family]
            if column is not None:
                self.retired += column.held
                column.write()
        changed, self.dirty = self.dirty, set()
        self.unseen.clear()
        return changed

    def remake(self) -> None:
        """Find out anew which rows get timestamps, and make the pages with them anew."""
        self.leaving = None
        for column in self.columns:
            if column is not None and column.holed is not None:
                self.retired += held(column.holed) * (column.holed is not column.page)
                column.holed = None

    def retire(self) -> int:
        """Return the bytes of all pages that there ever were: the block is no more."""
        return self.retired + sum(column.held for column in self.columns if column is not None)


def hashes(texts: Sequence[str]) -> "array[int]":
    """Return the hash of each text."""
    return array("I", [hash(text) & HASH_BITS for text in texts])
