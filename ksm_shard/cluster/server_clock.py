"""Follow the API server's clock by the Date of its answers.

A Prometheus in the same cluster agrees with that clock where the local clock is wrong. A Date has whole seconds, so each
answer bounds the difference to the monotonic clock from both sides; many answers narrow the bounds.
"""

import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Final

# Seconds a second by which two uncorrected clocks drift apart, ten times the drift of quartz.
DRIFT: Final = 1e-4


class ServerClock:
    """The current time, corrected by the API server's answers. Any thread may ask."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Take the local clock, in seconds since 1970, and a monotonic one."""
        self._wall, self._monotonic = wall, monotonic
        self._lock = Lock()
        self._low, self._high, self._at = -math.inf, math.inf, 0.0  # of the server's clock less the monotonic one

    def heard(self, date: str, asked: float) -> None:
        """Note the Date of an answer and the monotonic time of its request.

        The Date is "" for an answer without one.
        """
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
        """Return seconds since 1970 by the local clock, or the server's.

        The server's clock counts where the local one cannot be right. Of the times that the server's clock may show, the
        latest is returned.
        """
        wall, monotonic = self._wall(), self._monotonic()
        with self._lock:
            return wall if self._low <= wall - monotonic <= self._high else monotonic + self._high
