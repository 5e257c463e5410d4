"""Remembers scrapers, by address, name and query.

Objects that move to another shard leave only after every regular scraper, one that comes back within a period, has seen their
samples with a timestamp. Farewells of ended series are kept for every scraper that was here within a period, and for one period if
none was: a scraper may not have found this process yet. A scraper that stays away therefore delays nothing for longer than a
period. At most MOST scrapers are remembered.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

# Two Prometheus servers, an agent and a few people are ten. Clients that invent more identities do not displace regular scrapers.
MOST: Final = 64


@dataclass(slots=True, eq=False)
class Scraper:
    """A client that scrapes. Times are those of the monotonic clock.

    Attributes:
        began: beginning of the last scrape that was read to its end; -inf before the first.
        gap: seconds between the beginnings of the last two such scrapes.
        given: end of the time for which timestamps already sent lie in the future; until then Prometheus ignores samples
            without a timestamp.
        ahead: value of `given` as of the last scrape that was read to its end.
        heard: beginning of the last scrape of which no sample was ignored.
    """

    began: float = -math.inf
    gap: float = math.inf
    given: float = -math.inf
    ahead: float = -math.inf
    heard: float = -math.inf


class Scrapers:
    """The known scrapers. All methods may be called from any thread.

    Attributes:
        period: seconds within which a regular scraper comes again.
    """

    def __init__(self, period: float, on_scraped: Callable[[], None] = lambda: None) -> None:
        """Take the period, in seconds, and a function to call after each completed scrape."""
        self.period = period
        self._on_scraped = on_scraped
        self._all: dict[int, Scraper] = {}
        self._lock = Lock()

    def find(self, *identity: str | bytes | None) -> Scraper:
        """Return the scraper of that identity, or a new one, which only `completed` remembers."""
        return self._all.get(hash(identity)) or Scraper()

    def completed(self, scraper: Scraper, began: float, *identity: str | bytes | None) -> None:
        """Record a scrape that was read to its end.

        `began` is the time of its beginning.
        """
        with self._lock:
            if began > scraper.began:
                scraper.gap, scraper.began = began - scraper.began, began
                if began > scraper.ahead:
                    scraper.heard = began
                scraper.ahead = scraper.given
            self._remember(hash(identity), scraper, began)
        self._on_scraped()

    def scraped(self, now: float) -> float:
        """Return the latest time since which all regular scrapers have completed a scrape.

        Return inf if there are none.
        """
        with self._lock:
            return min((one.heard for one in self._all.values() if self._counts(one, now)), default=math.inf)

    def heard(self, now: float) -> float:
        """Return the latest time since which all present scrapers, regular or not, have completed a scrape.

        Return the time a period ago if there are none.
        """
        with self._lock:
            return min((one.heard for one in self._all.values() if self._is_here(one, now)), default=now - self.period)

    def expected(self, now: float) -> float | None:
        """Return when the next scrape of a regular scraper is to begin; None if none is expected."""
        with self._lock:
            nexts = [one.began + one.gap for one in self._all.values() if self._counts(one, now)]
        return min((begin for begin in nexts if begin > now), default=None)

    def _remember(self, key: int, scraper: Scraper, now: float) -> None:
        if key not in self._all and len(self._all) >= MOST:
            others = [known for known, one in self._all.items() if not self._counts(one, now)]
            if not others:
                return
            del self._all[min(others, key=lambda known: self._all[known].began)]
        self._all[key] = scraper

    def _counts(self, scraper: Scraper, now: float) -> bool:
        return scraper.gap <= self.period and self._is_here(scraper, now)

    def _is_here(self, scraper: Scraper, now: float) -> bool:
        return now - scraper.began <= self.period
