"""What of all that is served is about to go, or has just come, and the timestamps that a scrape has of it.

With timestamps Prometheus goes on to show a series that is not written any more, until another shard goes on with it. What has
none is tracked as ever. Nothing of this happens unless it is asked for (`--handover-timestamps`).
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

# Seconds by which the first timestamps that somebody is given are in the future. Prometheus writes staleness markers then, for
# the moment at which it began the scrape, and a sample that is later by its own clock keeps them out: clocks differ by some ms.
# Meanwhile a sample that another shard writes without a timestamp is ignored, so no longer than that.
LEAD: Final = 0.2
# Hand-over periods for which the one who had slots before may go on to write them after they were loaded here: it waits for this to
# be Ready, which the kubelet may notice late, and for one period.
SHARED: Final = 3


class Handover:
    """The slots that are about to go and those that have just come. Any thread may call.

    Attributes:
        leaving: slots whose samples have timestamps.
        since: when the last of them that may have been written without began to have; seconds of the monotonic clock.
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
        """Take what returns all collectors, the hand-over period in seconds, and whether to write timestamps at all."""
        self._collectors = collectors
        self._ownership = ownership
        self._clock = clock
        self._period = period
        self._on = on
        self._lock = threading.RLock()
        self._gained: dict[bytes, float] = {}
        self._unshown = NONE  # slots that were gained with the change under way: if they leave at once, they always did
        self._draining = False
        self.leaving = self._shared_now = NONE
        self.since = -math.inf

    def gain(self, gained: bytes) -> None:
        """Take note of slots that are gained, before anything of them is loaded."""
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
        """Let all slots leave, for good: this process was told to stop."""
        if self._on and not self._draining:
            self._draining = True
            self._leave(ALL)

    def join(self, collector: Collector) -> None:
        """Let the objects of a collector leave as all others do."""
        with self._lock:  # or what is read here could be put into the store after what came later
            leaving, shared = self.leaving, self._shared_now
            collector.store.leave(None if leaving == NONE else leaving, None if shared == NONE else shared)

    def forget_farewells(self, heard: float) -> None:
        """End farewells to series that ended before that moment: everybody has had them."""
        for one in self._collectors():
            one.store.forget_farewells(heard)

    def bodies(self, shown: Sequence[Collector], scrape: Scrape) -> list[Body]:
        """Return what a scrape has of some resources."""
        # Or something could begin to leave between the look at what the scraper has had, and the samples.
        with self._lock:
            stamp = self._stamp(scrape.scraper, openmetrics=scrape.openmetrics)
            return [body for one in shown for body in one.bodies(openmetrics=scrape.openmetrics, stamp=stamp)]

    def _leave(self, leaving: bytes) -> None:
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
        """Return the slots that were gained so recently that another may still have them."""
        now, unloaded = time.monotonic(), difference(self._ownership.mask, self._ownership.loaded())
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
        """Return the timestamp of what is about to go, ahead of time for who has not had one yet."""
        if self.leaving == NONE:
            return None
        lead = LEAD if scraper.began < self.since else 0.0
        if lead:
            scraper.given = time.monotonic() + lead
        try:
            return Stamp(self._clock.now() + lead, openmetrics=openmetrics)
        except ValueError:  # a clock that is decades off, and no answer that says so
            return None
