"""Timestamps on samples of pages that stay deflated: written in when somebody scrapes, for 2 us a page.

To inflate, rewrite and deflate 181 MB for every scrape would take 0.28 s of CPU. Instead a page is deflated once with a hole
where its first timestamp goes, as the format allows: a stored block is bytes as they are. All later timestamps of the page are
matches, which copy the first. As every timestamp has 13 bytes, the same deflated page stands for any.

The CRC-32 of the page follows by algebra, as CRCs are linear: a text with another timestamp has the old CRC, plus the difference
that one timestamp makes times a polynomial of the page (where its timestamps are), in GF(2)[x] modulo the polynomial of the CRC.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

from ksm_shard.store.pages import LAST_BLOCK, LEVEL, RAW, Page, deflate

# Stands in a text where a timestamp goes: a byte that UTF-8 never has.
HOLE: Final = b"\xff"
STAMPED_LINE: Final = b" \xff\n"
# A page is deflated with the one timestamp and proven with the other: they differ in every byte, so that a literal, or a match with
# anything but a timestamp, shows. The difference of their CRCs is 0x80000000, which is 1 as a polynomial.
DRAFT: Final = b"\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12"
PROOF: Final = b"660487647\x81J{\x87"
WIDTH: Final = len(DRAFT)
STORED: Final = b"\0" + struct.pack("<HH", WIDTH, WIDTH ^ 0xFFFF)
# Level 1 leaves a literal in one page of 27; level 3 takes twice the time, and of those leaves next to none.
LEVELS: Final = (LEVEL, 3)
POLYNOMIAL: Final = 0xEDB88320


class Stamp:
    """A timestamp as a scrape writes it.

    Attributes:
        text: 13 bytes.
    """

    def __init__(self, seconds: float, *, openmetrics: bool) -> None:
        """Take seconds since 1970: OpenMetrics has them with a fraction, the text format has milliseconds."""
        self.text: Final = (f"{seconds:.2f}" if openmetrics else f"{int(seconds * 1000)}").encode()
        if len(self.text) != WIDTH:
            raise ValueError(f"{seconds} seconds since 1970 are not between 2001 and 2286")
        self._products = _products(isal_zlib.crc32(DRAFT) ^ isal_zlib.crc32(self.text))

    def change(self, factor: int) -> int:
        """Return what the timestamp changes of the CRC of a page whose own polynomial this is."""
        first, second, third, fourth = self._products
        return first[factor >> 24] ^ second[factor >> 16 & 255] ^ third[factor >> 8 & 255] ^ fourth[factor & 255]


@dataclass(frozen=True, slots=True)
class Holed:
    """A deflated page in pieces: between any two a timestamp goes.

    Attributes:
        pieces: raw deflate, each ended by a flush.
        length: of the text, timestamps included.
        crc: of the text with the draft's timestamp.
        factor: the polynomial that says where the timestamps are.
    """

    pieces: Sequence[bytes]
    length: int
    crc: int
    factor: int

    @classmethod
    def of(cls, text: bytes) -> "Holed | Page":
        """Deflate a text with holes; without any it is a page as others."""
        if HOLE not in text:
            return deflate(text)
        draft, proof = text.replace(HOLE, DRAFT), text.replace(HOLE, PROOF)
        crc = isal_zlib.crc32(draft)
        return cls(_deflated(text, draft, proof), len(draft), crc, crc ^ isal_zlib.crc32(proof))

    @property
    def size(self) -> int:
        """How many bytes it has when it is filled."""
        return sum(map(len, self.pieces)) + (len(self.pieces) - 1) * (len(STORED) + WIDTH)

    def filled(self, stamp: Stamp) -> "Filled":
        """Return the page with a timestamp."""
        return Filled(self, stamp, self.length, self.crc ^ stamp.change(self.factor))


@dataclass(frozen=True, slots=True)
class Filled:
    """A page with a timestamp, which is put together when it is sent: what is kept is shared by all scrapes."""

    kept: Holed
    stamp: Stamp
    length: int
    crc: int

    @property
    def deflated(self) -> bytes:
        """The whole page."""
        return (STORED + self.stamp.text).join(self.kept.pieces)

    @property
    def size(self) -> int:
        """How many bytes that has."""
        return self.kept.size


def _deflated(text: bytes, draft: bytes, proof: bytes) -> Sequence[bytes]:
    at = text.index(HOLE)
    for level in LEVELS:
        compressor = isal_zlib.compressobj(level, isal_zlib.DEFLATED, RAW)
        head = compressor.compress(draft[:at]) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)
        compressor.compress(DRAFT)  # so that it is there to be copied
        compressor.flush(isal_zlib.Z_SYNC_FLUSH)
        tail = compressor.compress(draft[at + WIDTH :]) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
        whole = head + STORED + PROOF + tail + LAST_BLOCK
        if isal_zlib.decompress(whole, RAW, len(proof)) == proof:
            return head, tail
    return [deflate(part).deflated for part in text.split(HOLE)]  # five times the size, and right whatever the text


def _products(one: int) -> list[list[int]]:
    """Return a polynomial times every other of 8 terms: from the lowest to the highest of 32. The top bit is the term 1."""
    tables = []
    for _ in range(4):
        table = [0] * 256
        for bit in (128, 64, 32, 16, 8, 4, 2, 1):
            for other in range(bit, 256, bit * 2):
                table[other] = table[other ^ bit] ^ one
            one = one >> 1 ^ (POLYNOMIAL if one & 1 else 0)
        tables.append(table)
    return tables
