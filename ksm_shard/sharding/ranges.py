"""Ring of server-side filtering: FNV-1a of the uid, few ranges a shard.

A `shardSelector` names the ranges of slots. Kubernetes 1.36 lists and watches only the objects whose hash lies in given
ranges (feature gate ShardedListAndWatch, alpha, KEP 5866): hash in k8s.io/apimachinery/pkg/sharding, syntax in
k8s.io/apiserver/pkg/sharding. A filtered list echoes the selector in `metadata.shardInfo.selector`; a server without the
feature ignores the parameter and sends everything.
"""

from __future__ import annotations  # array[int] is not an expression before Python 3.12

import itertools
import re
from array import array
from collections.abc import Iterator

from ksm_shard.sharding.masks import NONE, SLOTS
from ksm_shard.sharding.ring import MAX_SHARDS, Ring

# A new shard takes from the 20 largest holders: at most 23 ranges a shard, balance within 5 % up to 1,000 shards. With 10
# donors it would be 12 ranges and 9 %, with all of them 66 ranges and 1 %. Measured for every total; docs/sharding.md has
# the table.
DONORS = 20

# A range takes about 100 bytes of URL, and proxies commonly refuse request lines over 8 KiB. A shard's own slots need 23 at
# most; only a shard that still holds slots for many starting shards needs more.
MAX_RANGES = 64


def slot_of(uid: str | bytes) -> int:
    """Return the upper 16 bits of FNV-1a (64 bits) of the uid.

    Takes 3 us in Python, so filter on the server where possible.
    """
    value = 0xCBF29CE484222325
    for byte in uid.encode("utf-8", "surrogatepass") if isinstance(uid, str) else uid:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value >> 48


def growth() -> Iterator[array[int]]:
    """Yield the maps of this ring, as `Ring.growth` defines them.

    The largest holders are cut to one size, each from the end of its largest range.
    """
    owners = array("H", bytes(2 * SLOTS))
    held = [[(0, SLOTS)]]  # shard -> its ranges: first slot, and the slot after the last
    sizes = [SLOTS]
    yield owners
    for new in range(1, MAX_SHARDS):
        share = SLOTS // (new + 1)
        taken: list[tuple[int, int]] = []
        for shard, keep in _cuts(sizes, share):
            taken += _cut(held[shard], sizes[shard] - keep)
            sizes[shard] = keep
        for first, end in taken:
            owners[first:end] = array("H", [new]) * (end - first)
        held.append(taken)
        sizes.append(share)
        yield owners


def _cuts(sizes: list[int], share: int) -> Iterator[tuple[int, int]]:
    """Yield shards that give up slots, and the number each keeps.

    Together they give up `share` slots.
    """
    # sorted() is stable: of equals, the lowest shard gives first.
    donors = sorted(range(len(sizes)), key=lambda shard: -sizes[shard])[:DONORS]
    left = sum(sizes[shard] for shard in donors) - share
    while left >= sizes[donors[-1]] * len(donors):  # the smallest donor is below the common size already
        left -= sizes[donors.pop()]
    level, more = divmod(left, len(donors))
    for place, shard in enumerate(donors):
        yield shard, level + (place < more)


def _cut(ranges: list[tuple[int, int]], count: int) -> Iterator[tuple[int, int]]:
    """Remove `count` slots from `ranges`, and yield the ranges removed."""
    while count:
        first, end = largest = max(ranges, key=lambda each: each[1] - each[0])
        cut = max(first, end - count)
        place = ranges.index(largest)
        ranges[place : place + 1] = [(first, cut)] if cut > first else []
        yield cut, end
        count -= end - cut


SERVER_SIDE = Ring("server-side", slot_of, growth)


def selector(mask: bytes) -> str:
    """Return the `shardSelector` of lists and watches for a mask.

    The server echoes it in `shardInfo` in the same form. The selector may ask for more than the mask, never for less,
    because objects are filtered again on arrival: beyond MAX_RANGES ranges the smallest gaps are closed. The server refuses
    an empty selector, so an empty mask asks for one hash of the 2**64.
    """
    if mask == NONE:
        return _range(0, 1)
    return " || ".join(_range(first << 48, end << 48) for first, end in _spans(mask))


def asked(mask: bytes) -> bytes:
    """Return the slots that a mask's `shardSelector` asks for.

    These are the slots of the mask and of the gaps closed.
    """
    if mask == NONE:
        return NONE
    slots = bytearray(SLOTS)
    for first, end in _spans(mask):
        slots[first:end] = b"\1" * (end - first)
    return bytes(slots)


def _spans(mask: bytes) -> Iterator[tuple[int, int]]:
    spans = [found.span() for found in re.finditer(b"\1+", mask)]
    gaps = [(end, first) for (_, end), (first, _) in itertools.pairwise(spans)]
    widest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[: MAX_RANGES - 1]
    firsts = [spans[0][0], *sorted(first for _, first in widest)]
    ends = [*sorted(end for end, _ in widest), spans[-1][1]]
    return zip(firsts, ends, strict=True)


def _range(first: int, end: int) -> str:
    return f"shardRange(object.metadata.uid, '0x{first:016x}', '0x{end:016x}')"
