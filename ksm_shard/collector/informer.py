"""One reflector in its thread: the sink it fills, and who hears of what it does."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.sink import StoreSink
from ksm_shard.status.stats import Stats

# What cannot be read because of the cluster's configuration is no reason not to serve the rest.
EXEMPT: Final = frozenset({"forbidden", "absent"})
# One refusal may be a passing one: one 403 while rights were being loaded made a shard Ready without what it was refused.
ENOUGH: Final = 2


class StatsObserver:
    """The observer of one reflector: the stats of its resource hears everything, the exporter some of it."""

    def __init__(self, stats: Stats, news: Callable[[], None]) -> None:
        """`news` is called on every change of state."""
        self._tally = stats
        self._news = news
        self.on_relist = stats.on_relist
        self.on_list = stats.on_list
        self.on_watch = stats.on_watch
        self.on_watch_end = stats.on_watch_end
        self.on_failed_item = stats.on_failed_item
        self.on_bytes = stats.on_bytes
        self.on_event = stats.on_event

    def on_state(self, state: str) -> None:
        """Tell that there is something to look at."""
        self._tally.on_state(state)
        self._news()


class Informer:
    """One reflector in its thread, with its sink."""

    def __init__(self, exported: Collector, reflector: Reflector, sink: StoreSink) -> None:
        """Name the thread after the resource, which logs and debuggers show."""
        self.exported = exported
        self.reflector = reflector
        self.sink = sink
        self.thread = threading.Thread(target=reflector.run, name=exported.resource.plural, daemon=True)

    @property
    def exempt(self) -> bool:
        """Whether it waits for rights or for an API to appear."""
        return self.reflector.state in EXEMPT and self.reflector.refusals >= ENOUGH
