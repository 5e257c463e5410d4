"""Watch one target, going on from where the last watch ended if the server still knows of that.

A watch that was cut may have been cut by a restore of etcd from a backup. A real API server does not tell whoever resumes
from a version that it has yet to reach: it sends neither events nor bookmarks below it (seen with 1.36). So after a cut the
newest version is asked for first: of etcd, as the cache of one API server may lag behind those of the others.
"""

import random
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.errors import Cancelled, Forbidden, Gone, NotFound, Restored, Unsupported
from ksm_shard.cluster.lister import WATCH, watch_query
from ksm_shard.cluster.protocols import Api, Events, Observer, Opened
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.silence import Silence

# Seconds before its time that a watch may end and have ended by itself.
EARLY: Final = 1.0
# Ends that say nothing of whether the server was away: it has answered, or what follows is a list.
UNCUT: Final = frozenset(kind.result for kind in (Cancelled, Gone, Restored, Forbidden, NotFound, Unsupported))


class Watches:
    """The watches of one target, one at a time.

    Attributes:
        cut: whether the last watch was cut, and the server has not been heard since.
    """

    def __init__(
        self, target: Target, api: Api, observer: Observer, clock: Callable[[], float], rng: random.Random
    ) -> None:
        """Take what to watch, where, who counts, a clock in seconds, and the source of the length of watches."""
        self._target = target
        self._api = api
        self._observer = observer
        self._clock = clock
        self._rng = rng
        self._silence = Silence(clock)
        self._listed: Opened | None = None  # a WatchList whose list has ended, to be watched on
        self._open = False
        self._ends = float("-inf")
        self.cut = False

    def listed(self, rest: Opened | None) -> None:
        """Go on with the rest of a WatchList, or anew from its version: the server was heard."""
        self._listed, self.cut = rest, False

    def leave(self) -> None:
        """Close the rest of a WatchList that is not to be watched on."""
        if self._listed is not None:
            self._listed.events.close()
            self._listed = None

    def events(self, version: str, new_call: Callable[[Callable[[], None] | None], Call]) -> Events:
        """Yield the events after a version. `new_call` makes the call of each request, given what is called at its answer.

        Raises:
            Restored: the server is behind that version.
            RequestError, WireError: as Reader, and Stalled.
        """
        self._open = False
        if self._listed is not None:
            opened, self._listed = self._listed, None
            self._opened()
        else:
            if self.cut and self._api.is_behind(version, new_call(None)):
                raise Restored(self._target.path, f"the API server has gone back to before version {version}")
            seconds = self._rng.randint(*WATCH)
            query = {**watch_query(seconds), "resourceVersion": version, **self._target.selectors()}
            call = new_call(self._opened)
            opened = Opened(self._api.events(query, call), call, self._clock() + seconds)
        self._ends = opened.ends
        yield from self._silence.bounded(opened)

    def ended(self, result: str) -> None:
        """Count how a watch ended, or why it could not be opened."""
        (self._observer.on_watch_end if self._open else self._observer.on_watch)(result)
        if result == "ok":
            self.cut = self._clock() < self._ends - EARLY
        elif result not in UNCUT:
            self.cut = True

    def _opened(self) -> None:
        self._open, self.cut = True, False
        self._observer.on_watch("ok")
