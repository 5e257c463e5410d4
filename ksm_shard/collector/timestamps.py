"""Timestamps on samples of leaving slots (`--handover-timestamps`).

Prometheus goes on to show a series with timestamps after its target has stopped writing it, until another shard writes it.
Samples without timestamps become stale as usual. Nothing of this happens without the option.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from ksm_shard.cluster.server_clock import ServerClock
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.exposed import joined
from ksm_shard.collector.freshness import catch_up
from ksm_shard.sharding.masks import ALL, NONE, difference, intersection, union
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.store.pages import Body
from ksm_shard.store.stamps import Stamp
from ksm_shard.web.scrapers import Scraper
from ksm_shard.web.source import Scrape

# Seconds by which the first timestamps for a scraper are in the future. Prometheus writes its staleness markers for the
# moment at which it began the scrape, and a sample with a later time by its own clock keeps the markers out; clocks differ
# by some ms. Until then a sample that another shard writes without a timestamp is ignored, so the lead is no longer.
LEAD: Final = 0.2
# Hand-over periods for which the former owner may write gained slots after they were loaded here: the former owner waits for
# this pod to be Ready, which the kubelet may notice late, and then for one period.
SHARED: Final = 3


class Handover:
    """The slots about to leave and those just gained. Any thread may call.

    Attributes:
        period: the hand-over period, in seconds.
        leaving: mask of slots whose samples have timestamps.
        since: the time at which the last slot began to leave that may have been written without timestamps, in seconds of the
            monotonic clock.
    """

    def __init__(
        self,
        collectors: Callable[[], Sequence[Collector]],
        ownership: Ownership,
        clock: ServerClock,
        period: float,
        *,
        on: bool,
    ) -> None:
        """Take the parts.

        Args:
            collectors: returns all collectors.
            ownership: the slots that are served.
            clock: of the API server, for the timestamps.
            period: the hand-over period, in seconds.
            on: whether to write timestamps at all.
        """
        self._collectors = collectors
        self._ownership = ownership
        self._clock = clock
        self.period = period
        self._on = on
        self._lock = threading.RLock()
        self._gained: dict[bytes, float] = {}
        self._unshown = NONE  # slots that were gained with the change under way: if they leave at once, they always did
        self._draining = False
        self.leaving = self._shared_now = NONE
        self.since = -math.inf

    def gain(self, gained: bytes) -> None:
        """Note slots that are gained, before any of their objects is loaded."""
        if not self._on:
            return
        with self._lock:
            self._gained[gained] = time.monotonic()
            self._leave(self.leaving)
            self._unshown = gained

    def change(self, leaving: bytes) -> None:
        """Let these slots leave from now on, and no others."""
        if not self._on:
            return
        self._leave(leaving)
        for one in self._collectors():
            one.store.make_ready()

    def drain(self) -> None:
        """Let all slots leave for good: this process was told to stop."""
        if self._on and not self._draining:
            self._draining = True
            self._leave(ALL)

    def join(self, collector: Collector) -> None:
        """Apply the leaving and shared slots to the store of a collector."""
        with self._lock:  # or older slots could overwrite newer ones
            leaving, shared = self.leaving, self._shared_now
            collector.store.leave(None if leaving == NONE else leaving, None if shared == NONE else shared)

    def forget_farewells(self, heard: float) -> None:
        """End farewells that every scraper has had.

        These are the ones to series that ended before `heard`.
        """
        for one in self._collectors():
            one.store.forget_farewells(heard)

    def bodies(self, shown: Sequence[Collector], scrape: Scrape) -> list[Body]:
        """Return the bodies of a scrape for the given collectors."""
        # Locked, or slots could begin to leave between the choice of the timestamp and the reading of the samples.
        with self._lock:
            stamp = self._stamp(scrape.scraper, openmetrics=scrape.openmetrics)
            return joined(
                family for one in shown for family in one.exposed(openmetrics=scrape.openmetrics, stamp=stamp)
            )

    def _leave(self, leaving: bytes) -> None:
        catch_up(self._collectors())
        for one in self._collectors():
            one.flush()  # events from before this change need no farewell: no scrape has shown what they end
        with self._lock:
            if self._draining:
                leaving = ALL
            shown, self._unshown = difference(self._ownership.mask, self._unshown), NONE
            if intersection(difference(leaving, self.leaving), shown) != NONE:
                self.since = time.monotonic()
            self.leaving, self._shared_now = leaving, self._shared()
            for one in self._collectors():
                self.join(one)

    def _shared(self) -> bytes:
        """Return the slots gained so recently that another pod may still write them."""
        now, unloaded = time.monotonic(), difference(self._ownership.mask, self._ownership.loaded())
        shared = NONE
        for mask, since in self._gained.copy().items():
            if intersection(mask, unloaded) != NONE:
                self._gained[mask] = now
            elif since + SHARED * self.period < now:
                del self._gained[mask]
                continue
            shared = union(shared, mask)
        return shared

    def _stamp(self, scraper: Scraper, *, openmetrics: bool) -> Stamp | None:
        """Return the timestamp for leaving slots; None if no slot leaves.

        A scraper that has had no timestamp yet gets one in the future.
        """
        if self.leaving == NONE:
            return None
        lead = LEAD if scraper.began < self.since else 0.0
        if lead:
            scraper.given = time.monotonic() + lead
        try:
            return Stamp(self._clock.now() + lead, openmetrics=openmetrics)
        except ValueError:  # a clock decades off, and no answer of the server to correct it
            return None
