"""What a reflector hands over becomes text in the store: whose is it, parse, render, put. One sink for each reflector.

Only the uid of an object is read before it is known to be ours; the bytes of all others are dropped unparsed.

A name may belong to several objects, one after another, whose slots differ. A list that adds shows a successor before the watch,
which goes on from where it was, has told of its predecessor's end. So an event is judged twice: by the slot of its uid, whether it
is to be taken at all, and, while the watch has not caught up with that list, by its resource version, whether the row that its
name has is newer (`Store`).
"""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Any, Final

from ksm_shard.collector.object_count import ObjectCount, number
from ksm_shard.metrics.compiler import Compiled
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.sharding.masks import NONE, difference, union
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.status.stats import Stats
from ksm_shard.store.store import Store
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata

LOG: Final = logging.getLogger(__name__)
# An odd object is met again with every change: once a minute is enough to find it.
LOG_EVERY: Final = 60.0
# Counted under this name when the object as a whole could not be read: it has no families then.
WHOLE_OBJECT: Final = ""


class RenderErrors:
    """What goes wrong with the objects of one resource: counted, and logged once a minute for each family."""

    def __init__(self, resource: str, stats: Stats, clock: Callable[[], float]) -> None:
        """Count in the stats; the clock, in seconds, spaces the log lines."""
        self._resource = resource
        self._tally = stats
        self._clock = clock
        self._logged: dict[str, float] = {}

    def failed(self, family: Family, error: Exception) -> None:
        """Count a family of an object that could not be rendered."""
        self._count(family.name, error)

    def unreadable(self, error: Exception) -> None:
        """Count an object that could not be read at all."""
        self._count(WHOLE_OBJECT, error)

    def duplicated(self, count: int) -> None:
        """Count series that an object repeats."""
        self._tally.on_duplicates(count)

    def _count(self, name: str, error: Exception) -> None:
        self._tally.on_render_error(name)
        now = self._clock()
        if now - self._logged.get(name, float("-inf")) >= LOG_EVERY:
            self._logged[name] = now
            LOG.warning(
                "%s: %s of an object: %s: %s", self._resource, name or "all families", type(error).__name__, error
            )


