"""Separate threads for scrapes, probes and all other requests, so that no kind can starve another."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ksm_shard.web.connections import Connection
from ksm_shard.web.limits import SCRAPES

# Threads for probes. An answer takes half a millisecond, and two kubelets may ask at once.
PROBES: Final = 4
# Threads that refuse scrapes above the limit, while all other threads wait for slow readers.
REFUSING: Final = 4
# Threads for pages, telemetry and /owner, and the seconds for such an answer. Its size fits the kernel's buffer even if the client
# does not read, and /owner waits up to three seconds for the API server.
OTHERS: Final = 12
OTHERS_TIMEOUT: Final = 10.0


class Lane:
    """The threads for one kind of request.

    Attributes:
        pool: the threads.
        busy: number of requests in the pool, running or queued.
        most: maximum of `busy`.
        timeout: seconds for an answer.
        blocks: a thread blocks while the client reads its answer.
    """

    def __init__(self, threads: int, most: int, timeout: float, *, blocks: bool = True) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.busy, self.most, self.timeout, self.blocks = 0, most, timeout, blocks


class Lanes:
    """All lanes of the server."""

    def __init__(self, main: Any, connections: int, write_timeout: float) -> None:
        """Divide the threads.

        Args:
            main: address that serves the metrics of the cluster.
            connections: maximum number of connections.
            write_timeout: seconds for a scrape's answer.
        """
        # About as many requests may queue as there are threads, as long as enough connections remain for requests of the other
        # lanes.
        waiting, soon = connections // 4, min(write_timeout, OTHERS_TIMEOUT)
        self._main = main
        self._probes = Lane(PROBES, connections, soon, blocks=False)
        self._scrapes = Lane(SCRAPES + REFUSING, min(2 * SCRAPES, waiting), write_timeout)
        self._others = Lane(OTHERS, min(4 * OTHERS, waiting), soon)

    def of(self, connection: Connection) -> Lane:
        """Return the lane for a connection whose request headers have been read."""
        if connection.asks_for_health():
            return self._probes
        on_main = connection.server == self._main
        return self._scrapes if on_main and connection.asks_for_metrics() else self._others

    def close(self) -> None:
        """End the threads once their work is done."""
        for lane in self._probes, self._scrapes, self._others:
            lane.pool.shutdown(wait=False)
