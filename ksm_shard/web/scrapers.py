"""Who scrapes, by address, name and query: what is about to go waits until each has had it with a timestamp.

Only those are waited for who come again within a period; a last word about what has ended is kept for everybody who was here within
one, and for a period where nobody was: who scrapes may not have found this process yet. So nobody who stays away holds up anything
for longer than that. No more than a few dozen are remembered.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

# Two Prometheus, an agent and a few people are ten. Whoever makes up more does not push out those who come regularly.
MOST: Final = 64


@dataclass(slots=True, eq=False)
class Scraper:
    """One who scrapes.

    Attributes:
        began: when the last scrape began that was read to its end; -inf before the first.
        gap: seconds from the one before it.
        given: until when the timestamps that it is given are in the future: what is written without any before that is ignored.
        ahead: the same of the scrapes that were read.
        heard: when the last scrape began that had nothing to be ignored.
    """

    began: float = -math.inf
    gap: float = math.inf
    given: float = -math.inf
    ahead: float = -math.inf
    heard: float = -math.inf


class Scrapers:
    """All of them. Any thread may ask."""

    def __init__(self, period: float, on_scraped: Callable[[], None] = lambda: None) -> None:
        """Take the longest time, in seconds, between two scrapes of who is waited for; tell after each scrape."""
        self._period = period
        self._on_scraped = on_scraped
        self._all: dict[int, Scraper] = {}
        self._lock = Lock()

    def find(self, *identity: str | bytes | None) -> Scraper:
        """Return who that is; somebody new, whom `completed` remembers, if nobody knows."""
        return self._all.get(hash(identity)) or Scraper()

    def completed(self, scraper: Scraper, began: float, *identity: str | bytes | None) -> None:
        """Note that a scrape was read to its end."""
        with self._lock:
            if began > scraper.began:
                scraper.gap, scraper.began = began - scraper.began, began
                if began > scraper.ahead:
                    scraper.heard = began
                scraper.ahead = scraper.given
            self._remember(hash(identity), scraper, began)
        self._on_scraped()

    def scraped(self, now: float) -> float:
        """Return the latest moment such that all who come regularly have completed a scrape since; inf without anybody."""
        with self._lock:
            return min((one.heard for one in self._all.values() if self._counts(one, now)), default=math.inf)

    def heard(self, now: float) -> float:
        """Return the same of everybody; a period ago without anybody."""
        with self._lock:
            return min((one.heard for one in self._all.values() if self._is_here(one, now)), default=now - self._period)

    def _remember(self, key: int, scraper: Scraper, now: float) -> None:
        if key not in self._all and len(self._all) >= MOST:
            others = [known for known, one in self._all.items() if not self._counts(one, now)]
            if not others:
                return
            del self._all[min(others, key=lambda known: self._all[known].began)]
        self._all[key] = scraper

    def _counts(self, scraper: Scraper, now: float) -> bool:
        return scraper.gap <= self._period and self._is_here(scraper, now)

    def _is_here(self, scraper: Scraper, now: float) -> bool:
        return now - scraper.began <= self._period
