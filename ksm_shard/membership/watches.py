"""Watches of the pod's StatefulSet and its pods, with checks of their health.

A watch that has died is noticed only at its end, after 5 to 10 minutes, but slots are let go after 45 seconds. So older news
is first confirmed by another list, and a watch that stays silent is reported as a problem. A pod that has heard nothing for
`SILENT` seconds is deaf: it becomes not Ready, so that other pods do not count on it.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from ksm_shard.sharding.state import Pod, StatefulSet
from ksm_shard.status.states import ReflectorState
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.messages.apps_v1_pb2 import StatefulSet as StatefulSetMessage
from ksm_shard.wire.messages.core_v1_pb2 import Pod as PodMessage

# Seconds of silence after which a list confirms that the watch is alive, and after which the pod is deaf. A bookmark comes
# about once a minute, so one was missed by the first time, two by the second. An API server that restarts is back sooner than
# that: while it is away, kubelets cannot report a deaf pod, and none should be left to report when it is back.
ASK: Final = 90.0
SILENT: Final = 150.0
# Annotation with the port at which a pod is scraped, by a convention older than PodMonitors. Pods of one StatefulSet have one port;
# those of the demo share an address and so have different ones.
PORT: Final = "prometheus.io/port"


class HealthSource(Protocol):
    """The part of a `Reflector` that WatchHealth needs, with the reflector's own meanings."""

    state: ReflectorState
    last_event: float | None
    last_error: str

    def relist_soon(self, reason: str) -> None:
        """Ask for a list."""


class WatchHealth:
    """The health of one reflector's watch."""

    def __init__(self, what: str, reflector: HealthSource, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the name for messages, the reflector, and its clock."""
        self._what = what
        self._reflector = reflector
        self._clock = clock

    def within(self, seconds: float) -> bool:
        """Return whether an event came within `seconds`.

        If not, ask for a list, which brings news when it ends.
        """
        heard = self._reflector.last_event
        if heard is not None and self._clock() - heard <= seconds:
            return True
        if self._reflector.state is ReflectorState.WATCHING:
            self._reflector.relist_soon("stale")
        return False

    def problem(self) -> str:
        """Return why the known state may be outdated; "" if all is well.

        The reason is one line. There is none before the first answer is due.
        """
        reflector = self._reflector
        if reflector.state.refused or (reflector.last_event is None and reflector.last_error):
            return f"the {self._what} cannot be read: {reflector.last_error}"
        if reflector.last_event is None or self.within(ASK) or self._clock() - reflector.last_event <= SILENT:
            return ""
        return f"the {self._what} cannot be watched: nothing was heard for {SILENT:g} s"

    def deaf(self) -> str:
        """Return why other pods must not count on this one.

        The reason is one line; "" if they may. A refusal alone is no reason: it may be short, and hit all pods.
        """
        heard = self._reflector.last_event
        return self.problem() if heard is None or self._clock() - heard > SILENT else ""


class SilentObserver:
    """An observer that only reports news.

    The two watches of the membership have no metrics of their own.
    """

    def __init__(self, news: Callable[[], None]) -> None:
        """Take the callback for changes of state."""
        self._news = news

    def on_list(self, result: str) -> None:
        """Count nothing."""

    on_watch = on_watch_end = on_relist = on_event = on_list

    def on_failed_item(self) -> None:
        """Count nothing."""

    def on_bytes(self, size: int) -> None:
        """Count nothing."""

    def on_state(self, state: ReflectorState) -> None:
        """Call `news`."""
        del state
        self._news()


class StatefulSetSink:
    """Sink of the StatefulSet's versions, in order.

    Each is taken once; None stands for a deleted StatefulSet.
    """

    def __init__(self, news: Callable[[], None]) -> None:
        """Take the callback for new versions."""
        self._news = news
        self._listed = False
        self._waiting: deque[StatefulSet | None] = deque()
        self._last: StatefulSet | None = None
        self._known = False

    def take(self) -> list[StatefulSet | None]:
        """Return the versions since the last call.

        Without new ones return the last one again; before the first list, nothing.
        """
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if taken:
            self._last, self._known = taken[-1], True
        return taken or [self._last] * self._known

    def start_list(self) -> None:
        """Forget that the StatefulSet was listed."""
        self._listed = False

    start_adding = abort_list = start_list

    def put(self, codec: Codec, item: Raw) -> None:
        """Add a version of the StatefulSet."""
        message = codec.parse(item, StatefulSetMessage)
        spec = message.spec
        # An absent number of replicas is one (API reference, StatefulSetSpec).
        replicas = spec.replicas if spec.HasField("replicas") else 1
        self._listed = True
        self._add(StatefulSet(message.metadata.name, replicas, spec.ordinals.start))

    change = put

    def drop(self, codec: Codec, item: Raw) -> None:
        """Add None: the StatefulSet was deleted."""
        del codec, item
        self._add(None)

    def end_list(self, resource_version: str) -> None:
        """Add None if the list did not include the StatefulSet."""
        del resource_version
        if not self._listed:
            self._add(None)

    end_adding = end_list

    def _add(self, version: StatefulSet | None) -> None:
        self._waiting.append(version)
        self._news()


class PodSink:
    """Sink of the current pods of the set.

    Attributes:
        listed: whether a list has ever been complete.
        addresses: of pods, by name; some of these are gone.
        ports: that pods name by the annotation prometheus.io/port, by name; some of these are gone.
        controllers: of pods, by name, such as `StatefulSet ksm-shard`, "" for none; some of these are gone.
    """

    def __init__(self, news: Callable[[], None]) -> None:
        """Take the callback for changes of pods."""
        self._news = news
        self._known: dict[str, Pod] = {}
        self._fresh: set[str] = set()
        self.listed = False
        self.addresses: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self.controllers: dict[str, str] = {}

    def now(self) -> list[Pod] | None:
        """Return the pods; None before the first list."""
        return list(dict(self._known).values()) if self.listed else None

    def start_list(self) -> None:
        """Begin a list of pods."""
        self._fresh = set()

    start_adding = start_list

    def abort_list(self) -> None:
        """Keep all pods: the list failed."""

    def put(self, codec: Codec, item: Raw) -> None:
        """Add or replace a pod."""
        message = codec.parse(item, PodMessage)
        since = ""
        for condition in message.status.conditions:
            if condition.type == "Ready" and condition.status == "True":
                since = f"{condition.lastTransitionTime.seconds}"
        meta = message.metadata
        self._known[meta.name] = Pod(meta.name, since, meta.HasField("deletionTimestamp"))
        self.addresses[meta.name] = message.status.podIP
        port = meta.annotations.get(PORT, "")
        self.ports[meta.name] = int(port) if port.isdecimal() else 0
        by = (f"{owner.kind} {owner.name}" for owner in meta.ownerReferences if owner.controller)
        self.controllers[meta.name] = next(by, "")
        self._fresh.add(meta.name)
        self._news()

    change = put

    def drop(self, codec: Codec, item: Raw) -> None:
        """Remove a deleted pod."""
        self._known.pop(codec.parse(item, PodMessage).metadata.name, None)
        self._news()

    def end_list(self, resource_version: str) -> None:
        """Remove the pods that the list did not include."""
        del resource_version
        self._known = {name: pod for name, pod in self._known.items() if name in self._fresh}
        self.listed = True
        self._news()

    end_adding = end_list
