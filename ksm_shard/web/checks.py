"""Checks of credentials: on threads of their own, each once however many wait for it, and few at a time.

Whoever tries many passwords or tokens must not keep others waiting: an address has two checks at most under way or waiting, so that
one more from elsewhere is the next but thirty at worst. What was granted before is renewed on a thread of its own, whatever else
waits: tokens are good for a minute, and a flood from the scraper's own address kept it out from then on. Used by the main thread
only.
"""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from ksm_shard.web.access import TOO_MANY, UNTOLD, CredentialCheck, Verdict

LOG: Final = logging.getLogger(__name__)
# Threads: the API server answers a review in milliseconds, and in three seconds at most. bcrypt takes one of them.
THREADS: Final = 4
# Checks under way or waiting, of all and of one address: 32 of bcrypt's at its usual cost take two seconds.
MOST: Final = 32
MOST_OF_ONE: Final = 2

Tell = Callable[[Verdict], None]


class Checks:
    """Checks of credentials that are under way."""

    def __init__(self, defer: Callable[..., None]) -> None:
        """Take what lets the main thread call something."""
        self._defer = defer
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="checks")
        self._renewals = ThreadPoolExecutor(1, thread_name_prefix="renewals")
        self._waiting: dict[bytes, list[Tell]] = {}
        self._renewing: set[bytes] = set()
        self._of: Counter[str] = Counter()

    def add(self, check: CredentialCheck, address: str, tell: Tell) -> None:
        """Call `tell` with the verdict: once it is there, or at once if there are too many checks."""
        if check.key in self._waiting:
            self._waiting[check.key].append(tell)
        elif check.renews:
            self._waiting[check.key] = [tell]
            self._renewing.add(check.key)
            future = self._renewals.submit(check.run)
            future.add_done_callback(lambda done: self._defer(self._renewed, check.key, done))
        elif len(self._waiting) - len(self._renewing) >= MOST or self._of[address] >= MOST_OF_ONE:
            tell(TOO_MANY)
        else:
            self._waiting[check.key] = [tell]
            self._of[address] += 1
            future = self._pool.submit(check.run)
            future.add_done_callback(lambda done: self._defer(self._done, check.key, address, done))

    def close(self) -> None:
        """Let the threads end."""
        for pool in self._pool, self._renewals:
            pool.shutdown(wait=False, cancel_futures=True)

    def _done(self, key: bytes, address: str, done: "Future[Verdict]") -> None:
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]
        self._tell(key, done)

    def _renewed(self, key: bytes, done: "Future[Verdict]") -> None:
        self._renewing.discard(key)
        self._tell(key, done)

    def _tell(self, key: bytes, done: "Future[Verdict]") -> None:
        error = None if done.cancelled() else done.exception()
        if error is not None:
            LOG.error("credentials could not be checked, and whoever showed them gets 500", exc_info=error)
        verdict = UNTOLD if done.cancelled() or error is not None else done.result()
        for tell in self._waiting.pop(key):
            tell(verdict)
