"""Write timestamps into deflated pages at each scrape, for 2 us a page.

To inflate, rewrite and deflate 181 MB for every scrape would take 0.28 s of CPU. Instead a page is deflated once with a hole
for its first timestamp, as a stored block, whose bytes are not coded. All later timestamps of the page are matches, which copy
the first. As every timestamp has 13 bytes, the same deflated page fits any timestamp.

The CRC-32 of the page follows by algebra, as CRCs are linear: a text with another timestamp has the old CRC, plus the difference
that one timestamp makes times a polynomial of the page (where its timestamps are), in GF(2)[x] modulo the polynomial of the CRC.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

from ksm_shard.store.pages import LAST_BLOCK, LEVEL, RAW, Page, deflate

# Marks the place of a timestamp in a text: a byte that UTF-8 never has.
HOLE: Final = b"\xff"
STAMPED_LINE: Final = b" \xff\n"
# A page is deflated with DRAFT as its timestamp and verified with PROOF: they differ in every byte, so that a literal, or a
# match with anything but a timestamp, shows. The difference of their CRCs is 0x80000000, which is 1 as a polynomial.
DRAFT: Final = b"\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12"
PROOF: Final = b"660487647\x81J{\x87"
WIDTH: Final = len(DRAFT)
STORED: Final = b"\0" + struct.pack("<HH", WIDTH, WIDTH ^ 0xFFFF)
# Level 1 leaves a literal in one page of 27; level 3 takes twice the time, and leaves a literal in almost none of those.
LEVELS: Final = (LEVEL, 3)
POLYNOMIAL: Final = 0xEDB88320


class Stamp:
    """A timestamp in the format of a scrape.

    Attributes:
        text: 13 bytes.
    """

    def __init__(self, seconds: float, *, openmetrics: bool) -> None:
        """Format seconds since 1970 for a scrape.

        OpenMetrics has decimal seconds, the text format milliseconds.

        Raises:
            ValueError: the time is not between 2001 and 2286, and takes more or fewer than 13 bytes.
        """
        self.text: Final = (f"{seconds:.2f}" if openmetrics else f"{int(seconds * 1000)}").encode()
        if len(self.text) != WIDTH:
            raise ValueError(f"{seconds} seconds since 1970 are not between 2001 and 2286")
        self._products = _products(isal_zlib.crc32(DRAFT) ^ isal_zlib.crc32(self.text))

    def change(self, factor: int) -> int:
        """Return the timestamp's change to the CRC of a page.

        `factor` is the polynomial of the page.
        """
        first, second, third, fourth = self._products
        return first[factor >> 24] ^ second[factor >> 16 & 255] ^ third[factor >> 8 & 255] ^ fourth[factor & 255]


@dataclass(frozen=True, slots=True)
class Holed:
    """A deflated page in pieces, with holes for timestamps between them.

    Attributes:
        pieces: raw deflate, each ended by a flush.
        length: of the text, timestamps included.
        crc: of the text with DRAFT as its timestamps.
        factor: the polynomial of the places of the timestamps.
    """

    pieces: Sequence[bytes]
    length: int
    crc: int
    factor: int

    @classmethod
    def of(cls, text: bytes) -> "Holed | Page":
        """Deflate a text with holes; a text without holes becomes a Page."""
        if HOLE not in text:
            return deflate(text)
        draft, proof = text.replace(HOLE, DRAFT), text.replace(HOLE, PROOF)
        crc = isal_zlib.crc32(draft)
        return cls(_deflated(text, draft, proof), len(draft), crc, crc ^ isal_zlib.crc32(proof))

    @property
    def size(self) -> int:
        """Size in bytes, with timestamps."""
        return sum(map(len, self.pieces)) + (len(self.pieces) - 1) * (len(STORED) + WIDTH)

    def filled(self, stamp: Stamp) -> "Filled":
        """Return the page with a timestamp in its holes."""
        return Filled(self, stamp, self.length, self.crc ^ stamp.change(self.factor))


@dataclass(frozen=True, slots=True)
class Filled:
    """A page with a timestamp, joined only when sent.

    Its pieces are shared by all scrapes.
    """

    kept: Holed
    stamp: Stamp
    length: int
    crc: int

    @property
    def deflated(self) -> bytes:
        """The whole page, joined anew at each access."""
        return (STORED + self.stamp.text).join(self.kept.pieces)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.kept.size


def _deflated(text: bytes, draft: bytes, proof: bytes) -> Sequence[bytes]:
    at = text.index(HOLE)
    for level in LEVELS:
        compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, RAW)
        head = compressor.compress(draft[:at]) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
        compressor.compress(DRAFT)  # puts the timestamp into the window, for matches to copy
        compressor.flush(isal_zlib.Z_SYNC_FLUSH)
        tail = compressor.compress(draft[at + WIDTH :]) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
        whole = head + STORED + PROOF + tail + LAST_BLOCK
        if isal_zlib.decompress(whole, RAW, len(proof)) == proof:
            return head, tail
    return [deflate(part).deflated for part in text.split(HOLE)]  # five times the size, but right for any text


def _products(one: int) -> list[list[int]]:
    """Return tables of a polynomial's products with polynomials of 8 terms.

    There are four tables, the one for the lowest terms first. The top bit is the term 1.
    """
    tables = []
    for _ in range(4):
        table = [0] * 256
        for bit in (128, 64, 32, 16, 8, 4, 2, 1):
            for other in range(bit, 256, bit * 2):
                table[other] = table[other ^ bit] ^ one
            one = one >> 1 ^ (POLYNOMIAL if one & 1 else 0)
        tables.append(table)
    return tables
