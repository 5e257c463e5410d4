"""Leaving and shared slots: decide timestamps and farewells.

Shared slots were just gained from another pod. A pod that has just gained an object continues series that another pod wrote
with timestamps, and may not have been scraped yet: series of the object that end need a farewell too. While both pods write
an object, both show its former state for one scrape more, or the one would bring back the series that the other ended.
"""

from array import array
from collections.abc import Callable, Sequence

from ksm_shard.store.block import Block, Origin
from ksm_shard.store.column import Column
from ksm_shard.store.farewells import Farewell, Successor, ended
from ksm_shard.store.pages import Page
from ksm_shard.store.stamps import STAMPED_LINE, Holed


class Leaving:
    """The leaving slots of a store, and the farewells to its objects.

    Every call needs the store's lock.

    Attributes:
        mask: slots whose objects get timestamps; None for none.
        shared: slots that other pods write with timestamps, or did so a moment ago; None for none.
        farewells: by key.
        gone: number of farewells to deleted objects.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start without slots. The clock, in seconds, dates farewells."""
        self._clock = clock
        self.mask: bytes | None = None
        self.shared: bytes | None = None
        self.farewells: dict[str, Farewell] = {}
        self.gone = 0

    @property
    def on(self) -> bool:
        """True if any slot leaves or is shared, or a farewell is due."""
        return self.mask is not None or self.shared is not None or bool(self.farewells)

    def change(self, mask: bytes | None, shared: bytes | None, blocks: Sequence[Block]) -> None:
        """Set the leaving and the shared slots."""
        self.shared = shared
        if mask == self.mask:
            return
        self.mask = mask
        for block in blocks:
            before, block.leaving = block.leaving, None
            if mask is None or self._rows(block) != before:
                block.remake()

    def page(self, block: Block, family: int, column: Column) -> Holed | Page:
        """Return the page of a column, with holes if any rows leave."""
        if column.holed is None:
            rows = self._rows(block)
            column.holed = column.page
            if rows and column.page.length:
                texts = [text.encode() for text in column.texts()]
                for row in rows:
                    if text := texts[row]:
                        farewell = self.farewells.get(block.keys[row] or "")
                        texts[row] = farewell.mark(family, text) if farewell else text.replace(b"\n", STAMPED_LINE)
                column.holed = Holed.of(b"".join(texts))
        return column.holed

    def make_ready(self, block: Block) -> None:
        """Make the pages with holes of columns without pending text."""
        for family, column in enumerate(block.columns):
            if column is not None and not column.changed:
                self.page(block, family, column)

    def origin(self, block: Block, row: int) -> Origin | None:
        """Return the current origin of an object; None after its end.

        An object that ended may still have a farewell.
        """
        if self.farewells and (farewell := self.farewells.get(block.keys[row] or "")):
            return farewell.successor.origin if farewell.successor else None
        return block.origin(row)

    def delays(self, block: Block, row: int, successor: Successor, after: "array[int]") -> bool:
        """Return whether the object's new state must wait for a farewell.

        An object that a watch changed since the last scrape needs none: no scrape showed its former state, neither here nor, as a
        rule, from another shard.
        """
        key = block.keys[row] or ""
        farewell = self.farewells.pop(key, None)
        if farewell is None and (row in block.unseen or not self._stays_visible(block.slots[row])):
            if block.slots[row] != successor.origin.slot:
                block.remake()
            return False
        if farewell is not None and farewell.successor is None:
            self.gone -= 1
        block.settle()
        lines = {
            family: lines
            for family in block.differing(row, after)
            if (column := block.columns[family]) and (lines := ended(column.text(row), successor.texts[family]))
        }
        # An object made again with a uid of a slot that stays: all its series are tracked again, and end as any other.
        stays = self._stays_visible(block.slots[row]) and not self._stays_visible(successor.origin.slot)
        ending = None if stays else lines
        if lines or stays:
            # Keep the former date if no further lines end: scrapers since then have had them without a timestamp.
            since = farewell.since if farewell is not None and farewell.lines in (None, ending) else self._clock()
            self.farewells[key] = Farewell(since, ending, successor)
            # The row keeps the slot of the state that is shown; later events are compared with the state that waits.
            block.assign(row, successor.origin._replace(slot=block.slots[row]))
        if farewell is not None or lines or block.slots[row] != successor.origin.slot:
            block.remake()
        return bool(lines) or stays

    def says_farewell(self, block: Block, row: int) -> bool:
        """Return whether to show a deleted object for a last time: if it was shown before, here or by another shard.

        If so, its farewell is noted.
        """
        key, slot = block.keys[row] or "", block.slots[row]
        shown = row not in block.unseen or self._is_shared(slot)
        if key not in self.farewells and not (shown and self._stays_visible(slot)):
            return False
        self.farewells[key] = Farewell(self._clock())
        self.gone += 1
        block.versions[row] = 0  # any event of a successor is newer
        block.remake()
        return True

    def ended(self) -> list[str]:
        """Return the keys of deleted objects that are still shown, for their farewell."""
        return [key for key, farewell in self.farewells.items() if farewell.successor is None]

    def handed_over(self, block: Block, row: int) -> dict[int, str]:
        """Return the lines still to show of an object handed over, by family."""
        farewell = self.farewells.get(block.keys[row] or "")
        if farewell is None:
            return {}
        farewell.successor = None
        self.gone += 1
        block.versions[row] = 0
        return dict(farewell.lines or {})

    def over(self, heard: float) -> dict[str, Successor | None]:
        """Remove farewells to series that ended before `heard`.

        Return the successors by key.
        """
        over = {key: one.successor for key, one in self.farewells.items() if one.since < heard}
        for key, successor in over.items():
            del self.farewells[key]
            self.gone -= successor is None
        return over

    def _stays_visible(self, slot: int) -> bool:
        """Return whether a slot's last samples may have had a timestamp."""
        return self._leaves(slot) or self._is_shared(slot)

    def _is_shared(self, slot: int) -> bool:
        return self.shared is not None and self.shared[slot] == 1

    def _leaves(self, slot: int) -> bool:
        return self.mask is not None and self.mask[slot] == 1

    def _rows(self, block: Block) -> list[int]:
        """Return the rows of leaving objects."""
        if block.leaving is None:
            mask = self.mask
            block.leaving = (
                []
                if mask is None
                else [row for row, key in enumerate(block.keys) if key is not None and mask[block.slots[row]]]
            )
        return block.leaving
