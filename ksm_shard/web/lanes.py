"""Threads by what is asked for: scrapes, probes, and all else, so that none can take those of another."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ksm_shard.web.connections import Connection
from ksm_shard.web.limits import SCRAPES

# Threads for probes: an answer takes one for half a millisecond, and two kubelets may ask at once.
PROBES: Final = 4
# Threads to refuse a scrape that is one too many, while those of all others are waiting for their readers.
REFUSING: Final = 4
# Threads for pages, telemetry and /owner, and seconds for such an answer: it fits into the kernel's buffer for a client that
# does not read, and /owner waits for three seconds.
OTHERS: Final = 12
OTHERS_TIMEOUT: Final = 10.0


class Lane:
    """Threads for one kind of requests.

    Attributes:
        pool: the threads.
        busy: requests that have one, or wait for one.
        most: so many may.
        timeout: seconds for an answer.
        blocks: whether a thread waits for the client to read.
    """

    def __init__(self, threads: int, most: int, timeout: float, *, blocks: bool = True) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.busy, self.most, self.timeout, self.blocks = 0, most, timeout, blocks


class Lanes:
    """All threads for requests."""

    def __init__(self, main: Any, connections: int, write_timeout: float) -> None:
        """Divide them for a server of so many connections; `main` is the address that serves the objects' metrics."""
        # About as many as there are threads may wait for one, as far as connections are left for those who need none.
        waiting, soon = connections // 4, min(write_timeout, OTHERS_TIMEOUT)
        self._main = main
        self._probes = Lane(PROBES, connections, soon, blocks=False)
        self._scrapes = Lane(SCRAPES + REFUSING, min(2 * SCRAPES, waiting), write_timeout)
        self._others = Lane(OTHERS, min(4 * OTHERS, waiting), soon)

    def of(self, connection: Connection) -> Lane:
        """Return the threads for the request whose header is there."""
        if connection.asks_for_health():
            return self._probes
        on_main = connection.server == self._main
        return self._scrapes if on_main and connection.asks_for_metrics() else self._others

    def close(self) -> None:
        """Let threads end once they have nothing to do."""
        for lane in self._probes, self._scrapes, self._others:
            lane.pool.shutdown(wait=False)
