"""A small Prometheus: scrapes, staleness, and the results of queries.

what a scrape brings                      what becomes of it
----------------------------------------  --------------------------------------------------------------------------
a sample without a timestamp              gets the time at which the scrape began, and its series is tracked
a sample with a timestamp                 keeps that, and its series is not tracked: track_timestamps_staleness is off
one no later than the last of its series  out of order: ignored, and not tracked unless the target is new to the series
no sample of a series that was tracked    a staleness marker, of the time at which the scrape began
nothing, as it failed                     the same: markers for all that was tracked
nothing any more, as its target is gone   the same, two intervals and a tenth later, of the time of the first of them

A query sees the last sample of a series up to its time, unless that is a marker or older than five minutes. The label
`instance` is dropped from samples, so a series is what a target writes.
"""

from collections.abc import Iterator
from typing import Final

# Seconds for which a sample is seen.
LOOKBACK: Final = 300.0
# Samples that are kept of a series: some seconds of those of two shards, for queries that are not about this moment.
KEPT: Final = 8

# A sample: seconds since 1970, and its value as it was written; None is a staleness marker.
Sample = tuple[float, str | None]


def samples(text: str) -> Iterator[tuple[str, str, float | None]]:
    """Yield series, value and timestamp of each sample in a text."""
    for line in text.split("\n"):
        if not line or line[0] == "#":
            continue
        # A value and a timestamp have no brace in them, and label values may have anything.
        name, brace, rest = line.rpartition("}")
        series, words = (name + brace, rest.split()) if brace else (line.split(" ", 1)[0], line.split(" ")[1:])
        yield series, words[0], int(words[1]) / 1000 if len(words) > 1 else None


class Head:
    """The last samples of all series, of all targets."""

    def __init__(self) -> None:
        self._series: dict[str, list[Sample]] = {}

    def append(self, series: str, time: float, value: str | None) -> bool:
        """Add a sample; return False if it was out of order."""
        kept = self._series.get(series)
        if kept is None:
            self._series[series] = [(time, value)]
            return True
        last, same = kept[-1]
        if time <= last:
            return time == last and value == same
        kept.append((time, value))
        if len(kept) > KEPT:
            del kept[0]
        return True

    def visible(self, now: float) -> dict[str, str]:
        """Return the result of a query at that time: series -> value."""
        found = {}
        for series, kept in self._series.items():
            for time, value in reversed(kept):
                if time <= now:
                    if value is not None and time > now - LOOKBACK:
                        found[series] = value
                    break
        return found

    def forget(self, now: float) -> None:
        """Drop the series that no query from then on sees."""
        self._series = {series: kept for series, kept in self._series.items() if kept[-1][0] > now - LOOKBACK}


class ScrapeTarget:
    """The bookkeeping of the scrapes of one target.

    Attributes:
        tracked: the series of its last scrape that get a marker when they end.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._known: set[str] = set()
        self.tracked: frozenset[str] = frozenset()

    def scraped(self, began: float, text: str) -> None:
        """Take a scrape; "" if it failed, or the target is gone."""
        tracked, known = set(), set()
        for series, value, stamp in samples(text):
            in_order = self._head.append(series, began if stamp is None else stamp, value)
            if stamp is None and (in_order or series not in self._known):
                tracked.add(series)
            known.add(series)
        for series in self.tracked - tracked:
            self._head.append(series, began, None)
        self.tracked, self._known = frozenset(tracked), known
