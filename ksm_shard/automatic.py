"""Automatic sharding: which shard this pod is, from a watch of the StatefulSet that owns it and of the pods beside it.

It needs the rights to get its own pod and to get, list and watch StatefulSets and pods of its namespace. Whatever goes wrong,
the last known ownership stays.
"""

import json
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ksm_shard.cluster.backoff import Backoff
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import RequestError
from ksm_shard.cluster.follower import Follower
from ksm_shard.cluster.reader import Reader, Target
from ksm_shard.exporter import Exporter
from ksm_shard.sharding.membership import Member
from ksm_shard.sharding.state import Pod, State, StatefulSet
from ksm_shard.web.source import Sibling
from ksm_shard.wire.codec import Codec, Raw
from ksm_shard.wire.messages.apps_v1_pb2 import StatefulSet as StatefulSetMessage
from ksm_shard.wire.messages.core_v1_pb2 import Pod as PodMessage

LOG: Final = logging.getLogger(__name__)
# While slots are being loaded nothing but the follower's own news tells that a resource has become exempt: look each second.
LOOK_AGAIN: Final = 1.0


class Silent:
    """An observer that only passes on that there is news: these two watches have no metrics of their own."""

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` on every change of state."""
        self._news = news

    def on_list(self, result: str) -> None:
        """Nothing to count."""

    on_watch = on_relist = on_event = on_list

    def on_failed_item(self) -> None:
        """Nothing to count."""

    def on_bytes(self, size: int) -> None:
        """Nothing to count."""

    def on_state(self, state: str) -> None:
        """Look at what changed."""
        del state
        self._news()


class Versions:
    """Every version of the StatefulSet, in order, each taken once; None says that it is gone."""

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` when there is another version."""
        self._news = news
        self._listed = False
        self._waiting: deque[StatefulSet | None] = deque()
        self._last: StatefulSet | None = None

    def take(self) -> list[StatefulSet | None]:
        """Return the versions since the last call; the last one again if there are none."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        if taken:
            self._last = taken[-1]
        return taken or [self._last]

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


class Pods:
    """The pods of the set as they are now."""

    def __init__(self, news: Callable[[], None]) -> None:
        """Call `news` when a pod changed."""
        self._news = news
        self._known: dict[str, Pod] = {}
        self._fresh: set[str] = set()
        self.listed = False
        self.addresses: dict[str, str] = {}

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


