"""All objects, with one resource version for the whole server, as in etcd.

A history allows watches to resume. A stored object is never modified: a change stores a new one. Lists and watches can therefore
encode without a lock.
"""

import random
import threading
import uuid
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

# Changes of one resource to keep for resuming watches; a real watch cache keeps 100 to 100,000.
HISTORY: Final = 20_000
# Sorted lists at older versions to keep: one for each client that is reading pages.
SNAPSHOTS: Final = 16

Key = tuple[str, str]  # namespace and name, the order in which etcd lists


class Expired(Exception):
    """The changes after a resource version are compacted.

    `oldest` is the oldest version to resume from.
    """

    def __init__(self, oldest: int) -> None:
        """Take the oldest version to resume from."""
        super().__init__(f"compacted up to {oldest}")
        self.oldest = oldest


@dataclass(slots=True, eq=False)
class Stored:
    """A version of an object: its JSON without apiVersion and kind, and its encodings so far."""

    data: Mapping[str, Any]
    version: int
    encoded: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, int] = field(default_factory=dict)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata of the object."""
        meta: Mapping[str, Any] = self.data["metadata"]
        return meta

    @property
    def key(self) -> Key:
        """Namespace ("" if cluster-scoped) and name."""
        return self.metadata.get("namespace", ""), self.metadata["name"]


@dataclass(slots=True, frozen=True)
class Change:
    """A change at a resource version, of type ADDED, MODIFIED or DELETED.

    `new` of a deletion has the version of the deletion.
    """

    version: int
    type: str
    old: Stored | None
    new: Stored


class Shelf:
    """The objects of one resource; the lock of `changed` guards all attributes."""

    def __init__(self, lock: threading.RLock, oldest: int) -> None:
        """Begin without objects; `oldest` is the current resource version."""
        self.changed = threading.Condition(lock)
        self.objects: dict[Key, Stored] = {}
        self.history: list[Change] = []
        self.forgotten = 0  # number of changes dropped before history[0]
        self.oldest = oldest  # the version just before history[0]: anything older is Expired
        self._sorted: dict[int, list[Stored]] = {}

    def record(self, change: Change) -> None:
        """Apply a change and notify all waiting watches."""
        if change.type == "DELETED":
            del self.objects[change.new.key]
        else:
            self.objects[change.new.key] = change.new
        self.history.append(change)
        if len(self.history) >= 2 * HISTORY:
            self.forget(len(self.history) - HISTORY)
        self.changed.notify_all()

    def forget(self, count: int) -> None:
        """Drop the `count` oldest changes."""
        self.oldest = self.history[count - 1].version
        self.forgotten += count
        del self.history[:count]
        self._sorted.clear()

    def replace(self, objects: Mapping[Key, Stored], version: int) -> None:
        """Replace all objects; nothing can be resumed from before `version`."""
        self.objects = dict(objects)
        self.forgotten += len(self.history)
        self.history.clear()
        self._sorted.clear()
        self.oldest = version

    def after(self, version: int) -> int:
        """Return the position of the first change after a version, counted over all changes ever made.

        Raises:
            Expired: changes after that version are compacted.
        """
        if version < self.oldest:
            raise Expired(self.oldest)
        return self.forgotten + bisect_right(self.history, version, key=attrgetter("version"))

    def since(self, position: int) -> list[Change]:
        """Return the changes from a position on.

        Raises:
            Expired: some of these changes are compacted.
        """
        if position < self.forgotten:
            raise Expired(self.oldest)
        return self.history[position - self.forgotten :]

    def at(self, version: int) -> list[Stored]:
        """Return the objects as they were at a version, sorted by key.

        The list is shared: do not modify it.

        Raises:
            Expired: changes after that version are compacted.
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
    """The objects of all resources, under one lock and one resource version."""

    def __init__(self, seed: int) -> None:
        """Begin without objects; the seed determines the uids of objects put without one."""
        self.lock = threading.RLock()
        self.version = 1
        self._random = random.Random(seed)
        self._shelves: dict[str, Shelf] = {}
        self._oldest = 1
        self._backup: tuple[int, dict[str, dict[Key, Stored]]] | None = None

    def shelf(self, storage: str) -> Shelf:
        """Return the shelf of a resource, given by `ServedResource.storage`."""
        with self.lock:
            return self._shelves.setdefault(storage, Shelf(self.lock, self._oldest))

    def get(self, storage: str, key: Key) -> Stored | None:
        """Return the current version of an object, or None."""
        return self.shelf(storage).objects.get(key)

    def put(self, storage: str, data: Mapping[str, Any], *, keep_version: bool = False) -> Stored:
        """Create or replace an object.

        The data are not copied: the caller must not modify them afterwards.

        Args:
            storage: `ServedResource.storage` of its resource.
            data: the object without apiVersion and kind.
            keep_version: keep the resource version in the data, as if the object had existed before.
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
        """Remove an object and return its last version, or None if it does not exist."""
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
        """Drop all history: every version except the current one is Expired from now on."""
        with self.lock:
            self.version += 1  # expires lists at the version that was current until now
            self._oldest = self.version
            for shelf in self._shelves.values():
                if shelf.history:
                    shelf.forget(len(shelf.history))
                shelf.oldest = self.version
            self.wake()

    def back_up(self) -> None:
        """Remember all objects as they are now."""
        with self.lock:
            self._backup = self.version, {storage: dict(shelf.objects) for storage, shelf in self._shelves.items()}

    def restore(self) -> None:
        """Restore the remembered objects and their resource version; no history remains before it.

        Raises:
            ValueError: nothing was remembered.
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
        """Wake all waiting watches."""
        with self.lock:
            for shelf in self._shelves.values():
                shelf.changed.notify_all()

    def each(self, storage: str) -> Iterator[Stored]:
        """Yield the current objects of a resource, sorted by key."""
        with self.lock:
            return iter(self.shelf(storage).at(self.version))

    def _make_uid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
