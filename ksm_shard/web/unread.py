"""Limits the memory of replaced pages that only slow readers hold.

Beyond the limit, connections of slow readers are closed. A scrape holds its pages until its client has read them. While nothing
changes, the store holds the same pages, so they cost nothing; a page that is replaced meanwhile is kept for readers alone. The
bytes of such pages are counted once a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from ksm_shard.store.pages import Body, Sized, held
from ksm_shard.web.limits import UNREAD

# Seconds during which a scrape is never ended. A healthy scrape is sent in less than one, and pages are replaced at 30 MB a second
# at most.
YOUNG: Final = 1.0


@dataclass(eq=False)
class UnreadScrape:
    """A scrape in progress.

    Attributes:
        cut: ends the scrape.
        began: time of its beginning, by the clock of Unread.
        retired: bytes of pages that the store had replaced until then.
        bodies: the bodies that the client reads.
    """

    cut: Callable[[], None]
    began: float
    retired: int
    bodies: Sequence[Body] = field(default=())


class Unread:
    """All scrapes in progress."""

    def __init__(
        self, retired: Callable[[], int], dropped: Callable[[str], None], clock: Callable[[], float], most: int = UNREAD
    ) -> None:
        """Begin without scrapes.

        Args:
            retired: returns the bytes of pages replaced since the start.
            dropped: called with a reason for each connection that is closed.
            clock: returns the time in seconds.
            most: bytes of replaced pages that readers may hold together.
        """
        self._retired, self._dropped, self._clock, self._most = retired, dropped, clock, most
        self._readings: dict[UnreadScrape, None] = {}
        self._lock = Lock()

    def start(self, cut: Callable[[], None]) -> UnreadScrape:
        """Register a scrape; to be called before its pages are taken."""
        with self._lock:
            reading = UnreadScrape(cut, self._clock(), self._retired())
            self._readings[reading] = None
        return reading

    def end(self, reading: UnreadScrape) -> None:
        """Forget a scrape."""
        with self._lock:
            self._readings.pop(reading, None)

    def look(self) -> int:
        """End scrapes of slow readers until the others hold no more than allowed.

        Returns the bytes that these may hold. Each scrape, from newest to oldest, is charged with the pages that no newer scrape
        holds, but at most with the bytes that were replaced since its beginning, as the store still holds the other pages.
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
    """Return the bodies and pages that a scrape holds and that are not in the given sets, by id().

    The ids stay valid while the scrape holds the objects.
    """
    known = {id(body): body for body in reading.bodies if id(body) not in bodies}
    kept = (page.kept for body in known.values() for page in body.pages)
    fresh = {id(page): page for page in kept if id(page) not in pages}
    return set(known), fresh
