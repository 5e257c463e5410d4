"""Column: one family of 128 neighbouring objects, as a page and changes.

A change only notes the new text, and the next read writes the page once for all changes: writing a page takes about 40 us,
noting a text 0.2 us.
"""

from array import array
from collections.abc import Sequence
from itertools import accumulate, repeat
from typing import Final

from ksm_shard.store.pages import EMPTY, Page, deflate, held, inflate
from ksm_shard.store.stamps import Holed

ROWS: Final = 128


class Column:
    """The texts of one family, by row.

    Attributes:
        page: the texts as last written.
        pending: the texts of rows that changed since.
        holed: the page with holes for timestamps, made when first needed; None before.
    """

    __slots__ = ("_given", "_lengths", "_lines", "holed", "page", "pending")

    def __init__(self) -> None:
        """Make a column with empty texts."""
        self.page: Page = EMPTY
        self._lines: int | None = None  # of the page; None until somebody asks
        self._lengths: array[int] | None = None  # in characters, of the texts in the page; None if all are empty
        self._given: Sequence[str] | None = None
        self.pending: dict[int, str] = {}
        self.holed: Holed | Page | None = None

    @property
    def changed(self) -> bool:
        """True if any text is not in the page yet."""
        return bool(self.pending) or self._given is not None

    @property
    def held(self) -> int:
        """Bytes of memory that the pages take."""
        more = held(self.holed) if self.holed is not None and self.holed is not self.page else 0
        return held(self.page) + more

    @property
    def lines(self) -> int:
        """Number of lines in the page.

        Counted when first asked: it takes a third of the time in which a page is deflated, and for most families nobody asks.
        """
        if self._lines is None:
            self._lines = inflate(self.page).count(b"\n")
        return self._lines

    def fill(self, texts: Sequence[str]) -> None:
        """Give a new column the text of every row.

        Noted one by one, and brought into order again, they took 4 us a pod more.
        """
        self._given = texts

    def texts(self) -> list[str]:
        """Return the text of each row."""
        if self._given is not None:
            texts = list(self._given)
        elif self._lengths is None:
            return list(map(self.pending.get, range(ROWS), repeat("")))
        else:
            texts = self._written(self._lengths)
        for row, text in self.pending.items():
            texts[row] = text
        return texts

    def text(self, row: int) -> str:
        """Return the text of one row."""
        if self._given is not None and row not in self.pending:
            return self._given[row]
        if row in self.pending or self._lengths is None:
            return self.pending.get(row, "")
        start = sum(self._lengths[:row])
        return inflate(self.page).decode()[start : start + self._lengths[row]]

    def write(self) -> None:
        """Write the page if any text changed."""
        if not self.changed:
            return
        texts = self.texts()
        self._given, self.pending, self.holed, self._lines = None, {}, None, None
        self.page = deflate("".join(texts).encode())
        lengths = list(map(len, texts))
        self._lengths = array("H" if max(lengths) < 65536 else "I", lengths) if self.page.length else None

    def _written(self, lengths: "array[int]") -> list[str]:
        whole, ends = inflate(self.page).decode(), accumulate(lengths)
        start = 0
        return [whole[start : (start := end)] for end in ends]
