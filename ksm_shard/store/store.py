"""The samples of one resource: for every object a text per family, in columns of 128 neighbours.

Objects are known by a key that identifies their series (namespace and name), so that an object that was deleted and made
again with another uid replaces its predecessor. A row remembers the resource version of its object, so that older news of a
predecessor, whose watch may lag, does not touch a successor. Every method may be called from any thread.
"""

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import compress, repeat
from operator import ne
from threading import Lock
from time import sleep
from typing import Final

from ksm_shard.store.column import ROWS, Column
from ksm_shard.store.pages import Body, held

# Characters of noted texts after which they are written without waiting for a scrape, so that a storm of changes that
# nobody scrapes cannot hold the whole text: 8 MB is 800 pods.
MOST_PENDING: Final = 8 << 20
# Texts are told apart by 32 bits of their hash, which keeps 4 bytes a text instead of 180: one change in 4e9 is overlooked
# until the next.
HASH_BITS: Final = 0xFFFFFFFF
# Objects that are forgotten before others get a turn at the store: 5 ms, where 18,000 pods at once were 11 s without a scrape.
BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of all pages as they are kept and as text, and the number of series."""

    deflated: int
    text: int
    series: int


class _Block:
    """The rows of 128 objects: whose each is, and a column for each family that ever had text."""

    __slots__ = ("columns", "dirty", "hashes", "keys", "slots", "sources", "versions")

    def __init__(self, families: int) -> None:
        self.keys: list[str | None] = [None] * ROWS
        self.slots = array("H", bytes(2 * ROWS))
        self.sources = bytearray(ROWS)
        self.versions = array("Q", bytes(8 * ROWS))
        self.columns: list[Column | None] = [None] * families
        self.hashes = _hashes([""]) * (families * ROWS)  # row by row
        self.dirty: set[int] = set()


class Store:
    """Texts by object and family.

    Attributes:
        retired: bytes of pages that others replaced, since the start; who reads slowly may still hold them.
    """

    def __init__(self, families: int) -> None:
        """Keep so many texts an object."""
        self._families = families
        self._every = range(families)
        self._nothing = [""] * families
        self._no_hashes = _hashes(self._nothing)
        self._lock = Lock()
        self._index: dict[str, int] = {}
        self._blocks: list[_Block] = []
        self._free: list[int] = []
        self._dirty: set[_Block] = set()
        self._bodies: list[Body | None] = [None] * families
        self._pending = 0
        self.retired = 0

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self._index)

    def put(
        self, key: str, slot: int, texts: Sequence[str], source: int = 0, version: int = 0, *, replayed: bool = False
    ) -> bool:
        """Set the texts of an object unless its row is newer; tell whether any text differs.

        Args:
            key: namespace and name.
            slot: of its uid, 0 to 65,535.
            texts: one a family.
            source: where it was read, 0 to 255.
            version: its resource version, 64 bits; 0 if unknown, which is newer than any row.
            replayed: whether the source may have put something newer before. Otherwise its own rows are older, whatever
                their version: that of a restored API server may be lower.
        """
        with self._lock:
            at = self._index.get(key)
            if at is None:
                at = self._index[key] = self._place(key)
            block, row = self._blocks[at // ROWS], at % ROWS
            if 0 < version < block.versions[row] and (replayed or block.sources[row] != source):
                return False
            block.slots[row], block.sources[row], block.versions[row] = slot, source, version
            return self._set(block, row, texts, _hashes(texts))

    def drop(self, key: str, source: int = 0, version: int = 0, *, replayed: bool = False) -> bool:
        """Forget an object that is gone since that version; tell whether it was there.

        The row of a successor stays: one of another source, or a newer one where this may be known already (`put`).
        """
        with self._lock:
            at = self._index.get(key)
            if at is None:
                return False
            block, row = self._blocks[at // ROWS], at % ROWS
            if block.sources[row] != source or (replayed and 0 < version < block.versions[row]):
                return False
            self._forget(key)
            self._compact()
        return True

    def keep(self, source: int, keys: Collection[str]) -> int:
        """Forget the objects of a source but those; return how many it forgot. Others may read and write meanwhile."""

        def gone(block: _Block, row: int) -> bool:
            return block.sources[row] == source and block.keys[row] not in keys

        return self._forget_those(gone)

    def slot_of(self, key: str) -> int | None:
        """Return the slot of an object, None if it is not here."""
        with self._lock:
            at = self._index.get(key)
            return None if at is None else self._blocks[at // ROWS].slots[at % ROWS]

    def release(self, lost: bytes) -> int:
        """Forget the objects of the slots whose byte in the mask is 1; return how many there were.

        Others may read and write meanwhile.
        """

        def gone(block: _Block, row: int) -> bool:
            return lost[block.slots[row]] == 1

        return self._forget_those(gone)

    def bodies(self) -> list[Body]:
        """Return every family's pages as they are now. Whoever reads them slowly holds references, never the lock."""
        with self._lock:
            self._write()
            return [self._body(family) for family in range(self._families)]

    def size(self) -> Size:
        """Return how large everything is."""
        with self._lock:
            self._write()
            pages = [column.page for block in self._blocks for column in block.columns if column is not None]
        return Size(
            deflated=sum(len(page.deflated) for page in pages),
            text=sum(page.length for page in pages),
            series=sum(page.lines for page in pages),
        )

    def _place(self, key: str) -> int:
        if not self._free:
            self._free = list(range((len(self._blocks) + 1) * ROWS - 1, len(self._blocks) * ROWS - 1, -1))
            self._blocks.append(_Block(self._families))
        at = self._free.pop()
        self._blocks[at // ROWS].keys[at % ROWS] = key
        return at

    def _set(self, block: _Block, row: int, texts: Sequence[str], after: "array[int]") -> bool:
        start, end = row * self._families, (row + 1) * self._families
        before = block.hashes[start:end]
        if before == after:
            return False
        block.hashes[start:end] = after
        # Picked without a loop of ours: most families of most objects have no text (30 of 57 of a pod).
        for family in compress(self._every, map(ne, before, after)):
            text = texts[family]
            column = block.columns[family]
            if column is None:
                column = block.columns[family] = Column()
            column.pending[row] = text
            block.dirty.add(family)
            self._pending += len(text)
        self._dirty.add(block)
        if self._pending > MOST_PENDING:
            self._write()
        return True

    def _forget(self, key: str) -> None:
        at = self._index.pop(key)
        block = self._blocks[at // ROWS]
        block.keys[at % ROWS], block.versions[at % ROWS] = None, 0
        self._set(block, at % ROWS, self._nothing, self._no_hashes)
        self._free.append(at)

    def _forget_those(self, gone: Callable[[_Block, int], bool]) -> int:
        with self._lock:
            keys = [key for key, at in self._index.items() if gone(self._blocks[at // ROWS], at % ROWS)]
        count = 0
        for start in range(0, len(keys), BATCH):
            with self._lock:
                for key in keys[start : start + BATCH]:
                    at = self._index.get(key)
                    if at is not None and gone(self._blocks[at // ROWS], at % ROWS):
                        self._forget(key)
                        count += 1
            sleep(0)  # lets go of the interpreter too, or who waits for the lock would go without for long
        compacting = True
        while compacting:
            with self._lock:
                compacting = self._compact()
            sleep(0)
        return count

    def _write(self) -> None:
        for block in self._dirty:
            for family in block.dirty:
                column = block.columns[family]
                if column is not None:
                    self.retired += held(column.page)
                    column.write()
                self._bodies[family] = None
            block.dirty.clear()
        self._dirty.clear()
        self._pending = 0

    def _body(self, family: int) -> Body:
        body = self._bodies[family]
        if body is None:
            columns = (block.columns[family] for block in self._blocks)
            body = self._bodies[family] = Body.of(column.page for column in columns if column is not None)
        return body

    def _compact(self) -> bool:
        """If more than half of all rows are free, move the objects of the last block into free rows elsewhere.

        A shard that gives away nine tenths of its slots would otherwise keep pages of a dozen objects, which deflate
        half as well. Tell whether it did, so that there may be more to move.
        """
        if len(self._blocks) < 2 or len(self._index) * 2 >= len(self._blocks) * ROWS:
            return False
        at = len(self._blocks) - 1
        last = self._blocks[at]
        self._free = [free for free in self._free if free // ROWS != at]
        columns = [repeat("") if column is None else column.texts() for column in last.columns]
        for row, (key, *texts) in enumerate(zip(last.keys, *columns, strict=False)):
            if key is not None:
                self._index[key] = moved = self._place(key)
                block, to = self._blocks[moved // ROWS], moved % ROWS
                block.slots[to], block.sources[to] = last.slots[row], last.sources[row]
                block.versions[to] = last.versions[row]
                hashes = last.hashes[row * self._families : (row + 1) * self._families]
                self._set(block, to, texts, hashes)
        self._blocks.pop()
        self.retired += sum(held(column.page) for column in last.columns if column is not None)
        self._dirty.discard(last)
        self._bodies = [None] * self._families
        return True


def _hashes(texts: Sequence[str]) -> "array[int]":
    return array("I", [hash(text) & HASH_BITS for text in texts])
