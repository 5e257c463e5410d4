"""Watch one target, resuming where the last watch ended.

A new list is needed only when the server no longer knows that version. A restore of etcd from a backup may have cut the
last watch. A real API server does not tell a client that resumes from a version it has yet to reach: it sends neither
events nor bookmarks below that version (seen with 1.36). So after a cut the newest version is asked for first, from etcd,
because the cache of one API server may lag behind the caches of the others.
"""

import random
from collections.abc import Callable
from typing import Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.coalescing import CoalescedReads
from ksm_shard.cluster.errors import Cancelled, Forbidden, Gone, NotFound, Restored, Unsupported
from ksm_shard.cluster.lister import WATCH, watch_query
from ksm_shard.cluster.protocols import Api, Events, Observer, Opened
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.silence import Silence

# Seconds before its time by which a watch that ends still counts as ended by itself.
EARLY: Final = 1.0
# Ends that leave open whether the server was away: the server has answered, or a list follows.
UNCUT: Final = frozenset(kind.result for kind in (Cancelled, Gone, Restored, Forbidden, NotFound, Unsupported))


class Watches:
    """The watches of one target, one at a time.

    Attributes:
        cut: whether the last watch was cut, and the server has not answered since.
    """

    def __init__(
        self,
        target: Target,
        api: Api,
        observer: Observer,
        reads: CoalescedReads,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        """Take the target, API, observer, pauses between reads, clock in seconds and random source.

        The random source gives the length of watches.
        """
        self._target = target
        self._api = api
        self._observer = observer
        self._reads = reads
        self._clock = clock
        self._rng = rng
        self._silence = Silence(clock)
        self._listed: Opened | None = None  # the rest of a WatchList, to be watched next
        self._open = False
        self._ends = float("-inf")
        self.cut = False

    def listed(self, rest: Opened | None) -> None:
        """Take the rest of a WatchList for the next watch; None to open one.

        The server has answered.
        """
        self._listed, self.cut = rest, False

    def leave(self) -> None:
        """Close the rest of a WatchList without watching it."""
        if self._listed is not None:
            self._listed.events.close()
            self._listed = None

    def events(self, version: str, new_call: Callable[[Callable[[], None] | None], Call]) -> Events:
        """Yield the events after a version.

        `new_call` makes the call of each request; its argument is called at the answer.

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
        opened.call.coalesce(self._reads)
        yield from self._silence.bounded(opened)

    def ended(self, result: str) -> None:
        """Count the end of a watch, or the reason that none was opened."""
        (self._observer.on_watch_end if self._open else self._observer.on_watch)(result)
        if result == "ok":
            self.cut = self._clock() < self._ends - EARLY
        elif result not in UNCUT:
            self.cut = True

    def _opened(self) -> None:
        self._open, self.cut = True, False
        self._observer.on_watch("ok")
