"""Pending objects: what a watch changed and nobody has rendered yet, the newest bytes of each.

A pod that starts is six events within ten seconds, and nobody sees more than what a scrape finds. So bytes wait until a scrape
comes or is expected (`ahead.py`), or until those of all resources together are more than MOST.
"""

from threading import Lock
from typing import Final, NamedTuple

from ksm_shard.wire.codec import Codec, Raw

# Bytes of objects that may wait in a process: 250 pods of 4 kB, or 1,500 leases. Rendering them takes 0.06 s of CPU, which a
# scrape that nobody expected waits for.
MOST: Final = 1 << 20


class Allowance:
    """The bytes that may wait in the whole process. Any thread may call."""

    def __init__(self, most: int = MOST) -> None:
        """Take the number of bytes that may wait."""
        self._most = most
        self._lock = Lock()
        self._taken = 0

    @property
    def full(self) -> bool:
        """True if more bytes wait than may."""
        return self._taken > self._most

    def take(self, size: int) -> None:
        """Add to the bytes that wait; a negative size gives some back."""
        with self._lock:
            self._taken += size


class PendingObject(NamedTuple):
    """An object that waits: its newest state, not parsed yet.

    Attributes:
        codec: reads the item.
        item: the object, as bytes that keep no larger buffer in memory.
        slot, version: of the object.
        added: whether the object is new since it began to wait, so that the store does not have it.
    """

    codec: Codec
    item: Raw
    slot: int
    version: int
    added: bool


class Pending:
    """The changes of one sink that wait, by uid, the one without news for longest first.

    `add` is for one thread, and one thread at a time may call any method that removes changes.
    """

    def __init__(self, allowance: Allowance) -> None:
        """Take the allowance that all sinks share."""
        self._allowance = allowance
        self._changes: dict[str, PendingObject] = {}

    def __len__(self) -> int:
        """Return the number of objects that wait."""
        return len(self._changes)

    @property
    def full(self) -> bool:
        """True if some of these changes have to be rendered at once."""
        return self._allowance.full and bool(self._changes)

    def add(self, uid: str, change: PendingObject) -> None:
        """Let a change wait, instead of an older one of the same object."""
        former = self.take(uid)
        if former is not None and former.added:
            change = change._replace(added=True)
        self._allowance.take(len(change.item))
        self._changes[uid] = change

    def take(self, uid: str) -> PendingObject | None:
        """Remove and return the change of an object; None if none waits."""
        change = self._changes.pop(uid, None)
        if change is not None:
            self._allowance.take(-len(change.item))
        return change

    def uids(self) -> list[str]:
        """Return the uids of the objects that wait."""
        return list(self._changes)

    def take_oldest(self) -> PendingObject | None:
        """Remove and return the change of the object without news for longest."""
        return self.take(next(iter(self._changes), ""))

    def forget(self, lost: bytes) -> None:
        """Remove the objects of lost slots. `lost` is a mask."""
        for uid, change in list(self._changes.items()):
            if lost[change.slot]:
                self.take(uid)

    def clear(self) -> None:
        """Remove all objects."""
        for uid in self.uids():
            self.take(uid)

    def added(self) -> int:
        """Return the number of objects of which nothing was rendered yet."""
        return sum(change.added for change in list(self._changes.values()))
