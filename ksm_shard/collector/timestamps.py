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
        leaving: mask of slots whose samples have timestamps.
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
        self._period = period
        self._on = on
        self._lock = threading.RLock()
        self._since = -math.inf  # when `leaving` last grew
        self._gained: dict[bytes, float] = {}
        self._draining = False
        self.leaving = self._shared_now = NONE

    def change(self, leaving: bytes, gained: bytes) -> None:
        """Set the leaving slots, and add the gained ones; both are masks."""
        if not self._on:
            return
        self._leave(leaving, gained)
        for one in self._collectors():
            one.store.make_ready()

    def drain(self) -> None:
        """Let all slots leave for good: this process was told to stop."""
        if self._on and not self._draining:
            self._draining = True
            self._leave(ALL, NONE)

    def join(self, collector: Collector) -> None:
        """Apply the leaving and shared slots to the store of a collector."""
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
            return [body for one in shown for body in one.bodies(openmetrics=scrape.openmetrics, stamp=stamp)]

    def _leave(self, leaving: bytes, gained: bytes) -> None:
        with self._lock:
            if self._draining:
                leaving = ALL
            shared = self._shared(gained)
            if difference(leaving, self.leaving) != NONE:
                self._since = time.monotonic()
            self.leaving, self._shared_now = leaving, shared
            for one in self._collectors():
                self.join(one)

    def _shared(self, gained: bytes) -> bytes:
        """Return the slots gained so recently that another pod may still write them."""
        now, unloaded = time.monotonic(), difference(self._ownership.mask, self._ownership.loaded())
        if gained != NONE:
            self._gained[gained] = now
        shared = NONE
        for mask, since in self._gained.copy().items():
            if intersection(mask, unloaded) != NONE:
                self._gained[mask] = now
            elif since + SHARED * self._period < now:
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
        lead = LEAD if scraper.began <= self._since else 0.0
        if lead:
            scraper.given = time.monotonic() + lead
        try:
            return Stamp(self._clock.now() + lead, openmetrics=openmetrics)
        except ValueError:  # a clock decades off, and no answer of the server to correct it
            return None
