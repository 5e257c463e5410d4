"""Rings: divide slots among shards.

A uid hashes to one of 65,536 slots; a map gives each slot to a shard; a mask is the set of slots that one shard serves, one
byte of 0 or 1 for each slot, so that "is this mine?" is one look-up: `mask[slot_of(uid)]`.
"""

from __future__ import annotations  # array[int] is not an expression before Python 3.12

import hashlib
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ksm_shard.sharding.masks import SLOTS

MAX_SHARDS = 1_000  # 65 slots a shard: the coarsest grain that still balances within 5 %


def check_total(total: int) -> None:
    """Raise ValueError unless `total` is a possible number of shards."""
    if not 1 <= total <= MAX_SHARDS:
        raise ValueError(f"total shards is {total}: it must be from 1 to {MAX_SHARDS}")


@dataclass(frozen=True, eq=False)
class Ring:
    """One way to divide the slots.

    Results are pure and fixed forever: shards agree without talking to each other.

    Attributes:
        name: for settings and metrics.
        slot_of: returns the slot of a uid (text, or the same as ASCII bytes).
        growth: yields the map for 1, 2, ... MAX_SHARDS shards, slot -> shard: always the same array, changed in place. From n to
            n+1 shards slots move to the new shard only, and at most 1/(n+1) of them.
    """

    name: str
    slot_of: Callable[[str | bytes], int]
    growth: Callable[[], Iterator[array[int]]]

    def target_map(self, total: int) -> array[int]:
        """Return the map for `total` shards, slot -> shard.

        The array is cached and shared: do not change it.

        Raises:
            ValueError: `total` is not from 1 to MAX_SHARDS.
        """
        check_total(total)
        return _target_map(self, total)

    def digest(self, total: int) -> str:
        """Return 16 hex digits, equal on two shards exactly when their maps are.

        Raises:
            ValueError: `total` is not from 1 to MAX_SHARDS.
        """
        check_total(total)
        return _digest(self, total)

    def mask(self, shard: int, total: int) -> bytes:
        """Return the mask of one shard under the map for `total`.

        Raises:
            ValueError: there is no such shard.
        """
        check_total(total)
        if not 0 <= shard < total:
            raise ValueError(f"shard is {shard}: with total shards {total} it must be from 0 to {total - 1}")
        return self.select(total, bytes(shard) + b"\1" + bytes(total - shard - 1))

    def select(self, total: int, wanted: bytes) -> bytes:
        """Return the mask of all shards whose byte in `wanted` is 1.

        `wanted` has `total` bytes of 0 or 1.
        """
        return bytes(map(wanted.__getitem__, self.target_map(total)))


# A process needs the current map, the former one, and those that /owner, check and plan ask about: 128 KiB each.
@lru_cache(maxsize=8)
def _target_map(ring: Ring, total: int) -> array[int]:
    for count, owners in enumerate(ring.growth(), 1):
        if count == total:
            return owners
    raise AssertionError(f"ring {ring.name} ends before {total} shards")


@lru_cache(maxsize=64)
def _digest(ring: Ring, total: int) -> str:
    little_endian = struct.pack(f"<{SLOTS}H", *ring.target_map(total))  # s390x must agree with amd64
    return hashlib.sha256(little_endian).hexdigest()[:16]
