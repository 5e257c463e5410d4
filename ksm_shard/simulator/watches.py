"""Watches: streams of changes that end by timeout, by 410, by a fault, or when the server stops.

A watch from no version, or from version 0, first sends the existing objects. With sendInitialEvents (WatchList, KEP-3157), a
bookmark marks the end of these initial events.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ksm_shard.simulator.errors import ApiError, bad_request, expired_watch, too_large
from ksm_shard.simulator.faults import Faults
from ksm_shard.simulator.formats import Format
from ksm_shard.simulator.objects import Change, Expired, Objects, Stored
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.simulator.selection import Selection
from ksm_shard.wire.codec import INITIAL_EVENTS_END

# Seconds. A watch without a timeout ends after one to two times this, as with a real server's --min-request-timeout.
MIN_TIMEOUT: Final = 1800
# Seconds between checks for a client that has disconnected: a silent stream never writes, so the server would not notice.
LOOK_AFTER_CLIENT: Final = 5.0
# Bytes to collect before a write: 20,000 initial events written one by one would be as many system calls.
BATCH: Final = 256 << 10


class Cut(Exception):
    """The fault `drop`: the stream breaks off without an end."""


class Watch:
    """A watch request; iterate over `stream` for the bytes to send."""

    def __init__(
        self,
        objects: Objects,
        faults: Faults,
        resource: ServedResource,
        selection: Selection,
        written: Format,
        query: Mapping[str, str],
        served: Callable[[], bool],
    ) -> None:
        """Begin the watch at the current state, even if bytes are read only later.

        `served` returns False once the resource is served no longer, or anew after a change of its CRD: the watch ends.

        Raises:
            ApiError: the query is invalid.
        """
        text = query.get("resourceVersion") or "0"
        if not (text.isdecimal() and (query.get("timeoutSeconds") or "0").isdecimal()):
            raise bad_request(f'invalid resource version or timeout: "{text}", "{query.get("timeoutSeconds")}"')
        self._initial = query.get("sendInitialEvents") == "true"
        if self._initial and query.get("resourceVersionMatch") != "NotOlderThan":
            why = "resourceVersionMatch: Forbidden: sendInitialEvents requires resourceVersionMatch to be NotOlderThan"
            raise ApiError(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {why}')
        self._objects = objects
        self._faults = faults
        self._resource = resource
        self._selection = selection
        self._written = written
        self._from = 0 if self._initial else int(text)
        self._not_older = int(text) if self._initial else 0
        self._bookmarks = query.get("allowWatchBookmarks") in {"true", "1"}
        self._timeout = int(query.get("timeoutSeconds") or 0) or random.uniform(MIN_TIMEOUT, 2 * MIN_TIMEOUT)
        self._began = faults.endings
        self._served = served

    def stream(self, every: float, wanted: Callable[[], bool]) -> Iterator[bytes]:
        """Yield the bytes of the stream.

        Args:
            every: seconds between bookmarks.
            wanted: returns whether to go on; called at least every few seconds.

        Raises:
            Cut: the stream must break off here.
        """
        if self._not_older > self._objects.version:
            yield self._written.error(too_large(self._not_older, self._objects.version).status)
            return
        try:
            yield from self._stream(every, wanted)
        except Expired as gone:
            yield self._written.error(expired_watch(self._from, gone.oldest).status)

    def _stream(self, every: float, wanted: Callable[[], bool]) -> Iterator[bytes]:
        deadline = time.monotonic() + self._timeout
        shelf = self._objects.shelf(self._resource.storage)
        with self._objects.lock:
            version = self._from or self._objects.version
            position = shelf.after(version)
            present = [] if self._from else shelf.at(version)
        yield from _batched(self._written.event("ADDED", stored) for stored in self._selection.filter(present))
        if self._initial and self._bookmarks:
            yield self._bookmark(version, {INITIAL_EVENTS_END: "true"})
        bookmark = time.monotonic() + every
        while wanted():
            with self._objects.lock:
                now = time.monotonic()
                fault = self._faults.ending(self._resource.plural, self._began)
                if fault is None and self._faults.find(self._resource.plural, "stall", use=False):
                    shelf.changed.wait(0.2)  # a stall can end by the clock, without a notification
                    continue
                idle = len(shelf.history) + shelf.forgotten == position and now < min(deadline, bookmark)
                if fault is None and idle and self._served():
                    shelf.changed.wait(min(deadline - now, bookmark - now, LOOK_AFTER_CLIENT))
                served, changes = self._served(), shelf.since(position)
                version = self._objects.version
            if fault is not None:
                if fault.fault == "drop":
                    raise Cut
                raise Expired(shelf.oldest)
            position += len(changes)
            # A watch from a future version sends neither events nor bookmarks until the server has reached that version.
            yield from _batched(filter(None, (self._event(one) for one in changes if one.version > self._from)))
            now = time.monotonic()
            if now >= bookmark:
                yield from filter(None, [self._bookmark(version, {}) if self._bookmarks else b""])
                bookmark = now + every
            if now >= deadline or not (served or changes):
                return

    def _event(self, change: Change) -> bytes:
        """Return the event of a change as seen by this watch.

        Objects enter and leave its selection. Return b"" if the change is not seen.
        """
        before = change.old is not None and self._selection(change.old)
        after = change.type != "DELETED" and self._selection(change.new)
        if not (before or after):
            return b""
        kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
        if self._faults.find(self._resource.plural, "unreadable") is not None:
            return self._written.unreadable(kind)
        return self._written.event(kind, change.new)

    def _bookmark(self, version: int, annotations: Mapping[str, str]) -> bytes:
        if version < self._from:
            return b""
        meta = (
            {"resourceVersion": str(version), "annotations": annotations}
            if annotations
            else {"resourceVersion": str(version)}
        )
        return self._written.event("BOOKMARK", Stored({"metadata": meta}, version))


def _batched(events: Iterator[bytes]) -> Iterator[bytes]:
    batch = bytearray()
    for event in events:
        batch += event
        if len(batch) >= BATCH:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)
