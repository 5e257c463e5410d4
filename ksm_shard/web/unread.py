"""Pages that only slow readers keep in memory: bounded, by letting readers go.

A scrape holds the pages that it began with until its client has read them. While nothing changes, those are the store's own and
cost nothing; each that is replaced meanwhile is kept for its readers alone. Their bytes are counted once a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from ksm_shard.store.pages import Body, Sized, held
from ksm_shard.web.limits import UNREAD

# Seconds within which a scrape is never let go: it is sent in less than one, and pages are written at 30 MB a second at most.
YOUNG: Final = 1.0


@dataclass(eq=False)
class UnreadScrape:
    """One scrape under way.

    Attributes:
        cut: ends it.
        began: when, by the clock.
        retired: what the store had replaced by then.
        bodies: what its client reads.
    """

    cut: Callable[[], None]
    began: float
    retired: int
    bodies: Sequence[Body] = field(default=())


class Unread:
    """The scrapes under way."""

    def __init__(
        self, retired: Callable[[], int], dropped: Callable[[str], None], clock: Callable[[], float], most: int = UNREAD
    ) -> None:
        """Call `dropped` for each that is let go.

        Args:
            retired: tells how many bytes of pages were replaced since the start.
            dropped: counts a connection that was closed, by reason.
            clock: seconds.
            most: bytes of replaced pages that readers may hold together.
        """
        self._retired, self._dropped, self._clock, self._most = retired, dropped, clock, most
        self._readings: dict[UnreadScrape, None] = {}
        self._lock = Lock()

    def start(self, cut: Callable[[], None]) -> UnreadScrape:
        """Begin a scrape, before its pages are taken."""
        with self._lock:
            reading = UnreadScrape(cut, self._clock(), self._retired())
            self._readings[reading] = None
        return reading

    def end(self, reading: UnreadScrape) -> None:
        """Forget a scrape."""
        with self._lock:
            self._readings.pop(reading, None)

    def look(self) -> int:
        """Let slow readers go until the rest holds no more than allowed; return the bytes that it may hold.

        From the newest to the oldest, each pays for the pages that no newer one holds: for as many bytes of them as were replaced
        since it began, as the others are the store's own.
        """
        with self._lock:
            readings = [reading for reading in reversed(self._readings) if reading.bodies]
        now = self._clock()
        if all(now - reading.began < YOUNG for reading in readings):
            return 0
        bodies, pages = set[int](), set[int]()
        total = 0
        for reading in readings:
            known, fresh = _distinct(reading, bodies, pages)
            size = min(sum(map(held, fresh.values())), self._retired() - reading.retired)
            if total + size > self._most and now - reading.began >= YOUNG:
                self._dropped("unread")
                self.end(reading)
                reading.cut()
                continue
            total += size
            bodies |= known
            pages |= fresh.keys()
        return total


def _distinct(reading: UnreadScrape, bodies: set[int], pages: set[int]) -> tuple[set[int], dict[int, Sized]]:
    """Return what a reading holds beside these: bodies, and pages, by their identity. They live as long as it does."""
    known = {id(body): body for body in reading.bodies if id(body) not in bodies}
    kept = (page.kept for body in known.values() for page in body.pages)
    fresh = {id(page): page for page in kept if id(page) not in pages}
    return set(known), fresh
