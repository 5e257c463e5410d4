"""Write the objects from a reflector to the store, as text.

Each is checked for its slot, parsed, rendered and put. There is one sink for each reflector. Only the uid is read before
the slot is known to be ours; objects of other shards are dropped unparsed. Objects of a list are rendered at once. Those of
a watch wait (`pending.py`), unless an order has to be kept that a later rendering would change: while a list that added is
ahead of the watch, and while series end with farewells (`ksm_shard/store/farewells.py`).

Several objects may bear a name one after another, in different slots. A list that adds shows a successor before the watch,
which resumes from its former version, has reported the end of the predecessor. So an event is checked twice: by the slot
of its uid, and, until the watch has caught up with that list, by its resource version against the row of its name (`Store`).
"""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Final

from ksm_shard.collector.object_count import ObjectCount, number
from ksm_shard.collector.pending import Allowance, Pending, PendingObject
from ksm_shard.metrics.compiler import Compiled
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.sharding.masks import NONE, difference, union
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.status.stats import Stats
from ksm_shard.store.store import Store
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.shape import MessageShape

LOG: Final = logging.getLogger(__name__)
# Seconds between log lines about one family: a bad object fails again with every change, and one line a minute is enough to
# find it.
LOG_EVERY: Final = 60.0
# The name under which errors are counted if the whole object could not be read, and no family is to blame.
WHOLE_OBJECT: Final = ""
METADATA: Final = MessageShape(PartialObjectMetadata)


class RenderErrors:
    """Rendering errors of one resource, counted, and logged once a minute for each family."""

    def __init__(self, resource: str, stats: Stats, clock: Callable[[], float]) -> None:
        """Count in the stats; log by the clock, in seconds."""
        self._resource = resource
        self._tally = stats
        self._clock = clock
        self._logged: dict[str, float] = {}

    def failed(self, family: Family, error: Exception) -> None:
        """Count a family that could not be rendered for an object."""
        self._count(family.name, error)

    def unreadable(self, error: Exception) -> None:
        """Count an object that could not be read at all."""
        self._count(WHOLE_OBJECT, error)

    def duplicated(self, count: int) -> None:
        """Count series that an object repeats."""
        self._tally.on_duplicates(count)

    def noted(self, family: Family | None, reason: str) -> None:
        """Count a value that gives no sample, or labels that collide."""
        self._tally.on_noted(family.name if family else WHOLE_OBJECT, reason)

    def _count(self, name: str, error: Exception) -> None:
        self._tally.on_render_error(name)
        now = self._clock()
        if now - self._logged.get(name, float("-inf")) >= LOG_EVERY:
            self._logged[name] = now
            LOG.warning(
                "%s: %s of an object: %s: %s", self._resource, name or "all families", type(error).__name__, error
            )


def _ignored(_error: Exception) -> None:
    """Do nothing; the callback for skipped objects before there is a reflector."""


