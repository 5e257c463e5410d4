"""The API server's clock, by the Date of its answers: what a Prometheus of the same cluster agrees with, if the own clock is wrong.

A Date has whole seconds, so each answer bounds the difference to the monotonic clock from both sides; many narrow it down.
"""

import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final

# Seconds a second by which two clocks that nobody corrects run apart, ten times what quartz does.
DRIFT: Final = 1e-4


class ServerClock:
    """What time it is. Any thread may ask."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take the own clock, in seconds since 1970, and one that nobody sets."""
        self._wall, self._monotonic = wall, monotonic
        self._lock = Lock()
        self._low, self._high, self._at = -math.inf, math.inf, 0.0  # of the server's clock less the monotonic one

    def heard(self, date: str, asked: float) -> None:
        """Take the Date of an answer, "" for none, and when it was asked for by the monotonic clock."""
        try:
            server = parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError):
            return
        now = self._monotonic()
        low, high = server - now, server + 1 - asked
        with self._lock:
            drifted = DRIFT * (now - self._at)
            self._low, self._high, self._at = max(low, self._low - drifted), min(high, self._high + drifted), now
            if self._low > self._high:  # one of the clocks was set
                self._low, self._high = low, high

    def now(self) -> float:
        """Return seconds since 1970 by the own clock, or, where that cannot be right, the latest that the server's may show."""
        wall, monotonic = self._wall(), self._monotonic()
        with self._lock:
            return wall if self._low <= wall - monotonic <= self._high else monotonic + self._high
