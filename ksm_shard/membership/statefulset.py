"""Automatic sharding: find this pod's shard by watching its StatefulSet and pods.

The pod needs the rights to get itself, and to get, list and watch StatefulSets and pods of its namespace. On any failure the
last known ownership stays.
"""

import json
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from ksm_shard.cluster.backoff import Backoff
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import RequestError
from ksm_shard.cluster.reader import Reader, Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.membership.protocol import MembershipListener
from ksm_shard.membership.selfcheck import Needs, pod_problems, selector_problems
from ksm_shard.membership.watches import PodSink, SilentObserver, StatefulSetSink, WatchHealth
from ksm_shard.sharding.handover import Member
from ksm_shard.sharding.masks import NONE
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.state import Phase, Pod, State, StatefulSet
from ksm_shard.status.model import Sibling
from ksm_shard.status.setup import Setup

LOG: Final = logging.getLogger(__name__)
# Seconds between states while slots are loading: only the reflector's own news would tell that a resource has become
# exempt.
LOOK_AGAIN: Final = 1.0
# Seconds between states at most: a watch that has gone silent sends no news of that.
LISTEN: Final = 10.0
# Seconds for which a list of the pods is relied on when slots are let go: longer than a busy process needs to use it.
JUST_NOW: Final = 2.0


