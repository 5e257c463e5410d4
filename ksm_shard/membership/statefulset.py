"""Automatic sharding: which shard this pod is, from a watch of the StatefulSet that owns it and of the pods beside it.

It needs the rights to get its own pod and to get, list and watch StatefulSets and pods of its namespace. Whatever goes wrong,
the last known ownership stays.
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
# While slots are being loaded nothing but the reflector's own news tells that a resource has become exempt: look each second.
LOOK_AGAIN: Final = 1.0
# That a watch is silent is no news: look this often.
LISTEN: Final = 10.0
# Seconds that a list of the pods is relied on when slots are let go: longer than a busy process takes to come to it.
JUST_NOW: Final = 2.0


class StatefulSetMembership:
    """A Membership that keeps the ownership what the own StatefulSet makes of it."""

    def __init__(
        self, server: ApiServer, ownership: Ownership, pod: str, namespace: str, needs: Needs, port: int = 0
    ) -> None:
        """Prepare to watch.

        Args:
            server: where the StatefulSet and its pods are.
            ownership: is changed as the state says.
            pod: name of the own pod.
            namespace: of the pod.
            needs: what the settings ask of the own pod.
            port: of every pod's status page; 0 if it is not known.
        """
        self.pod = pod
        self._server = server
        self._ownership = ownership
        self._namespace = namespace
        self._needs = needs
        self._port = port
        self._member = Member(ownership.ring, pod, needs.handover)
        self._statefulset = ""  # its name, once it is known
        self._pod_problems: Setup = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._versions = StatefulSetSink(self._wake.set)
        self._pods = PodSink(self._wake.set)
        self._reflectors: dict[str, Reflector] = {}
        self._threads = [threading.Thread(target=self._run, name="membership", daemon=True)]
        self._listener: MembershipListener  # from `start` on, as are the threads that ask it
        self._placed = False
        self._state, self._phase_since, self._lost = State(), time.monotonic(), NONE

    def state(self) -> State:
        """See Membership."""
        return self._state

    def phase_seconds(self) -> float:
        """See Membership."""
        return time.monotonic() - self._phase_since

    def lost(self) -> bytes:
        """See Membership."""
        return self._lost

    def watches(self) -> Mapping[str, str]:
        """See Membership."""
        return {name: reflector.state for name, reflector in self._reflectors.copy().items()}

    def setup(self) -> Setup:
        """Return what is wrong with the own pod, and with the pods that the StatefulSet selects."""
        pods, controllers = self._pods.now() or (), self._pods.controllers
        shared = selector_problems(self._statefulset, {pod.name: controllers.get(pod.name, "") for pod in pods})
        return {**self._pod_problems, **shared}

    def start(self, listener: MembershipListener) -> None:
        """See Membership."""
        self._listener = listener
        self._threads[0].start()

    def notice(self) -> None:
        """See Membership."""
        self._wake.set()

    def threads(self) -> Sequence[threading.Thread]:
        """See Membership."""
        return self._threads.copy()

    def stop(self) -> None:
        """See Membership."""
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
        """Return the state that follows; slots are let go only on what was heard of the pods just now."""
        ours, others = (one.problem() for one in heard)
        pods = None if others else self._pods.now()
        loaded, scraped = self._listener.loaded(), self._listener.scraped()
        advance = partial(self._member.advance, state, version, pods, loaded, now, scraped=scraped)
        after = advance(sure=not ours)
        if after.lost != NONE and not heard[1].within(JUST_NOW):
            after = advance(sure=False)
        return qualified(after, heard)

    def _become(self, state: State) -> None:
        """Put a state into force."""
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
        """Return the name of the StatefulSet that owns the own pod and its selector; None when it is time to stop."""
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
            # OpenKruise has a kind of the same name, in a group of its own, whose spec is another.
            said = ", ".join(f"{owner.get('apiVersion')} {owner.get('kind')}" for owner in owners) or "nothing"
            raise LookupError(
                f"--pod={self.pod}: no StatefulSet of apps/v1 owns this pod, but {said}, so its shard cannot be told"
            )
        self._statefulset, self._pod_problems = names[0], pod_problems(pod, self._needs)
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
        """Return the pods that the set should have, and those that it has besides."""
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
        """Return where a pod has its status page; "" while it has no address."""
        address = self._pods.addresses.get(name, "")
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self._port}/" if address and self._port else ""


def qualified(state: State, heard: Sequence[WatchHealth]) -> State:
    """Return a state with what was not heard: a pod that is deaf must not be counted on, whatever it knew before."""
    problem = next((problem for one in heard if (problem := one.problem())), "")
    deaf = next((deaf for one in heard if (deaf := one.deaf())), "")
    return replace(state, problem=state.problem or problem, unready=deaf or state.unready)


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
