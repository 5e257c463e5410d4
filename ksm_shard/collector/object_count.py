"""How many objects the API server has shown to one reflector: what a list had, kept up by events until the next.

With server-side filtering the count knows the slots: what was asked for once and is not held any more (slots that were handed
over, gaps that were closed to ask for fewer ranges) is another shard's to count, and the server goes on to send it, or not.
"""

from typing import Final

from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import SERVER_SIDE, asked

# Those of 2**64: a number of fewer fits into 64 bits.
DIGITS: Final = 20


class ObjectCount:
    """The count of one reflector. Only `mine` may be asked for by other threads, and the attributes.

    Attributes:
        all: objects that the server has, as far as it shows them.
        listed: objects of the last list.
    """

    def __init__(self, ownership: Ownership) -> None:
        """Count by slot only where the ring is that of server-side filtering: 70 bytes a slot are 5 MB at most."""
        self._ownership = ownership
        self._by_slot: dict[int, int] | None = {} if ownership.ring is SERVER_SIDE else None
        self._fresh: dict[int, int] | None = None  # of the list under way
        self._asked = self._asking = NONE
        self._counting: int | None = None
        # After a list that adds, the watch goes on from before it, and tells again of what that list has counted.
        self._counted_at = 0
        self.all = self.listed = 0

    def begin(self) -> None:
        """Count anew from now on; what was counted stays in force until `commit`."""
        self._counting = 0
        if self._by_slot is not None:
            self._fresh, self._asking = {}, asked(self._ownership.mask)

    def commit(self, replayed: int = 0) -> None:
        """Put the new count into force; events of up to that version are in it already."""
        self.all = self.listed = self._counting or 0
        self._counted_at = replayed
        if self._fresh is not None:
            self._by_slot, self._asked = self._fresh, self._asking
        self.abort()

    def abort(self) -> None:
        """Forget the new count."""
        self._counting = self._fresh = None

    def add(self, slot: int, version: str, change: int = 1) -> None:
        """Count an object that a list has or that was added; -1 for one that was deleted."""
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
        """Return how many of them are not known to be another shard's: of a server that filters, those that are for this one."""
        by_slot, asked_for, mask = self._by_slot, self._asked, self._ownership.mask
        if by_slot is None or asked_for == mask:
            return self.all
        # dict() copies in one step, whatever the reflector's thread does meanwhile.
        return self.all - sum(count for slot, count in dict(by_slot).items() if asked_for[slot] > mask[slot])


def number(resource_version: str) -> int:
    """Return a resource version as a number, as which they are comparable (KEP-5504); 0 for what is none of 64 bits."""
    return int(resource_version) if len(resource_version) < DIGITS and resource_version.isdecimal() else 0