class AutomaticSharding:
    """Keeps an exporter's ownership what the StatefulSet makes of it."""

    def __init__(
        self, server: ApiServer, exporter: Exporter, pod: str, namespace: str, handover: float, port: int = 0
    ) -> None:
        """Take the own pod's name and namespace, the hand-over period in seconds, and the port of every pod; 0 if unknown."""
        self._server = server
        self._exporter = exporter
        self._pod = pod
        self._namespace = namespace
        self._port = port
        self._member = Member(exporter.ring, pod, handover)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._versions = Versions(self._wake.set)
        self._pods = Pods(self._wake.set)
        self._problem = ""
        self._started = False
        exporter.on_news = self._wake.set

    def start(self) -> None:
        """Begin, in a thread of its own."""
        thread = threading.Thread(target=self._run, name="membership", daemon=True)
        self._exporter.watch_over(thread)
        self._exporter.on_close(self._end)
        thread.start()

    def _run(self) -> None:
        found = self._find()
        if found is None:
            return
        name, labels = found
        self._follow("apps/v1", "statefulsets", {"fieldSelector": f"metadata.name={name}"}, self._versions)
        self._follow("v1", "pods", {"labelSelector": labels} if labels else {}, self._pods)
        state = State()
        while not self._stop.is_set():
            self._wake.clear()
            now = time.monotonic()
            for version in self._versions.take():
                state = self._member.advance(state, version, self._pods.now(), self._exporter.loaded(), now)
                self._become(state)
            waits = [state.due - now] if state.due is not None else []
            waits += [LOOK_AGAIN] if state.phase == "gaining" else []
            self._wake.wait(max(0.01, min(waits)) if waits else None)

    def _become(self, state: State) -> None:
        if state.problem != self._problem:
            self._problem = state.problem
            LOG.warning("membership: %s", state.problem or "all is well again")
        self._exporter.become(state)
        self._exporter.siblings = self._siblings(state)
        if state.shard is not None and not self._started:
            self._started = True
            self._exporter.start()

    def _find(self) -> tuple[str, str] | None:
        """Return the name of the StatefulSet that owns the own pod and its selector; None when it is time to stop."""
        backoff = Backoff(time.monotonic, random.Random())
        while not self._stop.is_set():
            try:
                return self._ask()
            except (RequestError, ValueError, LookupError, AttributeError) as error:
                LOG.warning("membership: %s", error)
                self._exporter.become(State(problem=str(error)))
            self._stop.wait(backoff.next())
        return None

    def _ask(self) -> tuple[str, str]:
        pod = self._get(f"/api/v1/namespaces/{self._namespace}/pods/{self._pod}")
        owners = pod.get("metadata", {}).get("ownerReferences") or []
        names = [
            owner.get("name", "")
            for owner in owners
            if owner.get("kind") == "StatefulSet" and owner.get("apiVersion", "").startswith("apps/")
        ]
        if not names:
            # OpenKruise has a kind of the same name, in a group of its own, whose spec is another.
            said = ", ".join(f"{owner.get('apiVersion')} {owner.get('kind')}" for owner in owners) or "nothing"
            raise LookupError(
                f"--pod={self._pod}: no StatefulSet of apps/v1 owns this pod, but {said}, so its shard cannot be told"
            )
        owner = self._get(f"/apis/apps/v1/namespaces/{self._namespace}/statefulsets/{names[0]}")
        return names[0], selector_of(owner.get("spec", {}).get("selector", {}))

    def _get(self, path: str) -> dict[str, Any]:
        with self._server.get(path, {}, "application/json") as response:
            body = response.body()
        value: dict[str, Any] = json.loads(body)
        return value

    def _follow(self, api: str, plural: str, selectors: dict[str, str], sink: Versions | Pods) -> Follower:
        prefix = f"/apis/{api}" if "/" in api else f"/api/{api}"
        target = Target(f"{prefix}/namespaces/{self._namespace}/{plural}", selectors=lambda: selectors)
        follower = Follower(target, Reader(self._server, target), sink, Silent(self._wake.set))
        thread = threading.Thread(target=follower.run, name=f"membership-{plural}", daemon=True)
        self._exporter.watch_over(thread)
        self._exporter.on_close(follower.stop)
        self._exporter.membership[plural] = follower
        thread.start()
        return follower

    def _siblings(self, state: State) -> list[Sibling]:
        """Return the pods that the set should have, and those that it has besides."""
        pods = {pod.name: pod for pod in self._pods.now() or ()}
        base = self._pod.rpartition("-")[0]
        wanted = {f"{base}-{state.start + shard}": state.start + shard for shard in range(state.total)}
        more = {name: int(name.rpartition("-")[2]) for name in pods if name.rpartition("-")[2].isdecimal()}
        return [
            Sibling(
                name, ordinal, ready=bool(pod and pod.ready_since), state=_word(pod), url=self._url(name) if pod else ""
            )
            for name, ordinal in sorted((wanted | more).items(), key=lambda item: item[1])
            for pod in [pods.get(name)]
        ]

    def _url(self, name: str) -> str:
        """Return where a pod has its status page; "" while it has no address."""
        address = self._pods.addresses.get(name, "")
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self._port}/" if address and self._port else ""

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()


def selector_of(selector: dict[str, Any]) -> str:
    """Write a label selector, as objects have it, as queries have it."""
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        key, values = one["key"], ",".join(one.get("values") or ())
        match one["operator"]:
            case "In" | "NotIn":
                terms.append(f"{key} {one['operator'].lower()} ({values})")
            case "Exists" | "DoesNotExist":
                terms.append(key if one["operator"] == "Exists" else f"!{key}")
            case other:
                raise ValueError(
                    f"expected In, NotIn, Exists or DoesNotExist in the selector of the StatefulSet, got {other!r}"
                )
    return ",".join(terms)


def _word(pod: Pod | None) -> str:
    if pod is None:
        return "missing"
    if pod.deleting:
        return "leaving"
    return "ready" if pod.ready_since else "loading"
