"""What a follower hands over becomes text in the store: whose is it, parse, render, put. One intake for each follower.

Only the uid of an object is read before it is known to be ours; the bytes of all others are dropped unparsed.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from ksm_shard.metrics.compiler import Compiled
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.slots import NONE
from ksm_shard.store.store import Store
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata

LOG: Final = logging.getLogger(__name__)
# An odd object is met again with every change: once a minute is enough to find it.
LOG_EVERY: Final = 60.0
# Counted under this name when the object as a whole could not be read: it has no families then.
WHOLE_OBJECT: Final = ""


class Tally:
    """What went wrong with the objects of one resource: numbers that the telemetry reads."""

    def __init__(self, resource: Resource, clock: Callable[[], float]) -> None:
        """Count for a resource; the clock, in seconds, spaces the log lines."""
        self._resource = resource.plural
        self._clock = clock
        self._logged: dict[str, float] = {}
        self.render_errors: Counter[str] = Counter()
        self.duplicates = 0

    def failed(self, family: Family, error: Exception) -> None:
        """Count a family of an object that could not be rendered."""
        self._count(family.name, error)

    def unreadable(self, error: Exception) -> None:
        """Count an object that could not be read at all."""
        self._count(WHOLE_OBJECT, error)

    def duplicated(self, count: int) -> None:
        """Count series that an object repeats."""
        self.duplicates += count

    def _count(self, name: str, error: Exception) -> None:
        self.render_errors[name] += 1
        now = self._clock()
        if now - self._logged.get(name, float("-inf")) >= LOG_EVERY:
            self._logged[name] = now
            LOG.warning("%s: %s of an object: %s: %s", self._resource, name or "all families", type(error).__name__, error)


class Intake:
    """The sink of one follower: all objects of a resource, or those of one namespace or node.

    Attributes:
        seen: how many objects the server has, those of other shards included.
        listed_version: version of the ownership that the last complete list was taken with, 0 before the first.
    """

    def __init__(
        self, resource: Resource, compiled: Compiled, store: Store, ownership: Ownership, tally: Tally, source: int = 0
    ) -> None:
        """Put the objects that the ownership says are ours into the store, as those of that source (0 to 255)."""
        self._message = resource.message
        self._render = compiled.render
        self._store = store
        self._ownership = ownership
        self._slot_of = ownership.ring.slot_of
        self._tally = tally
        self._source = source
        self._listed: set[str] | None = None
        self._counted = 0
        self._version = 0
        # Slots that a list added, and the version of that list: the watch goes on where it was, so it will tell older
        # news of them once more.
        self._added, self._added_at = NONE, 0
        self.seen = 0
        self.listed_version = 0

    def start_list(self) -> None:
        """Take what is put until `end_list` for all there is."""
        self._listed, self._counted = set(), 0
        self._version = self._ownership.version
        self._added = NONE

    def end_list(self, resource_version: str) -> None:
        """Forget what was not put since `start_list`: now, and not a moment sooner, the list replaces what was known."""
        del resource_version
        self._store.keep(self._source, self._listed or set())
        self.seen, self._listed = self._counted, None
        self.listed_version = self._version

    def abort_list(self) -> None:
        """Keep everything: the list broke off."""
        self._listed = None

    def start_adding(self) -> None:
        """Take what is put until `end_adding` in addition to what is there: slots were gained."""
        self._counted = 0
        self._version = self._ownership.version

    def end_adding(self, resource_version: str) -> None:
        """Note up to which version the watch, which goes on where it was, has nothing new to say of gained slots."""
        self.seen = self._counted
        self.listed_version = self._version
        self._added, self._added_at = self._ownership.mask, _number(resource_version)

    def put(self, codec: Codec, item: Raw) -> None:
        """Take an object of a list or of an ADDED or MODIFIED event."""
        self._counted += 1
        uid, version = codec.identity(item)
        slot = self._slot_of(uid)
        if not self._ownership.mask[slot] or self._is_old(slot, version):
            return
        try:
            message = codec.parse(item, self._message)
            key = _key(message)
            texts = self._render(message)
        except Exception as error:  # noqa: BLE001  an odd object never costs more than itself
            self._tally.unreadable(error)
            return
        self._store.put(key, slot, texts, self._source)
        if self._listed is not None:
            self._listed.add(key)
        if not self._ownership.mask[slot]:
            # The slot was lost, and its objects released, between our look at the mask and the put.
            self._store.drop(key, self._source)

    def drop(self, codec: Codec, item: Raw) -> None:
        """Take the object of a DELETED event."""
        uid, version = codec.identity(item)
        slot = self._slot_of(uid)
        if self._ownership.mask[slot] and not self._is_old(slot, version):
            self._store.drop(_key(codec.parse(item, PartialObjectMetadata)), self._source)

    def _is_old(self, slot: int, version: str) -> bool:
        return self._added_at > 0 and bool(self._added[slot]) and 0 < _number(version) <= self._added_at


def _key(message: Any) -> str:
    """Return what identifies the series of an object: not its uid, which a successor of the same name does not share."""
    return f"{message.metadata.namespace}/{message.metadata.name}"


def _number(resource_version: str) -> int:
    """Return a resource version as a number: they are comparable as such (KEP-5504)."""
    return int(resource_version) if resource_version.isdecimal() else 0
