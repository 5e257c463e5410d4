"""All objects, with one resource version for the whole server and a history to resume from, as etcd has it.

An object that was put is never changed again: a change is another object. So lists and watches encode without a lock.
"""

import random
import threading
import uuid
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

# Changes of one resource that can still be resumed from; a real watch cache keeps 100 to 100,000 of them.
HISTORY: Final = 20_000
# Lists at older versions that are kept sorted: one for each client that is in the middle of its pages.
SNAPSHOTS: Final = 16

Key = tuple[str, str]  # namespace and name: the order in which etcd lists


class Expired(Exception):
    """The changes after a resource version are no longer known. `oldest` is where they begin."""

    def __init__(self, oldest: int) -> None:
        """Take the oldest version that can still be resumed from."""
        super().__init__(f"compacted up to {oldest}")
        self.oldest = oldest


@dataclass(slots=True, eq=False)
class Stored:
    """One version of an object: its JSON without apiVersion and kind, and what it was encoded to so far."""

    data: Mapping[str, Any]
    version: int
    encoded: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The object's metadata."""
        meta: Mapping[str, Any] = self.data["metadata"]
        return meta

    @property
    def key(self) -> Key:
        """Namespace ("" if it has none) and name."""
        return self.metadata.get("namespace", ""), self.metadata["name"]


@dataclass(slots=True, frozen=True)
class Change:
    """What happened at a version: ADDED, MODIFIED or DELETED. A deleted object appears once more, with that version."""

    version: int
    type: str
    old: Stored | None
    new: Stored


class Shelf:
    """The objects of one resource. Everything in here is guarded by the lock of `changed`."""

    def __init__(self, lock: threading.RLock, oldest: int) -> None:
        """Start empty at a version."""
        self.changed = threading.Condition(lock)
        self.objects: dict[Key, Stored] = {}
        self.history: list[Change] = []
        self.forgotten = 0  # how many changes were before history[0]
        self.oldest = oldest  # the version just before history[0]: anything older is Expired
        self._sorted: dict[int, list[Stored]] = {}

    def record(self, change: Change) -> None:
        """Apply a change and tell everybody who waits."""
        if change.type == "DELETED":
            del self.objects[change.new.key]
        else:
            self.objects[change.new.key] = change.new
        self.history.append(change)
        if len(self.history) >= 2 * HISTORY:
            self.forget(len(self.history) - HISTORY)
        self.changed.notify_all()

    def forget(self, count: int) -> None:
        """Drop the oldest changes."""
        self.oldest = self.history[count - 1].version
        self.forgotten += count
        del self.history[:count]
        self._sorted.clear()

    def replace(self, objects: Mapping[Key, Stored], version: int) -> None:
        """Hold these objects instead, as of a version that nothing is known before."""
        self.objects = dict(objects)
        self.forgotten += len(self.history)
        self.history.clear()
        self._sorted.clear()
        self.oldest = version

    def after(self, version: int) -> int:
        """The position of the first change after a version, counted from the beginning of time.

        Raises:
            Expired: changes after that version have been forgotten.
        """
        if version < self.oldest:
            raise Expired(self.oldest)
        return self.forgotten + bisect_right(self.history, version, key=attrgetter("version"))

    def since(self, position: int) -> list[Change]:
        """The changes from a position on.

        Raises:
            Expired: some of them have been forgotten.
        """
        if position < self.forgotten:
            raise Expired(self.oldest)
        return self.history[position - self.forgotten :]

    def at(self, version: int) -> list[Stored]:
        """The objects as they were at a version, in order. The list is shared: do not change it.

        Raises:
            Expired: changes after that version have been forgotten.
        """
        position = self.after(version)
        found = self._sorted.get(position)
        if found is None:
            objects = dict(self.objects)
            for change in reversed(self.since(position)):
                if change.old is None:
                    del objects[change.new.key]
                else:
                    objects[change.new.key] = change.old
            found = [objects[key] for key in sorted(objects)]
            while len(self._sorted) >= SNAPSHOTS:
                del self._sorted[next(iter(self._sorted))]
            self._sorted[position] = found
        return found


class Objects:
    """The shelves of all resources under one lock and one version."""

    def __init__(self, seed: int) -> None:
        """Uids of objects that bring none follow from the seed."""
        self.lock = threading.RLock()
        self.version = 1
        self._random = random.Random(seed)
        self._shelves: dict[str, Shelf] = {}
        self._oldest = 1
        self._backup: tuple[int, dict[str, dict[Key, Stored]]] | None = None

    def shelf(self, storage: str) -> Shelf:
        """The shelf of a resource, by `Resource.storage`."""
        with self.lock:
            return self._shelves.setdefault(storage, Shelf(self.lock, self._oldest))

    def get(self, storage: str, key: Key) -> Stored | None:
        """One object as it is now."""
        return self.shelf(storage).objects.get(key)

    def put(self, storage: str, data: Mapping[str, Any], *, keep_version: bool = False) -> Stored:
        """Create or replace an object. The caller must not change the data afterwards: they are not copied.

        `keep_version` leaves the object the resource version that it brings, as if it had been here before.
        """
        meta = data["metadata"]
        with self.lock:
            shelf = self.shelf(storage)
            old = shelf.objects.get((meta.get("namespace", ""), meta["name"]))
            uid = meta.get("uid") or (old.metadata["uid"] if old else self._make_uid())
            self.version += 1
            brought = str(meta.get("resourceVersion", "")) if keep_version else ""
            if brought.isdecimal():
                self.version = max(self.version, int(brought))
            meta = {**meta, "uid": uid, "resourceVersion": brought or str(self.version)}
            new = Stored({**data, "metadata": meta}, self.version)
            shelf.record(Change(self.version, "MODIFIED" if old else "ADDED", old, new))
            return new

    def delete(self, storage: str, key: Key) -> Stored | None:
        """Remove an object and return its last version; None if there is none."""
        with self.lock:
            shelf = self.shelf(storage)
            old = shelf.objects.get(key)
            if old is None:
                return None
            self.version += 1
            meta = {**old.metadata, "resourceVersion": str(self.version)}
            new = Stored({**old.data, "metadata": meta}, self.version)
            shelf.record(Change(self.version, "DELETED", old, new))
            return new

    def compact(self) -> None:
        """Forget all history: what is not of this moment is Expired from now on."""
        with self.lock:
            self.version += 1  # so that a list of this very moment has expired too
            self._oldest = self.version
            for shelf in self._shelves.values():
                if shelf.history:
                    shelf.forget(len(shelf.history))
                shelf.oldest = self.version
            self.wake()

    def back_up(self) -> None:
        """Remember everything as it is now."""
        with self.lock:
            self._backup = self.version, {storage: dict(shelf.objects) for storage, shelf in self._shelves.items()}

    def restore(self) -> None:
        """Put back what was remembered: the version goes back too, and there is no history before it.

        Raises:
            ValueError: nothing was.
        """
        with self.lock:
            if self._backup is None:
                raise ValueError("expected a backup to restore, there is none")
            self.version, kept = self._backup
            self._oldest = self.version
            for storage, shelf in self._shelves.items():
                shelf.replace(kept.get(storage, {}), self.version)
            self.wake()

    def wake(self) -> None:
        """Let everybody who waits for a change look up."""
        with self.lock:
            for shelf in self._shelves.values():
                shelf.changed.notify_all()

    def each(self, storage: str) -> Iterator[Stored]:
        """All objects of a resource as they are now, in order."""
        with self.lock:
            return iter(self.shelf(storage).at(self.version))

    def _make_uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
