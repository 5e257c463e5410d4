"""Informer: one reflector in its thread, with its sink and its observer."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.coalescing import LONG
from ksm_shard.cluster.errors import Forbidden, NotFound
from ksm_shard.cluster.protocols import Api, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.sink import StoreSink
from ksm_shard.status.states import ReflectorState
from ksm_shard.status.stats import Stats

# Refusals in a row before an informer is exempt. One may be temporary: one 403 while the API server loaded its rights made
# a shard Ready without the refused resource.
ENOUGH: Final = 2
# Seconds of refusals after which a right is taken for lost, not for being loaded: two or three of them.
LOST: Final = 90.0
# Ends of a list, and beginnings of a watch, that tell of a right, or of an API that is no more.
ANSWERS: Final = frozenset({"ok", NotFound.result})


class StatsObserver:
    """Observer of one reflector: counts events, reports changes of state.

    Attributes:
        forbidden_since: when the API server first answered 403, in seconds of the clock; None if it has answered otherwise since.
    """

    def __init__(self, stats: Stats, news: Callable[[], None], clock: Callable[[], float]) -> None:
        """Take the stats, the callback for changes of state, and a clock in seconds."""
        self._stats = stats
        self._news = news
        self._clock = clock
        self.forbidden_since: float | None = None
        self.on_relist = stats.on_relist
        self.on_watch_end = stats.on_watch_end
        self.on_failed_item = stats.on_failed_item
        self.on_bytes = stats.on_bytes
        self.on_event = stats.on_event

    def on_list(self, result: str) -> None:
        """Pass on how a list ended."""
        self._stats.on_list(result)
        self._answered(result)

    def on_watch(self, result: str) -> None:
        """Pass on whether a watch was opened."""
        self._stats.on_watch(result)
        self._answered(result)

    def on_state(self, state: ReflectorState) -> None:
        """Note the reflector's new state, and call `news`."""
        self._stats.on_state(state)
        self._news()

    def _answered(self, result: str) -> None:
        """Note since when all answers are 403. A server that did not answer says nothing of rights."""
        if result == Forbidden.result:
            self.forbidden_since = self._clock() if self.forbidden_since is None else self.forbidden_since
        elif result in ANSWERS and self.forbidden_since is not None:
            self.forbidden_since = None
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
        self._observer = observer
        self.reflector = Reflector(target, api, sink, observer, stop=stop, pause=LONG)
        sink.on_skipped = self.reflector.pass_over
        self.thread = threading.Thread(target=self.reflector.run, name=name, daemon=True)

    @property
    def listed(self) -> bool:
        """True if a list has ever ended well."""
        return self.sink.listed_version > 0

    @property
    def exempt(self) -> bool:
        """True if rights or the API are missing, so readiness does not wait."""
        return self.reflector.state.exempt and self.reflector.refusals >= ENOUGH

    def lost(self, now: float) -> bool:
        """Tell whether objects that were listed have been forbidden for `LOST` seconds."""
        since = self._observer.forbidden_since
        return self.listed and since is not None and now - since >= LOST