class StoreSink:
    """The sink of one reflector: all objects, or one namespace or node.

    Any thread may call `flush`, `forget`, `end` and `waiting`, the reflector's thread all else.

    Attributes:
        seen: counts the objects that the server has, those of other shards included.
        listed_version: ownership version of the last complete list; 0 before the first.
        on_skipped: called by `flush` with the error of an object that has no readable name. Where an object does not wait, the
            caller of `put` gets that error.
    """

    def __init__(
        self,
        resource: Resource,
        compiled: Compiled,
        store: Store,
        ownership: Ownership,
        troubles: RenderErrors,
        on_listed: Callable[[], None],
        source: int,
        allowance: Allowance,
    ) -> None:
        """Put objects of owned slots into the store, as those of `source` (0 to 255).

        `on_listed` is called when a list ends well. `allowance` is for the bytes of objects that wait.
        """
        self._parse, self._key = resource.shape.parse, resource.shape.key
        self._render = compiled.render
        self._store = store
        self._ownership = ownership
        self._slot_of = ownership.ring.slot_of
        self._troubles = troubles
        self._on_listed = on_listed
        self._source = source
        self._pending = Pending(allowance)
        # Held while a change is taken from those that wait, rendered and put, so that news of it come later.
        self._rendering = Lock()
        self._keys: set[str] | None = None  # of the full list in progress
        self._adding = False
        self._version = 0
        self._ended = False
        self._lock = Lock()  # guards the three masks, from which another thread removes lost slots
        self._settled = NONE  # slots whose latest events the watch has delivered
        self._taking = NONE  # slots that the list in progress reads
        # Slots that a list added, and the version of that list. The watch resumes from before that list, so its events of
        # these slots are older, also of objects deleted since: those have no row to compare with, and only this version
        # shows that the event is old.
        self._added, self._added_at = NONE, 0
        self.seen = ObjectCount(ownership)
        self.listed_version = 0
        self.on_skipped: Callable[[Exception], None] = _ignored

    @property
    def waiting(self) -> int:
        """Number of objects that wait to be rendered."""
        return len(self._pending)

    @property
    def waiting_added(self) -> int:
        """Number of objects that wait and are not in the store yet."""
        return self._pending.added()

    def flush(self) -> None:
        """Render every object that waits when this is called, as it is by then."""
        for uid in self._pending.uids():
            with self._rendering:
                self._settle(self._pending.take(uid))
        with self._rendering:  # until then another thread may still be rendering the last one
            pass

    def end(self) -> None:
        """Let nothing wait any more: nobody will ask for it, and it would take from what may wait elsewhere."""
        self._ended = True
        with self._rendering:
            self._pending.clear()

    def start_list(self) -> None:
        """Begin a full list: objects not put before `end_list` are dropped."""
        self.flush()
        self._keys = set()
        self._begin()

    def end_list(self, resource_version: str) -> None:
        """Drop the objects not put since `start_list`.

        Scrapes have seen the former objects up to this moment.
        """
        del resource_version
        self._store.keep(self._source, self._keys or set(), self._ownership.mask)
        self._keys = None
        with self._lock:
            self._settled, self._added, self._added_at = self._taking, NONE, 0
        self.seen.commit()
        self._end()

    def abort_list(self) -> None:
        """Keep all objects: the list failed."""
        self._keys, self._adding = None, False
        self.seen.abort()

    def start_adding(self) -> None:
        """Begin a list of the gained slots, which drops nothing."""
        self.flush()
        self._adding = True
        self._begin()

    def end_adding(self, resource_version: str) -> None:
        """End a list that added objects of the gained slots.

        Later events of these slots up to the list's version are old news.
        """
        self._adding = False
        with self._lock:
            self._added, self._added_at = self._taking, number(resource_version)
        self.seen.commit(replayed=self._added_at)
        self._end()

    def forget(self, lost: bytes) -> None:
        """Mark lost slots as never listed; their objects are released."""
        with self._rendering:
            self._pending.forget(lost)
        with self._lock:
            self._settled, self._taking, self._added = (
                difference(mask, lost) for mask in (self._settled, self._taking, self._added)
            )

    def put(self, codec: Codec, item: Raw) -> None:
        """Take the object of a list or of an ADDED event."""
        uid, version = codec.identity(item)
        slot = self._slot_of(uid)
        self.seen.add(slot, version)
        if self._wants(slot):
            self._take(codec, item, uid, slot, number(version), added=True)

    def change(self, codec: Codec, item: Raw) -> None:
        """Take the object of a MODIFIED event."""
        uid, version = codec.identity(item)
        slot = self._slot_of(uid)
        if self._wants(slot):
            self._take(codec, item, uid, slot, number(version), added=False)

    def _take(self, codec: Codec, item: Raw, uid: str, slot: int, version: int, *, added: bool) -> None:
        replayed = self._is_replayed(version)
        if replayed and self._added[slot]:
            return
        listed = self._adding or self._keys is not None
        if uid and not (replayed or listed):
            if not self._store.handing_over:
                self._wait(uid, PendingObject(codec, codec.keep(item), slot, version, added))
                return
            self.flush()
        key = self._render_and_put(codec, item, slot, version, replayed=replayed, listed=listed)
        if self._keys is not None and key is not None:
            self._keys.add(key)

    def _wait(self, uid: str, change: PendingObject) -> None:
        """Let an object wait; render those without news for longest if too much waits."""
        self._pending.add(uid, change)
        if self._ended or not self._ownership.mask[change.slot]:
            # Another thread took the slot away or ended the sink, and has looked through what waits, since the check of the mask.
            with self._rendering:
                self._pending.take(uid)
        while self._pending.full:
            with self._rendering:
                self._settle(self._pending.take_oldest())

    def _settle(self, change: PendingObject | None) -> None:
        """Render and put an object that waited, if its slot is still ours."""
        if change is None or not self._ownership.mask[change.slot]:
            return
        try:
            self._render_and_put(change.codec, change.item, change.slot, change.version, replayed=False, listed=False)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a bad object costs nothing but itself
            self.on_skipped(error)

    def _render_and_put(
        self, codec: Codec, item: Raw, slot: int, version: int, *, replayed: bool, listed: bool
    ) -> str | None:
        """Render an object and put it; return its key, or None if the object is unreadable."""
        try:
            parsed = self._parse(codec, item)
            key = self._key(parsed)
            texts = self._render(parsed, codec.encoded(item))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  a bad object costs nothing but itself
            self._troubles.unreadable(error)
            # A restarted process would not have its series. The object's name may be unreadable too: then the reflector counts
            # the failure, and lists after the watch has ended.
            self._store.drop(_key(codec, item), self._source, version, replayed=replayed)
            return None
        self._store.put(key, slot, texts, self._source, version, replayed=replayed, listed=listed)
        if not self._ownership.mask[slot]:
            # Another thread took the slot away, and released its objects, between the check of the mask and the put.
            self._store.drop(key, self._source, version, replayed=replayed, lost=True)
        return key

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take the object of a DELETED event.

        Events older than the list that added the slot are taken too: the watch may have put an older state of the object.
        """
        uid, resource_version = codec.identity(item)
        slot = self._slot_of(uid)
        self.seen.add(slot, resource_version, -1)
        if not self._wants(slot):
            return
        version = number(resource_version)
        replayed = self._is_replayed(version)
        key = _key(codec, item)
        if self._store.handing_over:
            self.flush()  # another pod may have shown the state that waits, so its series need a farewell
        with self._rendering:
            self._pending.take(uid)
        self._store.drop(key, self._source, version, replayed=replayed)

    def _wants(self, slot: int) -> bool:
        """Return whether to take objects of a slot.

        The slot has to be ours and, while a list adds, one that the list reads.
        """
        return self._ownership.mask[slot] == 1 and (not self._adding or self._taking[slot] == 1)

    def _begin(self) -> None:
        """Note the slots that the new list reads.

        Read the version first: a later change of the mask belongs to a later version.
        """
        self.seen.begin()
        self._version = self._ownership.version
        with self._lock:
            settled = self._settled if self._adding else NONE
            self._taking = difference(self._ownership.mask, settled)

    def _end(self) -> None:
        self.listed_version = self._version
        self._on_listed()

    def _is_replayed(self, version: int) -> bool:
        """Return whether an event is older than a list that added.

        That list may have shown a newer state.
        """
        if self._added_at == 0 or self._adding or self._keys is not None:
            return False
        if version > self._added_at:
            with self._lock:
                self._settled, self._added, self._added_at = union(self._settled, self._added), NONE, 0
            return False
        return True


def _key(codec: Codec, item: Raw) -> str:
    """Return the key of an object of which only the metadata can be read, or is needed."""
    return METADATA.key(METADATA.parse(codec, item))