class StatefulSetMembership:
    """A Membership that changes the ownership as the pod's StatefulSet changes."""

    def __init__(
        self, server: ApiServer, ownership: Ownership, pod: str, namespace: str, needs: Needs, port: int = 0
    ) -> None:
        """Prepare to watch.

        Args:
            server: the API server with the StatefulSet and its pods.
            ownership: changed with every state.
            pod: name of this pod.
            namespace: of the pod.
            needs: demands of the settings on the pod.
            port: of every pod's status page; 0 if unknown.
        """
        self.pod = pod
        self._server = server
        self._ownership = ownership
        self._namespace = namespace
        self._needs = needs
        self._port = port
        self._member = Member(ownership.ring, pod, needs.handover)
        self._statefulset = ""  # its name, once it is known
        self._own: dict[str, Any] = {}  # this pod, as it was read once
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._versions = StatefulSetSink(self._wake.set)
        self._pods = PodSink(self._wake.set)
        self._reflectors: dict[str, Reflector] = {}
        self._threads = [threading.Thread(target=self._run, name="membership", daemon=True)]
        self._listener: MembershipListener  # set by `start`, before the threads that use it
        self._placed = False
        self._state, self._phase_since, self._lost = State(), time.monotonic(), NONE

    def state(self) -> State:
        """Return the current state."""
        return self._state

    def phase_seconds(self) -> float:
        """Return the seconds since the current phase of the hand-over began."""
        return time.monotonic() - self._phase_since

    def lost(self) -> bytes:
        """Return the mask of slots that the last change of slots took away."""
        return self._lost

    def watches(self) -> Mapping[str, str]:
        """Return the state of the watches of the StatefulSet and of its pods."""
        return {name: reflector.state for name, reflector in self._reflectors.copy().items()}

    def setup(self) -> Setup:
        """Return what is wrong with the own pod, and with the pods that the StatefulSet selects."""
        pods, controllers = self._pods.now() or (), self._pods.controllers
        shared = selector_problems(self._statefulset, {pod.name: controllers.get(pod.name, "") for pod in pods})
        return {**(pod_problems(self._own, self._needs) if self._own else {}), **shared}

    def adjust(self, needs: Needs) -> None:
        """Go by other demands on the pod from now on, the hand-over period among them."""
        self._needs = needs
        self._member = replace(self._member, handover=needs.handover)
        self._wake.set()

    def start(self, listener: MembershipListener) -> None:
        """Start the thread that finds the StatefulSet and follows it."""
        self._listener = listener
        self._threads[0].start()

    def notice(self) -> None:
        """Wake the thread to compute the state again."""
        self._wake.set()

    def threads(self) -> Sequence[threading.Thread]:
        """Return the membership's thread and the threads of both reflectors."""
        return self._threads.copy()

    def stop(self) -> None:
        """Stop all threads without waiting for them."""
        self._stop.set()
        self._wake.set()
        for reflector in self._reflectors.copy().values():
            reflector.stop()

    def _run(self) -> None:
        found = self._find()
        if found is None:
            return
        name, labels = found
        statefulset = self._follow(
            "apps/v1", "statefulsets", {"fieldSelector": f"metadata.name={name}"}, self._versions
        )
        pods = self._follow("v1", "pods", {"labelSelector": labels} if labels else {}, self._pods)
        heard = WatchHealth("StatefulSet of this pod", statefulset), WatchHealth("pods of the StatefulSet", pods)
        state = State()
        while not self._stop.is_set():
            self._wake.clear()
            now = time.monotonic()
            versions = self._versions.take()
            for version in versions:
                state = self._next(state, version, heard, now)
                self._become(state)
            if not versions and (problem := heard[0].problem()):
                self._become(State(problem=problem))
            waits = [LISTEN] + ([state.due - now] if state.due is not None else [])
            waits += [LOOK_AGAIN] if state.phase is Phase.GAINING else []
            self._wake.wait(max(0.01, min(waits)))

    def _next(
        self, state: State, version: StatefulSet | None, heard: tuple[WatchHealth, WatchHealth], now: float
    ) -> State:
        """Return the next state.

        Slots are let go only if the pods were heard within JUST_NOW seconds.
        """
        ours, others = (one.problem() for one in heard)
        pods = None if others else self._pods.now()
        loaded, scraped = self._listener.loaded(), self._listener.scraped()
        advance = partial(self._member.advance, state, version, pods, loaded, now, scraped=scraped)
        after = advance(sure=not ours)
        if after.lost != NONE and not heard[1].within(JUST_NOW):
            after = advance(sure=False)
        return qualified(after, heard)

    def _become(self, state: State) -> None:
        """Put a state into force, and tell the listener."""
        before, self._state = self._state, state
        if state.problem != before.problem:
            LOG.warning("membership: %s", state.problem or "all is well again")
        if state.phase != before.phase:
            LOG.info("hand-over: %s -> %s, %d slots held", before.phase, state.phase, state.held.count(1))
            self._phase_since = time.monotonic()
        if state.gained != NONE or state.lost != NONE:
            self._lost = state.lost
        self._ownership.change(state.held)
        self._listener.changed(state)
        if state.shard is not None and not self._placed:
            self._placed = True
            self._listener.placed()

    def _find(self) -> tuple[str, str] | None:
        """Return the name of this pod's StatefulSet and its selector; None when stopped."""
        backoff = Backoff(time.monotonic, random.Random())
        while not self._stop.is_set():
            try:
                return self._ask()
            except (RequestError, ValueError, LookupError, AttributeError) as error:
                self._become(State(problem=str(error)))
            self._stop.wait(backoff.next())
        return None

    def _ask(self) -> tuple[str, str]:
        pod = self._get(f"/api/v1/namespaces/{self._namespace}/pods/{self.pod}")
        owners = pod.get("metadata", {}).get("ownerReferences") or []
        names = [
            owner.get("name", "")
            for owner in owners
            if owner.get("kind") == "StatefulSet" and owner.get("apiVersion", "").startswith("apps/")
        ]
        if not names:
            # OpenKruise has a StatefulSet of its own group, with another spec.
            said = ", ".join(f"{owner.get('apiVersion')} {owner.get('kind')}" for owner in owners) or "nothing"
            raise LookupError(
                f"--pod={self.pod}: no StatefulSet of apps/v1 owns this pod, but {said}, so its shard cannot be told"
            )
        self._statefulset, self._own = names[0], pod
        owner = self._get(f"/apis/apps/v1/namespaces/{self._namespace}/statefulsets/{names[0]}")
        return names[0], selector_of(owner.get("spec", {}).get("selector", {}))

    def _get(self, path: str) -> dict[str, Any]:
        with self._server.get(path, {}, "application/json") as response:
            body = response.body()
        value: dict[str, Any] = json.loads(body)
        return value

    def _follow(self, api: str, plural: str, selectors: dict[str, str], sink: StatefulSetSink | PodSink) -> Reflector:
        prefix = f"/apis/{api}" if "/" in api else f"/api/{api}"
        target = Target(f"{prefix}/namespaces/{self._namespace}/{plural}", selectors=lambda: selectors)
        reflector = Reflector(target, Reader(self._server, target), sink, SilentObserver(self._wake.set))
        thread = threading.Thread(target=reflector.run, name=f"membership-{plural}", daemon=True)
        self._threads.append(thread)
        self._reflectors[plural] = reflector
        thread.start()
        return reflector

    def siblings(self) -> Sequence[Sibling]:
        """Return the pods that the set should have, and any others it has."""
        state = self._state
        pods = {pod.name: pod for pod in self._pods.now() or ()}
        base = self.pod.rpartition("-")[0]
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
        """Return the URL of a pod's status page; "" without an address."""
        address = self._pods.addresses.get(name, "")
        host = f"[{address}]" if ":" in address else address
        port = self._pods.ports.get(name) or self._port
        return f"//{host}:{port}/" if address and port else ""


def qualified(state: State, heard: Sequence[WatchHealth]) -> State:
    """Return the state with the problems of the watches added.

    A deaf pod becomes not Ready, whatever it knew before.
    """
    problem = next((problem for one in heard if (problem := one.problem())), "")
    deaf = next((deaf for one in heard if (deaf := one.deaf())), "")
    return replace(state, problem=state.problem or problem, unready=deaf or state.unready)


def selector_of(selector: dict[str, Any]) -> str:
    """Convert the label selector of an object to that of a query.

    Raises:
        ValueError: an operator is unknown.
    """
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
