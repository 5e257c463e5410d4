"""One reflector in its thread, with the sink that it fills and the observer that hears of it."""

import threading
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.errors import Forbidden, NotFound
from ksm_shard.cluster.protocols import Api, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.sink import StoreSink
from ksm_shard.status.states import ReflectorState
from ksm_shard.status.stats import Stats

# One refusal may be a passing one: one 403 while rights were being loaded made a shard Ready without what it was refused.
ENOUGH: Final = 2
# Seconds of refusals after which a right is taken for lost, not for being loaded: two or three of them.
LOST: Final = 90.0
# Ends of a list, and beginnings of a watch, that tell of a right, or of an API that is no more.
ANSWERS: Final = frozenset({"ok", NotFound.result})


class StatsObserver:
    """The observer of one reflector: the stats of its resource hear everything, the exporter hears of changed states.

    Attributes:
        forbidden_since: when the API server first answered 403, in seconds of the clock; None if it has answered otherwise since.
    """

    def __init__(self, stats: Stats, news: Callable[[], None], clock: Callable[[], float]) -> None:
        """Call `news` on every change of state."""
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
        """Pass on that the reflector's state changed."""
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
        reflector, sink: what lists and watches, and what takes the objects.
        thread: runs the reflector; named after the resource, as logs and debuggers show.
    """

    def __init__(
        self, target: Target, api: Api, sink: StoreSink, observer: StatsObserver, name: str, stop: Stop | None = None
    ) -> None:
        """Prepare to follow a target until `stop`; nothing runs until the thread is started."""
        self.sink = sink
        self._observer = observer
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

    def lost(self, now: float) -> bool:
        """Tell whether the objects could be read and have been forbidden for a while: what is exported is as old as that."""
        since = self._observer.forbidden_since
        return self.listed and since is not None and now - since >= LOST
