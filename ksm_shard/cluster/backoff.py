"""Wait times after failures: the figures of client-go's reflector."""

import random
from collections.abc import Callable
from typing import Final

# client-go measured about 98 % fewer requests to an ailing server than with its former wait of one second between attempts.
FIRST: Final = 0.8
LONGEST: Final = 30.0
# Seconds up to which Retry-After is obeyed. The API server asks for seconds. A proxy that asked for a day would silence a
# resource for a day, and one that asked for 99999999999 ended the thread, because no wait can be that long. Asking again
# after five minutes does no harm.
OBEYED: Final = 300.0
# Seconds between failures after which the waits begin anew: a server that fails once in two minutes may be asked again at
# once.
HEALTHY: Final = 120.0


class Backoff:
    """Waits that double from 0.8 to 30 seconds.

    They begin anew after two minutes without a failure. Half of each wait is random, so that the reflectors of a fleet do
    not all come back together.
    """

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        """Take a clock in seconds, and the source of the jitter."""
        self._clock = clock
        self._rng = rng
        self._failures = 0
        self._asked_again = float("-inf")  # end of the last wait, by the clock

    def next(self, at_least: float = 0) -> float:
        """Return the seconds to wait after another failure.

        `at_least` is the Retry-After of the server in seconds, obeyed up to OBEYED.
        """
        if self._clock() - self._asked_again >= HEALTHY:
            self._failures = 0
        wait = max(min(at_least, OBEYED), min(LONGEST / 2, FIRST * 2.0**self._failures) * self._rng.uniform(1, 2))
        self._failures = min(self._failures + 1, 10)
        self._asked_again = self._clock() + wait
        return wait
