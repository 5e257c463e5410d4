"""Store of one resource's samples: texts by object and family.

Texts are kept in columns of 128 neighbouring objects. The key of an object is the identity of its series (namespace and
name), so an object that was deleted and created again with another uid replaces its predecessor. A row remembers the
resource version of its object, so that late events of a predecessor, whose watch may lag, do not touch a successor. Every
method may be called from any thread.

Objects of leaving slots can be written with timestamps (`stamps.py`); series of theirs that end get a farewell (`farewells.py`).
"""

from array import array
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from threading import Lock
from time import monotonic, sleep
from typing import Final

from ksm_shard.store.block import NO_TEXT, Block, Origin, hashes
from ksm_shard.store.column import ROWS
from ksm_shard.store.farewells import Successor
from ksm_shard.store.leaving import Leaving
from ksm_shard.store.pages import Body, Deflated
from ksm_shard.store.stamps import Holed, Stamp

# Characters of noted texts after which pages are written without waiting for a scrape, so that a storm of changes without
# scrapes cannot hold the whole text: 8 MB is 800 pods.
MOST_PENDING: Final = 8 << 20
# Objects dropped before other threads get the lock: 5 ms, where 18,000 pods at once meant 11 s without a scrape.
BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of all pages, deflated and as text."""

    deflated: int
    text: int


class Store:
    """The texts of objects, by object and family."""

    def __init__(self, families: int, clock: Callable[[], float] = monotonic) -> None:
        """Make a store with a number of texts for each object.

        The clock, in seconds, dates farewells.
        """
        self._families = families
        self._nothing = [""] * families
        self._no_hashes = hashes(self._nothing)
        self._lock = Lock()
        self._index: dict[str, int] = {}
        self._blocks: list[Block] = []
        self._free: list[int] = []
        self._dirty: set[Block] = set()
        self._bodies: list[Body | None] = [None] * families
        self._pending = 0
        self._leaving = Leaving(clock)
        self._retired = 0  # of removed blocks

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._index) - self._leaving.gone

    @property
    def retired(self) -> int:
        """Bytes of replaced pages; a slow reader may still hold them."""
        with self._lock:
            return self._retired + sum(block.retired for block in self._blocks)

    @property
    def empty(self) -> bool:
        """True if there is nothing to write, not even a farewell."""
        return not self._index

    @property
    def handing_over(self) -> bool:
        """True while any series may need a farewell, so that no state of an object may be passed over."""
        return self._leaving.on

    def put(
        self,
        key: str,
        slot: int,
        texts: Sequence[str],
        source: int = 0,
        version: int = 0,
        *,
        replayed: bool = False,
        listed: bool = False,
    ) -> bool:
        """Set the texts of an object unless its row is newer.

        Return whether any text differs.

        Args:
            key: namespace and name.
            slot: of its uid, 0 to 65,535.
            texts: one a family.
            source: number of the sink, 0 to 255.
            version: its resource version, 64 bits; 0 if unknown, which is newer than any row.
            replayed: whether the source may have put a newer state before. Otherwise its own rows are older, whatever their
                version: a restored API server may have gone back to lower ones.
            listed: whether the object comes from a list, so that other shards may have shown it before.
        """
        after = hashes(texts)
        with self._lock:
            at = self._index.get(key)
            if at is None:
                block, row = self._at(self._place(key))
                if not listed:
                    block.unseen.add(row)
            else:
                block, row = self._at(at)
                if 0 < version < block.versions[row] and (replayed or block.sources[row] != source):
                    return False
                if self._leaving.on:
                    successor = Successor(Origin(slot, source, version), texts)
                    if self._leaving.delays(block, row, successor, after):
                        return True
            block.slots[row], block.sources[row], block.versions[row] = slot, source, version
            return self._set(block, row, texts, after)

    def drop(self, key: str, source: int = 0, version: int = 0, *, replayed: bool = False, lost: bool = False) -> bool:
        """Drop an object deleted at that version; return whether it was there.

        The row of a successor stays: a row of another source, or a newer one while `replayed` (as for `put`). An object that is
        `lost` to another shard, which continues to write it, gets no farewell.
        """
        with self._lock:
            known = self._found(key)
            if known is None or known.source != source or (replayed and 0 < version < known.version):
                return False
            if lost:
                self._hand_over(key)
            else:
                self._end(key)
            self._compact()
        return True

    def keep(self, source: int, keys: Collection[str], slots: bytes | None = None) -> int:
        """Drop the objects of a source except `keys`; return the number dropped.

        Other threads may read and write meanwhile. With a mask `slots`, objects of other slots are left: those slots were lost,
        and will be released without a farewell.
        """

        def gone(key: str, origin: Origin) -> bool:
            return origin.source == source and key not in keys and (slots is None or slots[origin.slot] == 1)

        return self._forget_those(gone, self._end)

    def slot_of(self, key: str) -> int | None:
        """Return the slot of an object; None if the object is not here."""
        with self._lock:
            found = self._found(key)
            return None if found is None else found.slot

    def release(self, lost: bytes) -> int:
        """Drop the objects of the slots in a mask; return their number.

        Series that other pods go on to write get no farewell. Other threads may read and write meanwhile.
        """

        def gone(key: str, origin: Origin) -> bool:
            del key
            return lost[origin.slot] == 1

        return self._forget_those(gone, self._hand_over)

    def leave(self, mask: bytes | None, shared: bytes | None = None) -> None:
        """Write timestamps on samples of leaving slots from now on.

        Args:
            mask: the leaving slots.
            shared: slots that other pods write with timestamps, or did so a moment ago.
        """
        with self._lock:
            self._leaving.change(mask, shared, self._blocks)

    def make_ready(self) -> None:
        """Deflate the pages with timestamps before the next scrape needs them.

        Work is done for 128 objects at a time. Other threads may read and write meanwhile.
        """
        at = 0
        while self._leaving.mask is not None and at < len(self._blocks):
            with self._lock:
                for block in self._blocks[at : at + 1]:
                    self._leaving.make_ready(block)
            at += 1
            sleep(0)

    def owes_farewells(self, ended: float) -> bool:
        """Tell whether some scraper has yet to hear of the end of series that ended before that time of the clock."""
        with self._lock:
            return any(one.since < ended for one in self._leaving.farewells.values())

    def forget_farewells(self, heard: float) -> None:
        """Remove farewells to series that ended before `heard`.

        Every scraper has had them. `heard` is a time of the clock.
        """
        if not self._leaving.farewells:
            return
        with self._lock:
            for key, successor in self._leaving.over(heard).items():
                if successor is None:
                    self._forget(key)
                else:
                    block, row = self._at(self._index[key])
                    block.assign(row, successor.origin)
                    self._set(block, row, successor.texts, hashes(successor.texts))
                    block.remake()
            self._compact()

    def bodies(self, stamp: Stamp | None = None) -> list[Body]:
        """Return the current pages of every family.

        A slow reader holds references, never the lock.

        Args:
            stamp: the timestamp for leaving objects; None for none.
        """
        with self._lock:
            self._write(self._dirty)
            if stamp is None or self._leaving.mask is None:
                return [self._body(family) for family in range(self._families)]
            return [Body.of(self._filled(family, stamp)) for family in range(self._families)]

    def size(self) -> Size:
        """Return the size of all pages."""
        with self._lock:
            self._write(self._dirty)
            pages = [column.page for block in self._blocks for column in block.columns if column is not None]
        return Size(deflated=sum(len(page.deflated) for page in pages), text=sum(page.length for page in pages))

    def series(self) -> int:
        """Return the number of series.

        Counted for 128 objects at a time. Other threads may read and write meanwhile.
        """
        with self._lock:
            self._write(self._dirty)
            blocks = list(self._blocks)
        series = 0
        for block in blocks:
            with self._lock:
                series += sum(column.lines for column in block.columns if column is not None)
        return series

    def tally(self, family: int) -> tuple[int, int]:
        """Return the number of samples of a family, and of objects without any.

        Counted from what is stored: a change of an object costs nothing for it.
        """
        with self._lock:
            self._write(self._dirty)
            columns = (block.columns[family] for block in self._blocks)
            samples = sum(column.lines for column in columns if column is not None)
            without = sum(block.without(family) - block.keys.count(None) for block in self._blocks)
            ended = (self._at(self._index[key]) for key in self._leaving.ended())
            return samples, without - sum(block.hashes(row)[family] == NO_TEXT for block, row in ended)

    def _place(self, key: str) -> int:
        if not self._free:
            self._free = list(range((len(self._blocks) + 1) * ROWS - 1, len(self._blocks) * ROWS - 1, -1))
            self._blocks.append(Block(self._families))
        at = self._index[key] = self._free.pop()
        block, row = self._at(at)
        block.keys[row], block.leaving = key, None
        return at

    def _at(self, at: int) -> tuple[Block, int]:
        return self._blocks[at // ROWS], at % ROWS

    def _set(self, block: Block, row: int, texts: Sequence[str], after: "array[int]") -> bool:
        size = block.note(row, texts, after)
        if size is None:
            return False
        self._dirty.add(block)
        self._pending += size
        # The first list fills block after block: the pages of each are written once, and not a second time when it is full.
        if len(block.arrived) == ROWS:
            self._write([block])
        elif self._pending > MOST_PENDING:
            self._write(self._dirty)
        return True

    def _found(self, key: str) -> Origin | None:
        """Return the origin of an object; None if absent or ended."""
        at = self._index.get(key)
        return None if at is None else self._leaving.origin(*self._at(at))

    def _forget(self, key: str) -> None:
        at = self._index.pop(key)
        block, row = self._at(at)
        block.keys[row], block.versions[row] = None, 0
        block.unseen.discard(row)
        self._set(block, row, self._nothing, self._no_hashes)
        self._free.append(at)

    def _end(self, key: str) -> None:
        """Drop a deleted object, with a farewell if its samples have timestamps."""
        if not self._leaving.says_farewell(*self._at(self._index[key])):
            self._forget(key)

    def _hand_over(self, key: str) -> None:
        """Drop an object that other pods serve now.

        Lines of its former state still get their farewell.
        """
        block, row = self._at(self._index[key])
        lines = self._leaving.handed_over(block, row)
        if lines:
            texts = [lines.get(family, "") for family in range(self._families)]
            self._set(block, row, texts, hashes(texts))
        else:
            self._forget(key)

    def _forget_those(self, gone: Callable[[str, Origin], bool], forget: Callable[[str], None]) -> int:
        with self._lock:
            keys = [key for key in self._index if (found := self._found(key)) and gone(key, found)]
        count = 0
        for start in range(0, len(keys), BATCH):
            with self._lock:
                for key in keys[start : start + BATCH]:
                    found = self._found(key)
                    if found and gone(key, found):
                        forget(key)
                        count += 1
            sleep(0)  # releases the interpreter too, or threads that wait for the lock would starve
        compacting = True
        while compacting:
            with self._lock:
                compacting = self._compact()
            sleep(0)
        return count

    def _write(self, blocks: Collection[Block]) -> None:
        for block in blocks:
            self._pending -= block.pending
            for family in block.write():
                self._bodies[family] = None
        self._dirty.difference_update(blocks)

    def _body(self, family: int) -> Body:
        body = self._bodies[family]
        if body is None:
            columns = (block.columns[family] for block in self._blocks)
            body = self._bodies[family] = Body.of(column.page for column in columns if column is not None)
        return body

    def _filled(self, family: int, stamp: Stamp) -> Iterator[Deflated]:
        """Yield the pages of a family, with the timestamp on leaving objects."""
        for block in self._blocks:
            column = block.columns[family]
            if column is not None:
                page = self._leaving.page(block, family, column)
                yield page.filled(stamp) if isinstance(page, Holed) else page

    def _compact(self) -> bool:
        """Move the last block's objects elsewhere if most rows are free.

        Most means more than half. Otherwise a shard that gives away nine tenths of its slots would keep pages of a dozen
        objects, which deflate half as well. Return whether a block was removed; then there may be more to move.
        """
        if len(self._blocks) < 2 or len(self._index) * 2 >= len(self._blocks) * ROWS:
            return False
        at = len(self._blocks) - 1
        last = self._blocks[at]
        last.settle()
        self._free = [free for free in self._free if free // ROWS != at]
        columns = [repeat("") if column is None else column.texts() for column in last.columns]
        for row, (key, *texts) in enumerate(zip(last.keys, *columns, strict=False)):
            if key is not None:
                block, moved = self._at(self._place(key))
                block.assign(moved, last.origin(row))
                if row in last.unseen:
                    block.unseen.add(moved)
                self._set(block, moved, texts, last.hashes(row))
        self._blocks.pop()
        self._retired += last.retire()
        self._pending -= last.pending
        self._dirty.discard(last)
        self._bodies = [None] * self._families
        return True
