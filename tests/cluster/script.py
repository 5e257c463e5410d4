"""A world for a reflector without sockets or waiting: answers by script, a clock that only waits move, a sink that remembers."""

import random
from collections.abc import Callable, Mapping
from typing import Any

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.errors import Cancelled, Unavailable
from ksm_shard.cluster.protocols import Events, Pages
from ksm_shard.cluster.reader import Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.cluster.versions import older
from ksm_shard.wire.codec import INITIAL_EVENTS_END, Codec, Event, ListPage, ProtobufCodec
from tests.wire.dicts import Dicts

Step = list[Any]  # pages or events to yield, errors to raise, functions to call in between
CODEC = Dicts()


def thing(uid: str, version: int) -> dict[str, Any]:
    """An object that has no more than its identity."""
    return {"metadata": {"uid": uid, "resourceVersion": str(version)}}


def page(*uids: str, version: int = 10, following: str = "", shard_selector: str = "") -> ListPage:
    """A page of objects."""
    return ListPage([thing(uid, 1) for uid in uids], str(version), following, shard_selector)


def added(uid: str, version: int) -> Event:
    """An ADDED event."""
    return Event("ADDED", thing(uid, version))


def deleted(uid: str, version: int) -> Event:
    """A DELETED event."""
    return Event("DELETED", thing(uid, version))


def bookmark(version: int) -> Event:
    """A BOOKMARK, which is about no object."""
    return Event("BOOKMARK", thing("", version))


def listed(version: int) -> Event:
    """The bookmark that ends the initial events of a WatchList."""
    item = thing("", version)
    item["metadata"]["annotations"] = {INITIAL_EVENTS_END: "true"}
    return Event("BOOKMARK", item)


def failure(code: int, seconds: int = 0) -> Event:
    """An ERROR event with that code."""
    details = {"details": {"retryAfterSeconds": seconds}} if seconds else {}
    return Event("ERROR", {"kind": "Status", "code": code, "message": "no", **details})


class Sink:
    """Holds uids, as a store would: all at once at the end of a list, one by one in a watch."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.log: list[str] = []
        self._listed: set[str] | None = None

    def start_list(self) -> None:
        self.log.append("start_list")
        self._listed = set()

    def start_adding(self) -> None:
        self.log.append("start_adding")

    def put(self, codec: Codec, item: Any) -> None:
        uid, _ = codec.identity(item)
        if uid == "odd":
            raise RuntimeError("an odd object")
        self.held.add(uid)
        if self._listed is not None:
            self._listed.add(uid)

    change = put

    def drop(self, codec: Codec, item: Any) -> None:
        self.held.discard(codec.identity(item)[0])

    def end_list(self, resource_version: str) -> None:
        self.log.append(f"end_list {resource_version}")
        self.held, self._listed = self._listed or set(), None

    def end_adding(self, resource_version: str) -> None:
        self.log.append(f"end_adding {resource_version}")

    def abort_list(self) -> None:
        self.log.append("abort_list")
        self._listed = None


class Observer:
    """Writes down what it hears, without the bytes."""

    def __init__(self) -> None:
        self.lists: list[str] = []
        self.watches: list[str] = []
        self.relists: list[str] = []
        self.events: list[str] = []
        self.states: list[str] = []
        self.failed_items = 0
        self.on_list = self.lists.append
        self.on_watch = self.watches.append
        self.ends: list[str] = []
        self.on_watch_end = self.ends.append
        self.on_relist = self.relists.append
        self.on_event = self.events.append
        self.on_state = self.states.append

    def on_failed_item(self) -> None:
        self.failed_items += 1

    def on_bytes(self, size: int) -> None:
        pass


class World:
    """A reflector of a scripted API server, which stops when the script ends. Also its clock and its stop."""

    def __init__(self, *steps: Step, watch_list: bool = False, **target: Any) -> None:
        """Play the steps, one for each request; without `watch_list` that is refused before the first."""
        self.steps = list(steps)
        self.watch_list = watch_list
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.waits: list[float] = []
        self.refusals: list[int] = []  # in a row, at each wait
        self.now = 0.0
        self.removed = False  # says discovery
        self.newest: list[
            str
        ] = []  # what the server says of its version, each time that it is asked; then nothing against ours
        self.checks = 0
        self.call = Call()  # of the last request
        self.sink, self.observer = Sink(), Observer()
        self._stopped = False
        self.reflector = Reflector(
            Target("/api/v1/things", **target),
            self,
            self.sink,
            self.observer,
            stop=self,
            clock=lambda: self.now,
            rng=random.Random(1),
        )
        if not watch_list:
            self.reflector._lister._pages_until = float("inf")

    def play(self) -> "World":
        self.reflector.run()
        return self

    @property
    def asked(self) -> list[str]:
        """The requests in short: "list", "stream", or "watch" and the version to go on from."""
        return [name if name != "watch" else f"watch {query['resourceVersion']}" for name, query in self.requests]

    def later(self, seconds: float) -> Callable[[], None]:
        """Return a step's function that lets time pass."""

        def pass_time() -> None:
            self.now += seconds

        return pass_time

    def silence(self, seconds: float) -> Callable[[], None]:
        """Return a step's function that lets time pass without a byte, for as long as the call puts up with it."""

        def be_silent() -> None:
            if not self.call.answered:
                self.call.succeed()
            self.now += min(seconds, self.call.within)
            if seconds >= self.call.within:
                raise Unavailable("/api/v1/things", "timed out")

        return be_silent

    def pages(self, query: Mapping[str, str], call: Call) -> Pages:
        self.requests.append(("list", dict(query)))
        for one in self._next(call):
            yield CODEC, one

    def events(self, query: Mapping[str, str], call: Call) -> Events:
        self.requests.append(("stream" if "sendInitialEvents" in query else "watch", dict(query)))
        for one in self._next(call):
            yield (ProtobufCodec() if isinstance(one.item, bytes) else CODEC), one

    def lacks(self, call: Call) -> bool:
        return self.removed

    def is_behind(self, version: str, call: Call) -> bool:
        self.checks += 1
        return bool(self.newest) and older(self.newest.pop(0), version)

    def _next(self, call: Call) -> Any:
        self.call = call
        if not self.steps:
            self.requests.pop()
            self.set()
            raise Cancelled("/api/v1/things", "the script is over")
        for one in self.steps.pop(0):
            if callable(one):
                one()
            elif isinstance(one, Exception):
                raise one
            else:
                if not call.answered:
                    call.succeed()
                yield one
            if call.cancelled:
                raise Cancelled("/api/v1/things", "cancelled")
        if not call.answered:
            call.succeed()

    def is_set(self) -> bool:
        return self._stopped

    def set(self) -> None:
        self._stopped = True

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        self.refusals.append(self.reflector.refusals)
        self.now += timeout
        return self._stopped