class StoreSink:
    """The sink of one reflector: all objects of a resource, or those of one namespace or node.

    Attributes:
        seen: counts the objects that the server has, those of other shards included.
        listed_version: version of the ownership that the last complete list was taken with, 0 before the first.
    """

    def __init__(
        self,
        resource: Resource,
        compiled: Compiled,
        store: Store,
        ownership: Ownership,
        troubles: RenderErrors,
        on_listed: Callable[[], None],
        source: int = 0,
    ) -> None:
        """Put the objects that the ownership says are ours into the store, as those of that source (0 to 255).

        `on_listed` is called whenever a list is complete.
        """
        self._message = resource.message
        self._render = compiled.render
        self._store = store
        self._ownership = ownership
        self._slot_of = ownership.ring.slot_of
        self._troubles = troubles
        self._on_listed = on_listed
        self._source = source
        self._keys: set[str] | None = None  # of the full list that is under way
        self._adding = False
        self._version = 0
        self._lock = Lock()  # around the three masks, which slots that are lost leave from another thread
        self._settled = NONE  # slots that the watch has the latest news of
        self._taking = NONE  # slots that the list under way is about
        # Slots that a list added, and the version of that list: the watch goes on where it was, so it has older news of
        # them, and of objects that are no more: without a row, only these tell that they are old.
        self._added, self._added_at = NONE, 0
        self.seen = ObjectCount(ownership)
        self.listed_version = 0

    def start_list(self) -> None:
        """Take what is put until `end_list` for all there is."""
        self._keys = set()
        self._begin()

    def end_list(self, resource_version: str) -> None:
        """Forget what was not put since `start_list`: now, and not a moment sooner, the list replaces what was known."""
        del resource_version
        self._store.keep(self._source, self._keys or set(), self._ownership.mask)
        self._keys = None
        with self._lock:
            self._settled, self._added, self._added_at = self._taking, NONE, 0
        self.seen.commit()
        self._end()

    def abort_list(self) -> None:
        """Keep everything: the list broke off."""
        self._keys, self._adding = None, False
        self.seen.abort()

    def start_adding(self) -> None:
        """Take what is put until `end_adding` for all there is of the slots that were gained."""
        self._adding = True
        self._begin()

    def end_adding(self, resource_version: str) -> None:
        """Note up to which version the watch, which goes on where it was, has nothing new to say of gained slots."""
        self._adding = False
        with self._lock:
            self._added, self._added_at = self._taking, number(resource_version)
        self.seen.commit(replayed=self._added_at)
        self._end()

    def forget(self, lost: bytes) -> None:
        """Count slots as never listed: they were lost, and their objects released."""
        with self._lock:
            self._settled, self._taking, self._added = (
                difference(mask, lost) for mask in (self._settled, self._taking, self._added)
            )

    def put(self, codec: Codec, item: Raw) -> None:
        """Take an object of a list or of an ADDED event."""
        uid, version = codec.identity(item)
        slot = self._slot_of(uid)
        self.seen.add(slot, version)
        self._take(codec, item, slot, version)

    def change(self, codec: Codec, item: Raw) -> None:
        """Take the object of a MODIFIED event."""
        uid, version = codec.identity(item)
        self._take(codec, item, self._slot_of(uid), version)

    def _take(self, codec: Codec, item: Raw, slot: int, resource_version: str) -> None:
        if not self._wants(slot):
            return
        version = number(resource_version)
        replayed = self._is_replayed(version)
        if replayed and self._added[slot]:
            return
        try:
            message = codec.parse(item, self._message)
            key = _key(message)
            texts = self._render(message)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  an odd object never costs more than itself
            self._troubles.unreadable(error)
            # Its name may be unreadable as well. The reflector hears of that, and lists once the watch has ended.
            self._drop(codec, item, version, replayed)
            return
        listed = self._adding or self._keys is not None
        self._store.put(key, slot, texts, self._source, version, replayed=replayed, listed=listed)
        if self._keys is not None:
            self._keys.add(key)
        if not self._ownership.mask[slot]:
            # The slot was lost, and its objects released, between our look at the mask and the put.
            self._store.drop(key, self._source, version, replayed=replayed, lost=True)

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take the object of a DELETED event.

        Even one from before the list that added its slot: the watch may have put an older state of the object until then.
        """
        uid, resource_version = codec.identity(item)
        slot = self._slot_of(uid)
        self.seen.add(slot, resource_version, -1)
        if self._wants(slot):
            version = number(resource_version)
            self._drop(codec, item, version, self._is_replayed(version))

    def _drop(self, codec: Codec, item: Raw, version: int, replayed: bool) -> None:
        """Drop the series of an object that is gone, or unreadable: a fresh process would not have them."""
        self._store.drop(_key(codec.parse(item, PartialObjectMetadata)), self._source, version, replayed=replayed)

    def _wants(self, slot: int) -> bool:
        """Tell whether a slot is ours, and not one that the watch knows better than the list under way."""
        return self._ownership.mask[slot] == 1 and (not self._adding or self._taking[slot] == 1)

    def _begin(self) -> None:
        """Note what the list that begins is about: the version first, as a mask that changes meanwhile is a later one's."""
        self.seen.begin()
        self._version = self._ownership.version
        with self._lock:
            settled = self._settled if self._adding else NONE
            self._taking = difference(self._ownership.mask, settled)

    def _end(self) -> None:
        self.listed_version = self._version
        self._on_listed()

    def _is_replayed(self, version: int) -> bool:
        """Tell whether the watch has not caught up with a list that added, which may have shown something newer."""
        if self._added_at == 0 or self._adding or self._keys is not None:
            return False
        if version > self._added_at:
            with self._lock:
                self._settled, self._added, self._added_at = union(self._settled, self._added), NONE, 0
            return False
        return True


def _key(message: Any) -> str:
    """Return what identifies the series of an object: not its uid, which a successor of the same name does not share."""
    return f"{message.metadata.namespace}/{message.metadata.name}"
