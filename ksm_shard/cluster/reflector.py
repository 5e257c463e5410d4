"""Keep a sink equal to one resource: list, then watch, forever.

An outage of the API server never removes objects from the sink.

state     reads                           ends well    Gone, Restored  refused           garbled or anything else
--------  ------------------------------  -----------  --------------  ----------------  ------------------------
listing   every object, replacing all     -> watching  -> listing      slowly, listing   wait, listing
adding    every object, replacing none    -> watching  -> listing      slowly, adding    wait, adding
watching  changes since the last version  -> watching  -> listing      slowly, watching  wait, watching

- Refused: 403, 404 and every other 4xx but 401, 410 and 429.
- Unsupported: a refused WatchList is read as pages at once, and for an hour. A refused watch lists again.
- Garbled: a watch lists again when two in a row are garbled and nothing was read in between.
- Unreadable objects: a watch that skipped one lists again, once an hour.
- Stalled: the watch is opened again at once.
- Absent: a 403 or 404 for a resource that the API server's discovery lacks. Twice in a row means removed: its objects are
  dropped, and it is listed until it exists again.
- Gone or Restored: lists at once, or after a wait if another was less than two minutes ago.
- `relist_soon` interrupts a watch for adding or listing.
- Waits are those of `backoff`. Slowly is 30 to 60 seconds; 1 to 2 after the first refusal of the first list, or of a
  server that is back.
- MemoryError alone ends the reflector.
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
from ksm_shard.cluster.coalescing import SHORT, CoalescedReads
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

# Seconds to wait after a refusal, at least. Rights and definitions appear when an administrator makes them, and half a
# minute more does no harm.
REFUSED: Final = 30.0
# Seconds. A watch that ends sooner, without an event, is an API server in trouble or a proxy that cuts streams.
TOO_SHORT: Final = 1.0
# Seconds to wait after the first refusal of the first list, at least. One refusal proves little: the server may be loading
# its rights, or the load balancer may have no server yet.
DOUBTED: Final = 1.0
# Seconds between two lists that an unreadable event asks for, to drop objects that may be stale: some object may be unreadable
# in every list. Also between two lists that an event of a lower version asks for: the versions of an aggregated API server may
# have no order.
SELDOM: Final = 3600.0

State = Callable[[], "State"]


class Reflector:
    """Keeps a sink equal to one target of the API server.

    Attributes, which any thread may read:
        state: a ReflectorState.
        reads: the pauses between the reads of a watch.
        since: when that state began, in seconds of the clock.
        synced: whether a full list has ever ended.
        resource_version: of the server's state that the sink equals; "" before the first list, and while the API is absent.
        last_event: when the last list ended or the last event came, bookmarks included; None before the first.
        refusals: number of refusals since the last list or event.
        last_error: the last error; "" after a list or an event.
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
        pause: float = SHORT,
    ) -> None:
        """Take the target, where to read and where to put objects.

        `clock` is in seconds; `stop` belongs to this reflector alone. `pause` is the number of seconds for which the events of
        a watch may stay in the socket.
        """
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
        self.pass_over = self._delivery.pass_over
        self._lister = Lister(target, api, clock, self._rng)
        self.reads = CoalescedReads(pause)
        self._watches = Watches(target, api, observer, self.reads, clock, self._rng)
        self._garbled = False  # the last watch was garbled, and nothing was read since
        self._gone_at = self._cleaned_at = self._lower_at = float("-inf")

        self._lock = threading.Lock()  # guards the next three
        self._call = Call(observer.on_bytes)
        self._wanted = ""  # the reason of a list requested by `relist_soon`
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
        """The shardSelector that the server applied to the last list; "" if none.

        The server itself says so in the list.
        """
        return self._lister.filtered_by

    def run(self) -> None:
        """List and watch until stopped."""
        state: State = self.listing
        while not self._stop.is_set():
            state = self._step(state)
        self._watches.leave()
        self._enter(ReflectorState.STOPPED)

    def stop(self) -> None:
        """Make `run` return within a moment, whether reading or waiting.

        Any thread may call this.
        """
        self._stop.set()
        with self._lock:
            self._call.cancel()

    def relist_soon(self, reason: str) -> None:
        """Request a list as soon as possible, interrupting a watch.

        Any thread may call this. The reason "gained" requests a list that only adds; every other reason a full list.
        Pending requests merge into one; it is a full list if any asked for one.
        """
        with self._lock:
            if self._wanted in {"", "gained"}:
                self._wanted = reason
            if self._interruptible:
                self._call.cancel()

    def listing(self) -> State:
        """Read every object, and drop the others."""
        with self._lock:
            if self._wanted not in {"", "gained"}:
                self._reason = self._wanted
            self._wanted = ""  # a full list from now on includes every slot gained until now
        known = None if self._reason == Restored.result else self.resource_version
        version, rest = self._list(
            ReflectorState.LISTING, self._reason, self._sink.start_list, self._sink.end_list, known
        )
        self._watches.listed(rest)
        self._delivery.passed_over = False
        self.resource_version, self.synced = version, True
        return self.watching

    def adding(self) -> State:
        """Read every object for the gained slots, then resume the former watch."""
        with self._lock:
            self._wanted = ""
        known = self.resource_version
        _, rest = self._list(ReflectorState.ADDING, "gained", self._sink.start_adding, self._sink.end_adding, known)
        if rest is not None:
            rest.events.close()  # that watch starts after changes to objects the sink had before
        return self.watching

    def watching(self) -> State:
        """Read changes until the server ends the watch, or a list is requested."""
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
                for codec, event in changes:
                    seen += event.type != UNREADABLE
                    self._take(codec, event)
                if not seen and self._clock() - started < TOO_SHORT:
                    raise Unavailable(self._target.path, "the watch ended at once, without an event")
        finally:
            self.reads.leave()
            with self._lock:
                self._interruptible = False
        return self.watching

    def _step(self, state: State) -> State:
        """Run a state; wait; return the next state, by the module's table."""
        try:
            return state()
        except Cancelled:
            return state  # by `stop`, or for a requested list, which `watching` starts
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
            raise  # without memory nothing can go on: the process ends and says so
        except Exception as error:  # a fault of ours must not end the only thread of this resource
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
        """Return whether an API whose objects are known was removed.

        One 404, or that of a proxy, does not prove it.
        """
        again = isinstance(error, NotFound) and bool(self.resource_version) and self.last_error == str(error)
        return again and self._api.lacks(self._new_call())

    def _after_garbage(self, error: WireError, state: State) -> State:
        self._fail(error, self._backoff.next())
        if state != self.watching:
            return state
        self._garbled = not self._garbled
        if self._garbled:
            return state
        self._reason = "garbled"  # resuming the watch would read the same bytes again
        return self.listing

    def _fail(self, error: Exception, seconds: float, state: ReflectorState = ReflectorState.WAITING) -> None:
        message = str(error) or type(error).__name__
        # An API that is absent for good is asked for about twice a minute: one line in the log is enough.
        level = logging.DEBUG if message == self.last_error else logging.WARNING if seconds >= 1 else logging.INFO
        if isinstance(error, NotFound) and not self.synced:  # a cluster that never had the API is not in error
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
        """Put every object; return the list's version and the rest of its stream.

        Only a WatchList has a rest.
        """
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
        """Turn a 403 for a resource that discovery lacks into NotFound.

        RBAC refuses a request before the API server looks for the API.
        """
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
        """Apply an event, then advance the version.

        Events of other shards' objects, and bookmarks, advance the version too.
        """
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
            # Either may have been set since it was last checked, and have cancelled only the previous call.
            if self._stop.is_set() or (self._interruptible and self._wanted):
                self._call.cancel()
            return self._call

    def _enter(self, state: ReflectorState) -> None:
        self.state, self.since = state, self._clock()
        self._observer.on_state(state)
