"""Which shard takes over a slot while the one that should have it is away: a pure function, so that all agree without talking.

A slot hashes to 32 other places on the ring, and the first owner of such a place that is available is its fallback. So the slots
of one shard go to all the others evenly, and when a shard comes or goes, or the map grows, few fallbacks change. Never change what
this returns, for the same reason as the maps; `docs/sharding.md` has test vectors.
"""

import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache
from itertools import compress

from ksm_shard.sharding.masks import NONE, SLOTS, difference, intersection
from ksm_shard.sharding.ring import Ring

PLACES = struct.Struct("<32H")  # what one digest of BLAKE2b holds; with half of the shards away, two are looked at


def fallbacks(ring: Ring, total: int, slots: bytes, available: bytes) -> Iterator[tuple[int, int]]:
    """Each slot of the mask `slots` with the shard that takes it over, 1 us each; none if nobody is available.

    `available` has a byte for each of `total` shards, 1 if it can take over.
    """
    owners = ring.target_map(total)
    present = list(compress(range(total), available))
    for slot in compress(range(SLOTS), slots if present else b""):
        places: tuple[int, ...] = PLACES.unpack(hashlib.blake2b(slot.to_bytes(2, "little")).digest())
        for place in places:
            if available[owners[place]]:
                yield slot, owners[place]
                break
        else:  # nine of ten are away, or more
            yield slot, present[places[0] % len(present)]


@lru_cache(maxsize=8)
def covered(ring: Ring, available: bytes, shard: int, slots: bytes) -> bytes:
    """Return those of `slots` that come to `shard`: to its owner if that is available, else to its fallback. See `fallbacks`."""
    total = len(available)
    mine = intersection(slots, ring.mask(shard, total)) if available[shard] else NONE
    orphans = difference(slots, ring.select(total, available))
    if not available[shard] or orphans == NONE:
        return mine
    mask = bytearray(mine)
    for slot, taker in fallbacks(ring, total, orphans, available):
        mask[slot] = taker == shard
    return bytes(mask)
