"""Render ahead: a thread that renders what waits shortly before the next scrape, so that the scrape need not.

Prometheus scrapes at regular times, so the time of the next scrape is known. Until then objects wait, whatever becomes of them.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from ksm_shard.collector.collector import Collector
from ksm_shard.collector.freshness import catch_up
from ksm_shard.web.scrapers import Scrapers

# Seconds before a scrape at which rendering begins: what may wait (`pending.MOST`) takes 0.06 s of a core of its own.
EARLY: Final = 1.0
# Objects that a scrape may find waiting: rendering them takes 5 ms.
FEW: Final = 16
# Seconds between two looks at what waits, shortly before a scrape.
TICK: Final = 0.05
# Seconds between renderings while no scraper comes regularly, and at most between two looks at when one comes.
IDLE: Final = 5.0


class RenderAhead:
    """Reads and renders what waits before scrapes.

    Attributes:
        thread: does so until `stop`.
    """

    def __init__(self, collectors: Callable[[], Iterable[Collector]], scrapers: Scrapers) -> None:
        """Take a function that returns all collectors, and the known scrapers."""
        self._collectors = collectors
        self._scrapers = scrapers
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._run, name="render ahead", daemon=True)

    def stop(self) -> None:
        """End the thread without waiting for it."""
        self._stop.set()

    def step(self, now: float) -> float:
        """Render what waits if it is time to; return the seconds until the next step.

        `now` is a time of the monotonic clock.
        """
        expected = self._scrapers.expected(now)
        if expected is None:
            self._flush()
            return IDLE
        early = expected - EARLY - now
        if early > 0:
            return min(early, IDLE)
        catch_up(self._collectors())
        if sum(one.waiting for one in self._collectors()) > FEW:
            self._flush()
        return TICK

    def _flush(self) -> None:
        for one in self._collectors():
            one.flush()

    def _run(self) -> None:
        while not self._stop.wait(self.step(time.monotonic())):
            pass
