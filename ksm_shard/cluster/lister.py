"""Read every object of a target: as a WatchList, else as pages."""

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.client import ANSWER_TIMEOUT
from ksm_shard.cluster.errors import Gone, Unavailable, Unsupported
from ksm_shard.cluster.protocols import Api, Opened
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.versions import usable
from ksm_shard.wire.codec import Codec, Event, Raw
from ksm_shard.wire.frames import WireError

log = logging.getLogger(__name__)

# Seconds that a watch may last, random so that the watches of a fleet do not end together: client-go's figures.
WATCH: Final = (300, 600)
# Seconds without an object after which the initial events are given up; a page may take as long. A server that does not
# know sendInitialEvents sends its objects, or nothing, and is then as silent as in any watch: waiting for the end of that
# stream delayed the fall back to pages by five to ten minutes.
SILENCE: Final = ANSWER_TIMEOUT
# Seconds for which pages are read after a WatchList was refused. Not until the next restart: the API server may be in an
# update, or a proxy in between may have refused.
PAGES: Final = 3600.0
# Lists in a row that ended because their continue token had expired, after which a list is read without a limit and so
# without a token. client-go's pager (FullListIfExpired) does so after the first; here and in the API server the whole list
# is then in memory.
EXPIRED: Final = 2
# Ask any API server's cache for a list at least as new as the resource version of the query.
NOT_OLDER: Final = {"resourceVersionMatch": "NotOlderThan"}
# Read a list as the first events of a watch (KEP-3157). Measured with 20,000 pods of 4 KB: 20 us of CPU a pod here and 50
# us in the API server, as with pages of 500; but the list is done in 0.8 s instead of 1.2 s, neither side holds a page, and
# the watch goes on in the same stream.
INITIAL_EVENTS: Final = {"sendInitialEvents": "true", **NOT_OLDER}


def watch_query(seconds: int) -> dict[str, str]:
    """Return the query of a watch that is to last for `seconds`."""
    return {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(seconds)}


class Lister:
    """Reads lists of one target and remembers the abilities of the server.

    Attributes:
        filtered_by: the shardSelector that the server says it has applied to the last list; "" if none.
    """

    def __init__(self, target: Target, api: Api, clock: Callable[[], float], rng: random.Random) -> None:
        """Take the target, the API, a clock in seconds and a random source.

        The random source gives the length of streams.
        """
        self._target = target
        self._api = api
        self._clock = clock
        self._rng = rng
        self._pages_until = float("-inf")
        self._expired = 0  # lists in a row whose token expired
        self.filtered_by = ""

    def read(
        self,
        put: Callable[[Codec, Raw], None],
        apply: Callable[[Codec, Event], None],
        call: Call,
        known: str | None = "",
    ) -> tuple[str, Opened | None]:
        """Read a list; return its version and the rest of its stream.

        `put` is called for every object of a page, `apply` for every event of a WatchList. Only a WatchList has a rest. A
        list from a cache must not be older than the version `known`; "" allows any version, None forbids caches.

        Raises:
            RequestError, WireError: as Reader raises; the objects put so far are then incomplete.
        """
        selectors = self._target.selectors()
        # A limit needs pages. Server-side sharding needs them too: only a page says that the selector was applied.
        if self._clock() >= self._pages_until and not self._target.object_limit and "shardSelector" not in selectors:
            return self._read_stream({**self._version(known), **selectors}, apply, call)
        version = self._read_pages({**self._version(known), **selectors}, put, call)
        self._expired = 0
        return version, None

    def fall_back(self, reason: Unsupported) -> bool:
        """Read pages for the next PAGES seconds; return False if already so."""
        if self._clock() < self._pages_until:
            return False
        log.info("no WatchList, reading pages: %s", reason)
        self._pages_until = self._clock() + PAGES
        return True

    def _read_pages(self, query: Mapping[str, str], put: Callable[[Codec, Raw], None], call: Call) -> str:
        version, limit = "", self._target.object_limit
        if self._expired < EXPIRED:
            query = {"limit": str(min(self._target.page_size, limit or self._target.page_size)), **query}
        count = 0
        with closing(self._api.pages(query, call)) as pages:
            try:
                for codec, page in pages:
                    version, self.filtered_by = page.resource_version, page.shard_selector
                    items = page.items[: limit - count] if limit else page.items
                    for item in items:
                        put(codec, item)
                    count += len(items)
                    if limit and count >= limit:
                        break
            except Gone:
                self._expired += 1
                raise
        return self._checked(version)

    def _read_stream(
        self, query: Mapping[str, str], apply: Callable[[Codec, Event], None], call: Call
    ) -> tuple[str, Opened]:
        seconds, started = self._rng.randint(*WATCH), self._clock()
        stream = self._api.events({**watch_query(seconds), **INITIAL_EVENTS, **query}, call)
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
                    version = self._checked(codec.identity(event.item)[1])
                    return version, Opened(stream, call, started + seconds)
                elif self._clock() - heard >= SILENCE:
                    break  # a bookmark once a minute, as in any watch
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

    def _version(self, known: str | None) -> Mapping[str, str]:
        """Return the version to ask for.

        The target names it for the first list, `known` for later ones, as in client-go.
        """
        version = self._target.resource_version
        if not version or known is None:
            return {}
        return {"resourceVersion": known, **NOT_OLDER} if known else {"resourceVersion": version}

    def _checked(self, version: str) -> str:
        if not usable(version):
            raise WireError(f"{self._target.path}: expected a list with a resourceVersion, got one without")
        return version
