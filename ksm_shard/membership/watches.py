"""What the API server tells of the own StatefulSet and of its pods, and whether that can be relied on.

A watch that has died is only noticed when it should have ended, after 5 to 10 minutes; slots are let go after 45 seconds. So what
was heard longer ago is asked for again first, and who cannot be heard is named as a problem. A pod that has heard nothing for
`SILENT` seconds is deaf: it is not Ready, so that others do not count on it.
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

# A bookmark comes about once a minute: one was missed, and two. An API server that restarts is back sooner: while it is away, the
# kubelets cannot tell that anybody is deaf, and it is to hear of nobody when it is back.
ASK: Final = 90.0
SILENT: Final = 150.0


class HealthSource(Protocol):
    """What is asked of a reflector; see there."""

    state: ReflectorState
    last_event: float | None
    last_error: str

    def relist_soon(self, reason: str) -> None:
        """Ask for a list."""


class WatchHealth:
    """How well a reflector hears."""

    def __init__(self, what: str, reflector: HealthSource, clock: Callable[[], float] = time.monotonic) -> None:
        """Take what to call it, and the reflector with its clock."""
        self._what = what
        self._reflector = reflector
        self._clock = clock

    def within(self, seconds: float) -> bool:
        """Whether something was heard so shortly ago. If not it is asked for, and there is news once the answer is there."""
        heard = self._reflector.last_event
        if heard is not None and self._clock() - heard <= seconds:
            return True
        if self._reflector.state is ReflectorState.WATCHING:
            self._reflector.relist_soon("stale")
        return False

    def problem(self) -> str:
        """Why what is known may not be so any more, as one line; "" if all is well, or nothing was to be expected yet."""
        reflector = self._reflector
        if reflector.state.refused or (reflector.last_event is None and reflector.last_error):
            return f"the {self._what} cannot be read: {reflector.last_error}"
        if reflector.last_event is None or self.within(ASK) or self._clock() - reflector.last_event <= SILENT:
            return ""
        return f"the {self._what} cannot be watched: nothing was heard for {SILENT:g} s"

    def deaf(self) -> str:
        """Return why nobody may count on this pod; "" if all may. A refusal alone is none: it may be short, and of all pods."""
        heard = self._reflector.last_event
        return self.problem() if heard is None or self._clock() - heard > SILENT else ""


class SilentObserver:
    """An observer that only passes on that there is news: these two watches have no metrics of their own."""

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` on every change of state."""
        self._news = news

    def on_list(self, result: str) -> None:
        """Nothing to count."""

    on_watch = on_watch_end = on_relist = on_event = on_list

    def on_failed_item(self) -> None:
        """Nothing to count."""

    def on_bytes(self, size: int) -> None:
        """Nothing to count."""

    def on_state(self, state: ReflectorState) -> None:
        """Look at what changed."""
        del state
        self._news()


class StatefulSetSink:
    """Every version of the StatefulSet, in order, each taken once; None says that it is gone."""

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` when there is another version."""
        self._news = news
        self._listed = False
        self._waiting: deque[StatefulSet | None] = deque()
        self._last: StatefulSet | None = None
        self._known = False

    def take(self) -> list[StatefulSet | None]:
        """Return the versions since the last call; the last one again if there are none, and none before the first list."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if taken:
            self._last, self._known = taken[-1], True
        return taken or [self._last] * self._known

    def start_list(self) -> None:
        """See Sink."""
        self._listed = False

    start_adding = abort_list = start_list

    def put(self, codec: Codec, item: Raw) -> None:
        """See Sink."""
        message = codec.parse(item, StatefulSetMessage)
        spec = message.spec
        # An absent number of replicas is one (API reference, StatefulSetSpec).
        replicas = spec.replicas if spec.HasField("replicas") else 1
        self._listed = True
        self._add(StatefulSet(message.metadata.name, replicas, spec.ordinals.start))

    change = put

    def drop(self, codec: Codec, item: Raw) -> None:
        """See Sink."""
        del codec, item
        self._add(None)

    def end_list(self, resource_version: str) -> None:
        """See Sink."""
        del resource_version
        if not self._listed:
            self._add(None)

    end_adding = end_list

    def _add(self, version: StatefulSet | None) -> None:
        self._waiting.append(version)
        self._news()


class PodSink:
    """The pods of the set as they are now.

    Attributes:
        listed: whether a list has ever been complete.
        addresses: of pods, by name; also of some that are gone.
        controllers: of pods, by name, such as `StatefulSet ksm-shard`, "" for none; also of some that are gone.
    """

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` when a pod changed."""
        self._news = news
        self._known: dict[str, Pod] = {}
        self._fresh: set[str] = set()
        self.listed = False
        self.addresses: dict[str, str] = {}
        self.controllers: dict[str, str] = {}

    def now(self) -> list[Pod] | None:
        """Return the pods, None before the first list."""
        return list(dict(self._known).values()) if self.listed else None

    def start_list(self) -> None:
        """See Sink."""
        self._fresh = set()

    start_adding = start_list

    def abort_list(self) -> None:
        """See Sink."""

    def put(self, codec: Codec, item: Raw) -> None:
        """See Sink."""
        message = codec.parse(item, PodMessage)
        since = ""
        for condition in message.status.conditions:
            if condition.type == "Ready" and condition.status == "True":
                since = f"{condition.lastTransitionTime.seconds}"
        meta = message.metadata
        self._known[meta.name] = Pod(meta.name, since, meta.HasField("deletionTimestamp"))
        self.addresses[meta.name] = message.status.podIP
        by = (f"{owner.kind} {owner.name}" for owner in meta.ownerReferences if owner.controller)
        self.controllers[meta.name] = next(by, "")
        self._fresh.add(meta.name)
        self._news()

    change = put

    def drop(self, codec: Codec, item: Raw) -> None:
        """See Sink."""
        self._known.pop(codec.parse(item, PodMessage).metadata.name, None)
        self._news()

    def end_list(self, resource_version: str) -> None:
        """See Sink."""
        del resource_version
        self._known = {name: pod for name, pod in self._known.items() if name in self._fresh}
        self.listed = True
        self._news()

    end_adding = end_list
