"""The slots that this process serves now, shared by all its threads.

A change is heard by listeners after it holds: gained slots are taken from watches from then on and must be listed once, lost
slots are no longer taken and can be dropped at once. Static sharding is an ownership that never changes.
"""

import threading
from collections.abc import Callable

from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ring import Ring

Listener = Callable[[bytes, bytes], None]


class Ownership:
    """A mask of slots with a version that grows by one with every change.

    Attributes, to be read only (each is replaced whole, so that a reader on another thread sees the old or the new one):
        ring: the ring that the mask is about.
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
        # Around a change and those who hear of it: dropping what was lost takes a second, in which scrapes ask what is loaded.
        self._changing = threading.RLock()

    def owns(self, uid: str | bytes) -> bool:
        """Whether the object with this uid is to be served here."""
        return self.mask[self.ring.slot_of(uid)] == 1

    def on_change(self, listener: Listener) -> None:
        """Call `listener(gained, lost)` on every change, in order, on the thread that makes it: it must be quick."""
        with self._lock:
            self._listeners.append(listener)

    def change(self, mask: bytes) -> None:
        """Serve these slots from now on. The same mask again changes nothing."""
        with self._changing:
            with self._lock:
                gained, lost = difference(mask, self.mask), difference(self.mask, mask)
                if gained == lost:  # both are empty, as nothing is gained and lost at once
                    return
                self.mask = mask
                self.version += 1
                self._unlisted[self.version] = gained
            for listener in self._listeners:
                listener(gained, lost)

    def loaded(self) -> bytes:
        """Slots of the mask that every resource has been listed for."""
        with self._lock:
            mask = self.mask
            for gained in self._unlisted.values():
                mask = difference(mask, gained)
            return mask

    def confirm(self, version: int) -> None:
        """Every resource has been listed with the mask of `version` or of a later one."""
        with self._lock:
            self._unlisted = {at: gained for at, gained in self._unlisted.items() if at > version}
