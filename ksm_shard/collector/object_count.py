"""Count the objects that the API server has shown to one reflector.

A list sets the count, and events update it. With server-side filtering the count is kept by slot: slots asked for once and
no longer held (handed over, or in closed gaps between ranges) are counted by another shard, and the server may or may not
go on to send their objects.
"""

from typing import Final

from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import SERVER_SIDE, asked

# Digits of 2**64: a number with fewer digits fits into 64 bits.
DIGITS: Final = 20


class ObjectCount:
    """The count of one reflector.

    Other threads may use only `mine` and the attributes.

    Attributes:
        all: number of objects that the server has, as far as it shows them.
        listed: number of objects in the last list.
    """

    def __init__(self, ownership: Ownership) -> None:
        """Count by slot only for the ring of server-side filtering.

        70 bytes a slot make 5 MB at most.
        """
        self._ownership = ownership
        self._by_slot: dict[int, int] | None = {} if ownership.ring is SERVER_SIDE else None
        self._fresh: dict[int, int] | None = None  # of the list in progress
        self._asked = self._asking = NONE
        self._counting: int | None = None
        # After a list that adds, the watch resumes from before that list, and repeats events of objects counted by it.
        self._counted_at = 0
        self.all = self.listed = 0

    def begin(self) -> None:
        """Start a new count; the former one stays in force until `commit`."""
        self._counting = 0
        if self._by_slot is not None:
            self._fresh, self._asking = {}, asked(self._ownership.mask)

    def commit(self, replayed: int = 0) -> None:
        """Put the new count into force.

        Events up to the version `replayed` are included in it.
        """
        self.all = self.listed = self._counting or 0
        self._counted_at = replayed
        if self._fresh is not None:
            self._by_slot, self._asked = self._fresh, self._asking
        self.abort()

    def abort(self) -> None:
        """Drop the new count."""
        self._counting = self._fresh = None

    def add(self, slot: int, version: str, change: int = 1) -> None:
        """Count an object of a list or event; `change` is -1 if deleted."""
        if self._counting is not None:
            self._counting += change
        elif not self._counted_at or number(version) > self._counted_at:
            self.all += change
        else:
            return
        by_slot = self._by_slot if self._fresh is None else self._fresh
        if by_slot is not None:
            by_slot[slot] = by_slot.get(slot, 0) + change

    def mine(self) -> int:
        """Return the number of objects, less those known to belong to other shards.

        Where the server filters, this is the number of objects in the slots of this shard.
        """
        by_slot, asked_for, mask = self._by_slot, self._asked, self._ownership.mask
        if by_slot is None or asked_for == mask:
            return self.all
        # dict() copies in one step, even while the reflector's thread writes.
        return self.all - sum(count for slot, count in dict(by_slot).items() if asked_for[slot] > mask[slot])


def number(resource_version: str) -> int:
    """Return a resource version as a number, for comparison (KEP-5504).

    0 if the version is not a number of 64 bits.
    """
    return int(resource_version) if len(resource_version) < DIGITS and resource_version.isdecimal() else 0
