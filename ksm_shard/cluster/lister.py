"""Read every object of a target, as a WatchList where the server has it, else as pages."""

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ANSWER_TIMEOUT
from ksm_shard.cluster.errors import Unavailable, Unsupported
from ksm_shard.cluster.protocols import Api, Events
from ksm_shard.cluster.reader import Target
from ksm_shard.wire.codec import Codec, Event, Raw
from ksm_shard.wire.frames import WireError

log = logging.getLogger(__name__)

# Seconds that a watch may last, random so that those of a fleet do not end all at once: client-go's figures.
WATCH: Final = (300, 600)
# Seconds without an object after which the initial events are not waited for: that long may a page take as well. A server
# that does not know sendInitialEvents says no more than any watch does after its objects, or after nothing at all; waited for
# to the stream's end, it took five to ten minutes to fall back to pages.
SILENCE: Final = ANSWER_TIMEOUT
# Seconds for which pages are read where a WatchList was refused: for good would be until the next restart, and it may have been
# an API server that is being updated, or a proxy in between.
PAGES: Final = 3600.0
# The objects of a list as the first events of a watch (KEP-3157). Measured with 20,000 pods of 4 KB: 20 us of CPU a pod
# here and 50 us in the API server, the same as pages of 500, but it is done in 0.8 s instead of 1.2 s, neither side
# holds a page, and the watch goes on in the same stream.
INITIAL_EVENTS: Final = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


def watch_query(seconds: int) -> dict[str, str]:
    """Return the query of any watch that is to last that long."""
    return {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}


class Lister:
    """Reads lists of one target, and remembers what the server can do.

    Attributes:
        filtered_by: the shardSelector that the server says it has applied to the last list; "" if it has not.
    """

    def __init__(self, target: Target, api: Api, clock: Callable[[], float], rng: random.Random) -> None:
        """Take what to list, from where, a clock in seconds, and the source of the length of streams."""
        self._target = target
        self._api = api
        self._clock = clock
        self._rng = rng
        self._pages_until = float("-inf")
        self.filtered_by = ""

    def read(
        self, put: Callable[[Codec, Raw], None], apply: Callable[[Codec, Event], None], call: Call
    ) -> tuple[str, Events | None]:
        """Put every object, or apply its event; return the list's version and the rest of the stream if it was one.

        Raises:
            RequestError, WireError: as Reader; what was put until then is not all.
        """
        selectors = self._target.selectors()
        # A limit needs pages. So does server-side sharding: only a page says whether the selector was applied.
        if self._clock() >= self._pages_until and not self._target.object_limit and "shardSelector" not in selectors:
            return self._read_stream(selectors, apply, call)
        return self._read_pages(selectors, put, call), None

    def fall_back(self, reason: Unsupported) -> bool:
        """Read pages for a while from now on; tell whether that is a change."""
        if self._clock() < self._pages_until:
            return False
        log.info("no WatchList, reading pages: %s", reason)
        self._pages_until = self._clock() + PAGES
        return True

    def _read_pages(self, selectors: Mapping[str, str], put: Callable[[Codec, Raw], None], call: Call) -> str:
        version, limit = "", self._target.object_limit
        page_size = min(self._target.page_size, limit or self._target.page_size)
        query = {"limit": str(page_size), **self._version(), **selectors}
        count = 0
        with closing(self._api.pages(query, call)) as pages:
            for codec, page in pages:
                version, self.filtered_by = page.resource_version, page.shard_selector
                items = page.items[: limit - count] if limit else page.items
                for item in items:
                    put(codec, item)
                count += len(items)
                if limit and count >= limit:
                    break
        return self._checked(version)

    def _read_stream(
        self, selectors: Mapping[str, str], apply: Callable[[Codec, Event], None], call: Call
    ) -> tuple[str, Events]:
        seconds, started = self._rng.randint(*WATCH), self._clock()
        stream = self._api.events({**watch_query(seconds), **INITIAL_EVENTS, **self._version(), **selectors}, call)
        heard = started
        call.expect(SILENCE)
        try:
            for codec, event in stream:
                apply(codec, event)
                if event.type != "BOOKMARK":
                    heard = self._clock()
                elif codec.ends_initial_events(event.item):
                    call.expect(float("inf"))
                    self.filtered_by = ""
                    return self._checked(codec.identity(event.item)[1]), stream
                elif self._clock() - heard >= SILENCE:
                    break  # one that comes once a minute, as in any watch
        except Unavailable as error:
            stream.close()
            if self._clock() - heard >= SILENCE:
                raise self._endless() from error
            raise
        except BaseException:
            stream.close()
            raise
        stream.close()
        if self._clock() - heard >= SILENCE or self._clock() - started >= seconds:
            raise self._endless()
        raise Unavailable(self._target.path, "the WatchList ended before its initial events did")

    def _endless(self) -> Unsupported:
        return Unsupported(self._target.path, "a WatchList whose initial events never ended")

    def _version(self) -> Mapping[str, str]:
        version = self._target.resource_version
        return {"resourceVersion": version} if version else {}

    def _checked(self, version: str) -> str:
        if not version:
            raise WireError(f"{self._target.path}: expected a list with a resourceVersion, got one without")
        return version
