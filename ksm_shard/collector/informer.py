"""Informer: one reflector in its thread, with its sink and its observer."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.protocols import Api, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.sink import StoreSink
from ksm_shard.status.states import ReflectorState
from ksm_shard.status.stats import Stats

# Refusals in a row before an informer is exempt. One may be temporary: one 403 while the API server loaded its rights made
# a shard Ready without the refused resource.
ENOUGH: Final = 2


class StatsObserver:
    """Observer of one reflector: counts events, reports changes of state."""

    def __init__(self, stats: Stats, news: Callable[[], None]) -> None:
        """Take the stats, and the callback for changes of state."""
        self._stats = stats
        self._news = news
        self.on_relist = stats.on_relist
        self.on_list = stats.on_list
        self.on_watch = stats.on_watch
        self.on_watch_end = stats.on_watch_end
        self.on_failed_item = stats.on_failed_item
        self.on_bytes = stats.on_bytes
        self.on_event = stats.on_event

    def on_state(self, state: ReflectorState) -> None:
        """Note the reflector's new state, and call `news`."""
        self._stats.on_state(state)
        self._news()


class Informer:
    """One reflector in its thread, with its sink.

    Attributes:
        reflector, sink: the reflector, and the sink that takes its objects.
        thread: runs the reflector; named after the resource, for logs and debuggers.
    """

    def __init__(
        self, target: Target, api: Api, sink: StoreSink, observer: StatsObserver, name: str, stop: Stop | None = None
    ) -> None:
        """Make the reflector and its thread; nothing runs before the thread is started."""
        self.sink = sink
        self.reflector = Reflector(target, api, sink, observer, stop=stop)
        self.thread = threading.Thread(target=self.reflector.run, name=name, daemon=True)

    @property
    def listed(self) -> bool:
        """True if a list has ever ended well."""
        return self.sink.listed_version > 0

    @property
    def exempt(self) -> bool:
        """True if rights or the API are missing, so readiness does not wait."""
        return self.reflector.state.exempt and self.reflector.refusals >= ENOUGH
