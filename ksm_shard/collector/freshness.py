"""Have the informers read what the API server has sent, before somebody looks at the objects."""

import time
from collections.abc import Iterable
from typing import Final

from ksm_shard.collector.collector import Collector

# Seconds to wait at most: a scrape is to take less than 0.1 s, for whatever else it has to do.
WITHIN: Final = 0.05


def catch_up(collectors: Iterable[Collector]) -> None:
    """Have all informers read what is in their sockets, and wait for it, for WITHIN seconds at most."""
    pauses = [informer.reflector.reads for one in collectors for informer in one.informers]
    for one in pauses:
        one.resume()
    deadline = time.monotonic() + WITHIN
    for one in pauses:
        one.wait(max(0.0, deadline - time.monotonic()))
