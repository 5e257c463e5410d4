"""One reflector in its thread, with the sink that it fills and the observer that hears of it."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.protocols import Api, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.sink import StoreSink
from ksm_shard.status.states import ReflectorState
from ksm_shard.status.stats import Stats

# One refusal may be a passing one: one 403 while rights were being loaded made a shard Ready without what it was refused.
ENOUGH: Final = 2


class StatsObserver:
    """The observer of one reflector: the stats of its resource hear everything, the exporter hears of changed states."""

    def __init__(self, stats: Stats, news: Callable[[], None]) -> None:
        """Call `news` on every change of state."""
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
        """Pass on that the reflector's state changed."""
        self._stats.on_state(state)
        self._news()


class Informer:
    """One reflector in its thread, with its sink.

    Attributes:
        reflector, sink: what lists and watches, and what takes the objects.
        thread: runs the reflector; named after the resource, as logs and debuggers show.
    """

    def __init__(
        self, target: Target, api: Api, sink: StoreSink, observer: StatsObserver, name: str, stop: Stop | None = None
    ) -> None:
        """Prepare to follow a target until `stop`; nothing runs until the thread is started."""
        self.sink = sink
        self.reflector = Reflector(target, api, sink, observer, stop=stop)
        self.thread = threading.Thread(target=self.reflector.run, name=name, daemon=True)

    @property
    def listed(self) -> bool:
        """Whether a list has ever been complete."""
        return self.sink.listed_version > 0

    @property
    def exempt(self) -> bool:
        """Whether nobody waits for it: it waits for rights or for an API to appear."""
        return self.reflector.state.exempt and self.reflector.refusals >= ENOUGH
