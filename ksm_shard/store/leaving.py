"""Objects whose slots are about to be let go, or were just gained: what gets timestamps, and to which series farewell is said.

Who has just gained an object goes on with what another wrote with timestamps, and may not have been scraped yet: what ends of it
needs a farewell too. While both write it, both show what it was for one scrape more: the one would bring back what the other ended.
"""

from array import array
from collections.abc import Callable, Sequence

from ksm_shard.store.block import Block, Origin
from ksm_shard.store.column import Column
from ksm_shard.store.farewells import Farewell, Successor, ended
from ksm_shard.store.pages import Page
from ksm_shard.store.stamps import STAMPED_LINE, Holed


class Leaving:
    """The slots of a store, and the farewells to its objects. The store's lock is around every call.

    Attributes:
        mask: slots whose objects get timestamps; None for none.
        shared: slots that others write with timestamps, or did so a moment ago.
        farewells: by key.
        gone: how many of them are to objects that are no more.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Start with none. The clock, in seconds, dates farewells."""
        self._clock = clock
        self.mask: bytes | None = None
        self.shared: bytes | None = None
        self.farewells: dict[str, Farewell] = {}
        self.gone = 0

    @property
    def on(self) -> bool:
        """Whether there is anything to do."""
        return self.mask is not None or self.shared is not None or bool(self.farewells)

    def change(self, mask: bytes | None, shared: bytes | None, blocks: Sequence[Block]) -> None:
        """Let these slots leave, and no others."""
        self.shared = shared
        if mask == self.mask:
            return
        self.mask = mask
        for block in blocks:
            before, block.leaving = block.leaving, None
            if mask is None or self._rows(block) != before:
                block.remake()

    def page(self, block: Block, family: int, column: Column) -> Holed | Page:
        """Return a page with holes for timestamps, if it needs any."""
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
        """Make all pages of a block that are up to date."""
        for family, column in enumerate(block.columns):
            if column is not None and not column.pending:
                self.page(block, family, column)

    def origin(self, block: Block, row: int) -> Origin | None:
        """Return where an object is from, as it is now; None if there is only a farewell to it."""
        if self.farewells and (farewell := self.farewells.get(block.keys[row] or "")):
            return farewell.successor.origin if farewell.successor else None
        return block.origin(row)

    def delays(self, block: Block, row: int, successor: Successor, after: "array[int]") -> bool:
        """Tell whether an object is to be shown as it is now only after a farewell to what it was.

        Of one that a watch told of since the last scrape nobody was shown what it was, here or, as a rule, by another shard.
        """
        key = block.keys[row] or ""
        farewell = self.farewells.pop(key, None)
        if farewell is None and (row in block.unseen or not self._stays_visible(block.slots[row])):
            if block.slots[row] != successor.origin.slot:
                block.remake()
            return False
        if farewell is not None and farewell.successor is None:
            self.gone -= 1
        lines = {
            family: lines
            for family in block.differing(row, after)
            if (column := block.columns[family]) and (lines := ended(column.text(row), successor.texts[family]))
        }
        if lines:
            # Nobody is owed another scrape of what was without a timestamp already.
            since = farewell.since if farewell is not None and farewell.lines in (None, lines) else self._clock()
            self.farewells[key] = Farewell(since, lines, successor)
            # What is shown is in the slot that it was in; news is compared with the news that is waiting.
            block.assign(row, successor.origin._replace(slot=block.slots[row]))
        if farewell is not None or lines or block.slots[row] != successor.origin.slot:
            block.remake()
        return bool(lines)

    def says_farewell(self, block: Block, row: int) -> bool:
        """Tell whether an object that is no more is to be shown for a last time: if it was before, here or by another shard."""
        key, slot = block.keys[row] or "", block.slots[row]
        shown = row not in block.unseen or self._is_shared(slot)
        if key not in self.farewells and not (shown and self._stays_visible(slot)):
            return False
        self.farewells[key] = Farewell(self._clock())
        self.gone += 1
        block.versions[row] = 0  # of a successor all is news
        block.remake()
        return True

    def handed_over(self, block: Block, row: int) -> dict[int, str]:
        """Return the lines that are still to be shown, by family, of an object that others have from now on."""
        farewell = self.farewells.get(block.keys[row] or "")
        if farewell is None:
            return {}
        farewell.successor = None
        self.gone += 1
        block.versions[row] = 0
        return dict(farewell.lines or {})

    def over(self, heard: float) -> dict[str, Successor | None]:
        """End farewells to what ended before that moment; return what follows, by key."""
        over = {key: one.successor for key, one in self.farewells.items() if one.since < heard}
        for key, successor in over.items():
            del self.farewells[key]
            self.gone -= successor is None
        return over

    def _stays_visible(self, slot: int) -> bool:
        """Tell whether a series may have been written with a timestamp the last time."""
        return self._leaves(slot) or self._is_shared(slot)

    def _is_shared(self, slot: int) -> bool:
        return self.shared is not None and self.shared[slot] == 1

    def _leaves(self, slot: int) -> bool:
        return self.mask is not None and self.mask[slot] == 1

    def _rows(self, block: Block) -> list[int]:
        """Return the rows of objects that leave."""
        if block.leaving is None:
            mask = self.mask
            block.leaving = (
                []
                if mask is None
                else [row for row, key in enumerate(block.keys) if key is not None and mask[block.slots[row]]]
            )
        return block.leaving
