"""How long to wait before asking a troubled API server again. The figures are those of client-go's reflector."""

import random
from collections.abc import Callable
from typing import Final

# client-go measured about 98 % fewer requests to an ailing server than with its former second between attempts.
FIRST: Final = 0.8
LONGEST: Final = 30.0
# Most that Retry-After is obeyed. The API server says seconds; a proxy that said a day would silence a resource for it, and
# one that said 99999999999 ended the thread, as no wait can be that long. Five minutes later nothing has changed but that.
OBEYED: Final = 300.0
# A server that fails once in two minutes is well enough to be asked again at once.
HEALTHY: Final = 120.0


class Backoff:
    """Waits that double from 0.8 to at most 30 seconds, forgotten after a healthy spell of two minutes.

    Half of each wait is random, so that the reflectors of a whole fleet do not come back all together.
    """

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        """Take a clock in seconds, and the source of the jitter."""
        self._clock = clock
        self._rng = rng
        self._failures = 0
        self._asked_again = float("-inf")  # when the last wait ends, by the clock

    def next(self, at_least: float = 0) -> float:
        """Return the seconds to wait after another failure: not less than the server asked for by Retry-After, to five minutes."""
        if self._clock() - self._asked_again >= HEALTHY:
            self._failures = 0
        wait = max(min(at_least, OBEYED), min(LONGEST / 2, FIRST * 2.0**self._failures) * self._rng.uniform(1, 2))
        self._failures = min(self._failures + 1, 10)
        self._asked_again = self._clock() + wait
        return wait
