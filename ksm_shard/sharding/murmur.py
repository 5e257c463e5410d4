"""Default ring: MurmurHash3 of the uid, and slots dealt evenly.

The numbers of slots of two shards differ by one at most. Never change the results: shards of two versions serve side by
side during an update, and would then lose or repeat objects. `docs/sharding.md` publishes the map with its test vectors.
"""

from __future__ import annotations  # array[int] is not an expression before Python 3.12

from array import array
from collections.abc import Iterator

import mmh3

from ksm_shard.sharding.masks import SLOTS
from ksm_shard.sharding.ring import MAX_SHARDS, Ring

# 65,536 / golden ratio, made odd: multiplying by it visits all slots, and neighbours end far apart.
SPREAD = 40_503


def slot_of(uid: str | bytes) -> int:
    """Return the upper 16 bits of the uid's MurmurHash3.

    The variant is x86, 32 bits, seed 0.
    """
    # JSON can spell half a character ("\\ud800"), at which mmh3 5.3 ends the process with a SIGSEGV. The test for it costs
    # 0.03 us.
    if isinstance(uid, str) and not uid.isascii():
        uid = uid.encode("utf-8", "surrogatepass")
    return mmh3.hash(uid, 0, False) >> 16


def growth() -> Iterator[array[int]]:
    """Yield the maps of this ring, as `Ring.growth` defines them.

    With n shards the first SLOTS % n hold one slot more than the others. A shard gives away its newest slots first.
    """
    owners = array("H", bytes(2 * SLOTS))
    held = [[place * SPREAD % SLOTS for place in range(SLOTS)]]
    yield owners
    for new in range(1, MAX_SHARDS):
        fair, more = divmod(SLOTS, new + 1)
        taken: list[int] = []
        for shard, slots in enumerate(held):
            keep = fair + (shard < more)
            if len(slots) > keep:
                taken += slots[keep:]
                del slots[keep:]
        for slot in taken:
            owners[slot] = new
        held.append(taken)
        yield owners


MMH3 = Ring("mmh3", slot_of, growth)
