"""Follow one resource: list it, then watch it, for ever. What was learnt stays, whatever happens to the API server.

state     what it reads                   ends well    Gone, Restored  refused           garbled or anything else
--------  ------------------------------  -----------  --------------  ----------------  ------------------------
listing   every object, replacing all     -> watching  -> listing      slowly, listing   wait, listing
adding    every object, replacing none    -> watching  -> listing      slowly, adding    wait, adding
watching  changes since the last version  -> watching  -> listing      slowly, watching  wait, watching

Refused is 403, 404 and every other 4xx but 401, 410 and 429. Lists are read as a WatchList; where that is refused as
unsupported, as pages at once and for an hour. A watch that is unsupported lists again, and so does one that is garbled
twice with nothing read in between, or that had an object which could not be read, once an hour. A watch that has stalled
is opened again at once. A 403 or 404 of what the API server's own discovery does not have is an API that is absent, and
twice in a row one that was removed: its objects are dropped, and it is listed until it is there again. A Gone or Restored
lists at once, but waits if another was less than two minutes ago. `relist_soon` breaks a watch off for adding or listing.
Waits are those of `backoff`; slowly is 30 to 60 seconds, and 1 to 2 after the first refusal of the first list or of a
server that is back. MemoryError alone ends it.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final

from ksm_shard.cluster.backoff import HEALTHY, Backoff
from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.coalescing import coalesced
from ksm_shard.cluster.delivery import TYPES, Delivery
from ksm_shard.cluster.errors import (
    Cancelled,
    Forbidden,
    Gone,
    NotFound,
    Refused,
    RequestError,
    Restored,
    Stalled,
    Unavailable,
    Unsupported,
)
from ksm_shard.cluster.lister import Lister
from ksm_shard.cluster.protocols import Api, Observer, Opened, Sink, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.results import counted
from ksm_shard.cluster.versions import older, usable
from ksm_shard.cluster.watches import Watches
from ksm_shard.status.states import ReflectorState
from ksm_shard.wire.codec import UNREADABLE, Codec, Event
from ksm_shard.wire.frames import WireError

log = logging.getLogger(__name__)

# Rights and definitions appear when somebody makes them, to whom half a minute more does not matter.
REFUSED: Final = 30.0
# A watch that ends sooner, without an event, is an API server in trouble or a proxy that cuts streams.
TOO_SHORT: Final = 1.0
# While a first list is waited for, one refusal says little: rights are being loaded, or nobody is behind a load balancer yet.
DOUBTED: Final = 1.0
# Seconds between two lists that drop what may be stale as an event could not be read: an object may be such that none can.
# Also between two that an event of a lower version asks for: the versions of an aggregated API server may have no order.
SELDOM: Final = 3600.0

State = Callable[[], "State"]


class Reflector:
    """Keeps a sink equal to what the API server holds of one target.

    Attributes, which any thread may read:
        state: a ReflectorState.
        since: when that state began, in seconds of the clock.
        synced: whether a full list has ever ended.
        resource_version: up to which the sink is equal to the server; "" before the first list, and while the API is gone.
        last_event: when the last list ended or the last event came, bookmarks included; None before the first.
        refusals: how many there were since the last list or event.
        last_error: what went wrong last; "" if nothing has since the last list or event.
    """

    def __init__(
        self,
        target: Target,
        api: Api,
        sink: Sink,
        observer: Observer,
        *,
        stop: Stop | None = None,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        """Take what to follow, from where and into what. `clock` is in seconds; `stop` is this reflector's own."""
        self._target = target
        self._api = api
        self._sink = sink
        self._observer = observer
        self._stop = stop or threading.Event()
        self._clock = clock
        self._rng = rng or random.Random()
        self._backoff = Backoff(clock, self._rng)

        self._reason = "start"  # of the next full list
        self._delivery = Delivery(target.path, sink, observer, clock)
        self._lister = Lister(target, api, clock, self._rng)
        self._watches = Watches(target, api, observer, clock, self._rng)
        self._garbled = False  # the last watch broke at a frame, and nothing was read since
        self._gone_at = self._cleaned_at = self._lower_at = float("-inf")

        self._lock = threading.Lock()  # around these three
        self._call = Call(observer.on_bytes)
        self._wanted = ""  # the reason of a list that somebody waits for
        self._interruptible = False

        self.state = ReflectorState.STARTING
        self.since = clock()
        self.synced = False
        self.resource_version = ""
        self.last_event: float | None = None
        self.refusals = 0
        self.last_error = ""

    @property
    def filtered_by(self) -> str:
        """The shardSelector that the server says it has applied to the last list; "" if it has not."""
        return self._lister.filtered_by

    def run(self) -> None:
        """Follow until stopped."""
        state: State = self.listing
        while not self._stop.is_set():
            state = self._step(state)
        self._watches.leave()
        self._enter(ReflectorState.STOPPED)

    def stop(self) -> None:
        """Make `run` return within a moment, out of a read as out of a wait. Any thread may call it."""
        self._stop.set()
        with self._lock:
            self._call.cancel()

    def relist_soon(self, reason: str) -> None:
        """List as soon as possible, breaking a watch off: "gained" only adds, every other reason replaces all.

        Any thread may call it. Several that have not begun become one, which replaces all if one of them does.
        """
        with self._lock:
            if self._wanted in {"", "gained"}:
                self._wanted = reason
            if self._interruptible:
                self._call.cancel()

    def listing(self) -> State:
        """Read every object; what is not there is gone."""
        with self._lock:
            if self._wanted not in {"", "gained"}:
                self._reason = self._wanted
            self._wanted = ""  # a full list from now on has all that was gained until now
        known = None if self._reason == Restored.result else self.resource_version
        version, rest = self._list(
            ReflectorState.LISTING, self._reason, self._sink.start_list, self._sink.end_list, known
        )
        self._watches.listed(rest)
        self._delivery.passed_over = False
        self.resource_version, self.synced = version, True
        return self.watching

    def adding(self) -> State:
        """Read every object for the sake of those that the sink wants only since a while, then watch on from before."""
        with self._lock:
            self._wanted = ""
        known = self.resource_version
        _, rest = self._list(ReflectorState.ADDING, "gained", self._sink.start_adding, self._sink.end_adding, known)
        if rest is not None:
            rest.events.close()  # it begins after changes of objects that the sink had already
        return self.watching

    def watching(self) -> State:
        """Read changes until the server ends the watch, or somebody wants a list."""
        with self._lock:
            wanted = self._wanted
            self._interruptible = not wanted
        if wanted:
            self._watches.leave()
            return self.adding if wanted == "gained" else self.listing
        if self._delivery.passed_over and self._clock() - self._cleaned_at >= SELDOM:
            self._cleaned_at, self._reason = self._clock(), "unreadable"
            return self.listing
        self._enter(ReflectorState.WATCHING)
        started, seen = self._clock(), 0
        try:
            with (
                counted(self._watches.ended),
                self._absent(),
                closing(self._watches.events(self.resource_version, self._new_call)) as changes,
            ):
                for codec, event in coalesced(changes, self._stop, self._clock):
                    seen += event.type != UNREADABLE
                    self._take(codec, event)
                if not seen and self._clock() - started < TOO_SHORT:
                    raise Unavailable(self._target.path, "the watch ended at once, without an event")
        finally:
            with self._lock:
                self._interruptible = False
        return self.watching

    def _step(self, state: State) -> State:
        """Do what the state does, and decide by the module's table what comes next and when."""
        try:
            return state()
        except Cancelled:
            return state  # by stop, or for a list that is wanted, which watching sees to
        except (Gone, Restored) as error:
            repeated = self._clock() - self._gone_at < HEALTHY
            self._gone_at = self._clock()
            self._reason = error.result
            self._fail(error, self._backoff.next() if repeated else 0)
            return self.listing
        except Stalled as error:
            self._fail(error, 0)
            return state
        except Refused as error:
            return self._after_refusal(error, state)
        except RequestError as error:
            self._fail(error, self._backoff.next(error.retry_after))
            return state
        except WireError as error:
            return self._after_garbage(error, state)
        except MemoryError:
            raise  # with nothing left there is no going on: the process ends, and says so
        except Exception as error:  # a fault of ours must not end the only thread that follows this resource
            log.exception("%s: unexpected, going on", self._target.path)
            self._fail(error, self._backoff.next())
            return state

    def _after_refusal(self, error: Refused, state: State) -> State:
        lists = state != self.watching
        if isinstance(error, Unsupported) and lists and self._lister.fall_back(error):
            return state
        if self._is_removed(error):
            log.warning("%s: the API server has it no longer, its objects are dropped", self._target.path)
            self._sink.start_list()
            self._sink.end_list("")
            self.resource_version, self._reason, state = "", error.result, self.listing
        self.refusals += 1
        doubted = self.refusals == 1 and (not self.synced or self._watches.cut)
        self._fail(error, (DOUBTED if doubted else REFUSED) * self._rng.uniform(1, 2), ReflectorState(error.result))
        if isinstance(error, Unsupported) and not lists:
            self._reason = "unsupported"
            return self.listing
        return state

    def _is_removed(self, error: Refused) -> bool:
        """Tell whether something is known of an API that is no more; a proxy's 404, or one, is no reason to forget it."""
        again = isinstance(error, NotFound) and bool(self.resource_version) and self.last_error == str(error)
        return again and self._api.lacks(self._new_call())

    def _after_garbage(self, error: WireError, state: State) -> State:
        self._fail(error, self._backoff.next())
        if state != self.watching:
            return state
        self._garbled = not self._garbled
        if self._garbled:
            return state
        self._reason = "garbled"  # watching on would read the same again
        return self.listing

    def _fail(self, error: Exception, seconds: float, state: ReflectorState = ReflectorState.WAITING) -> None:
        message = str(error) or type(error).__name__
        # An API that is absent for good is asked for about twice a minute: saying so once is enough.
        level = logging.DEBUG if message == self.last_error else logging.WARNING if seconds >= 1 else logging.INFO
        if isinstance(error, NotFound) and not self.synced:  # nothing is wrong with a cluster that never had it
            log.log(min(level, logging.INFO), "%s; skipped until the API server has it", message)
        else:
            log.log(level, "%s; next in %.1f s", message, seconds)
        self.last_error = message
        if seconds:
            self._enter(state)
            self._stop.wait(seconds)

    def _list(
        self,
        state: ReflectorState,
        reason: str,
        start: Callable[[], None],
        end: Callable[[str], None],
        known: str | None,
    ) -> tuple[str, Opened | None]:
        """Put every object; return the version of the list and, if it was a WatchList, the rest of its stream."""
        self._enter(state)
        self._observer.on_relist(reason)
        with counted(self._observer.on_list), self._absent():
            start()
            try:
                version, rest = self._lister.read(self._delivery.put, self._delivery.apply, self._new_call(), known)
                if state is ReflectorState.ADDING:
                    self._compare(version)
            except BaseException:
                self._sink.abort_list()
                raise
            end(version)
        self.last_event, self.last_error, self.refusals = self._clock(), "", 0
        return version, rest

    @contextmanager
    def _absent(self) -> Iterator[None]:
        """Take what discovery does not have for absent: RBAC answers 403 before anybody looks whether there is such an API."""
        try:
            yield
        except Forbidden as error:
            if self._api.lacks(self._new_call()):
                raise NotFound(self._target.path, "the API server does not serve it") from error
            raise

    def _compare(self, version: str) -> None:
        if older(version, self.resource_version):
            raise Restored(self._target.path, f"version {version} came after version {self.resource_version}")

    def _take(self, codec: Codec, event: Event) -> None:
        """Apply a change, and only then move the version on: foreign objects and bookmarks move it too."""
        if event.type in TYPES:
            self._observer.on_event(event.type)
        try:
            version = usable(codec.identity(event.item)[1]) if event.type != UNREADABLE else ""
        except WireError:
            version = ""
        if older(version, self.resource_version) and self._clock() - self._lower_at >= SELDOM:
            self._lower_at = self._clock()
            self._compare(version)
        self._delivery.apply(codec, event)
        if event.type == UNREADABLE:
            return
        self.resource_version = version or self.resource_version
        self.last_event, self.last_error, self._garbled, self.refusals = self._clock(), "", False, 0

    def _new_call(self, on_answer: Callable[[], None] | None = None) -> Call:
        with self._lock:
            self._call = Call(self._observer.on_bytes, on_answer)
            # Either may have come since it was last looked for, and have cancelled the call before this one.
            if self._stop.is_set() or (self._interruptible and self._wanted):
                self._call.cancel()
            return self._call

    def _enter(self, state: ReflectorState) -> None:
        self.state, self.since = state, self._clock()
        self._observer.on_state(state)
