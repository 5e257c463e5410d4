"""Choose the shard that takes over a slot while its owner is away.

The choice is a pure function, so shards agree without talking. A slot hashes to 32 other places on the ring; its fallback
is the first available shard among the owners of these places. So the slots of one shard go to all others evenly, and few
fallbacks change when a shard comes or goes, or the map grows. Never change the results, for the same reason as those of the
maps; `docs/sharding.md` has test vectors.
"""

import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache
from itertools import compress

from ksm_shard.sharding.masks import NONE, SLOTS, difference, intersection
from ksm_shard.sharding.ring import Ring

PLACES = struct.Struct("<32H")  # one digest of BLAKE2b; with half of the shards away, two numbers are tried


def fallbacks(ring: Ring, total: int, slots: bytes, available: bytes) -> Iterator[tuple[int, int]]:
    """Yield each slot of the mask `slots` with its fallback shard.

    A slot takes 1 us. Nothing is yielded if no shard is available. `available` has a byte for each of `total` shards, 1 if
    the shard can take over.
    """
    owners = ring.target_map(total)
    present = list(compress(range(total), available))
    for slot in compress(range(SLOTS), slots if present else b""):
        places: tuple[int, ...] = PLACES.unpack(hashlib.blake2b(slot.to_bytes(2, "little")).digest())
        for place in places:
            if available[owners[place]]:
                yield slot, owners[place]
                break
        else:  # nine of ten shards are away, or more
            yield slot, present[places[0] % len(present)]


@lru_cache(maxsize=8)
def covered(ring: Ring, available: bytes, shard: int, slots: bytes) -> bytes:
    """Return the mask of those of `slots` that `shard` covers.

    A slot goes to its owner if that is available, else to its fallback (`fallbacks`). `available` has a byte for each shard.
    """
    total = len(available)
    mine = intersection(slots, ring.mask(shard, total)) if available[shard] else NONE
    orphans = difference(slots, ring.select(total, available))
    if not available[shard] or orphans == NONE:
        return mine
    mask = bytearray(mine)
    for slot, taker in fallbacks(ring, total, orphans, available):
        mask[slot] = taker == shard
    return bytes(mask)
