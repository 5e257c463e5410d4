"""Slots that this process serves now, shared by all its threads.

Listeners are called after a change is in force: from then on objects of gained slots are taken from watches and must be
listed once; objects of lost slots are no longer taken and can be dropped. Under static sharding nothing changes after the start.
"""

import threading
from collections.abc import Callable

from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ring import Ring

Listener = Callable[[bytes, bytes], None]


class Ownership:
    """A mask of slots with a version that grows with every change.

    Attributes, to be read only (each is replaced whole, so that a reader on another thread sees the old or the new one):
        ring: the ring that divides the slots.
        mask: the slots to serve, 65,536 bytes of 0 or 1.
        version: 1 at first.
    """

    def __init__(self, ring: Ring, mask: bytes = NONE) -> None:
        self.ring = ring
        self.mask = mask
        self.version = 1
        self._unlisted = {1: mask}  # version -> slots gained with it that are not known to be loaded
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        # Guards a change and its listeners. A second lock, because dropping lost objects takes a second, in which scrapes
        # call `loaded`.
        self._changing = threading.RLock()

    def owns(self, uid: str | bytes) -> bool:
        """Return whether this process serves the object with this uid."""
        return self.mask[self.ring.slot_of(uid)] == 1

    def on_change(self, listener: Listener) -> None:
        """Call `listener(gained, lost)` after every change.

        Calls are in order, on the changing thread; the listener must be quick.
        """
        with self._lock:
            self._listeners.append(listener)

    def change(self, mask: bytes) -> None:
        """Serve the slots of `mask`; the same mask again changes nothing."""
        with self._changing:
            with self._lock:
                gained, lost = difference(mask, self.mask), difference(self.mask, mask)
                if gained == lost:  # equal only if both are empty, as no slot is gained and lost at once
                    return
                self.mask = mask
                self.version += 1
                self._unlisted[self.version] = gained
            for listener in self._listeners:
                listener(gained, lost)

    def loaded(self) -> bytes:
        """Return the served slots that every resource has been listed for."""
        with self._lock:
            mask = self.mask
            for gained in self._unlisted.values():
                mask = difference(mask, gained)
            return mask

    def confirm(self, version: int) -> None:
        """Note that every resource was listed with that version's mask, or a later one."""
        with self._lock:
            self._unlisted = {at: gained for at, gained in self._unlisted.items() if at > version}
