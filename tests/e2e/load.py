"""What a fleet exports while it is measured: objects that stay, others that come and go, and threads that change them."""

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from tests.e2e.api import Api, Rejected

NAMESPACE = "load"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
CONFIGMAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
# A change takes a few milliseconds of waiting: one thread would do 100 to 150 a second.
WRITERS = 4
# Of each writer's, at the least, so that what is deleted is not always what came last.
PASSING = 10


def pod(name: str) -> dict[str, Any]:
    """Return a pod. It has a phase from the start, as what its series are must not change."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": name},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
        "status": {"phase": "Pending"},
    }


def configmap(name: str) -> dict[str, Any]:
    """Return a config map."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NAMESPACE, "name": name}}


class Beside(NamedTuple):
    """A kind of objects beside the pods.

    Attributes:
        label: of its series, with the name of the object.
        path: where its objects are.
        body: returns an object of a name.
        change: returns a merge patch that changes the object, by a number.
    """

    label: str
    path: str
    body: Callable[[str], dict[str, Any]]
    change: Callable[[int], dict[str, Any]]


MAPS = Beside("configmap", CONFIGMAPS, configmap, lambda turn: {"data": {"turn": str(turn)}})


class Load:
    """Pods and half as many objects of another kind that stay, and what changes them.

    Attributes:
        changed: changes made so far, of those that stay and of pods that come and go.
        uids: of those that stay: "pod" or the label of the other kind, and the name, -> uid.
        deleted: of those that came and went: uid -> when it went, in seconds since 1970.
    """

    def __init__(self, api: Api, pods: int, rate: float, passing: float = 0.2, beside: Beside = MAPS) -> None:
        """Make `pods` pods and `rate` changes a second; that part of them is of pods that come and go."""
        self._api = api
        self._rate = rate
        self._passing = passing
        self._pods = [f"stays-{number}" for number in range(pods)]
        self._beside = beside
        self._others = self._pods[: pods // 2]
        self._lock = threading.Lock()
        self._given = 0
        self._began = 0.0
        self.changed = 0
        self.uids: dict[tuple[str, str], str] = {}
        self.deleted: dict[str, float] = {}

    @property
    def staying(self) -> list[str]:
        """Names of the pods that stay."""
        return self._pods

    def create(self, executor: Executor) -> None:
        """Make what stays."""
        with suppress(Rejected):  # it may be there
            self._api(
                "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
            )

        def make(kind: str, path: str, names: Iterable[str], body: Callable[[str], dict[str, Any]]) -> None:
            made = executor.map(lambda name: self._api("POST", path, body(name))["metadata"], names)
            self.uids |= {(kind, metadata["name"]): metadata["uid"] for metadata in made}

        make("pod", PODS, self._pods, pod)
        make(self._beside.label, self._beside.path, self._others, self._beside.body)

    def writers(self, stop: threading.Event) -> list[Callable[[], None]]:
        """Return what is to run in a thread each until `stop`: together they change as much as they should, late if not in time."""
        self._began = time.monotonic()
        return [partial(self._write, number, stop) for number in range(WRITERS)]

    def _write(self, number: int, stop: threading.Event) -> None:
        chance = random.Random(number)
        passing: list[str] = []
        while not stop.is_set():
            with self._lock:
                turn = self._given
                due = turn < (time.monotonic() - self._began) * self._rate
                self._given += due
            if due:
                self._one(turn, f"passes-{turn}", chance, passing)
            else:
                stop.wait(0.005)

    def _delete(self, name: str, passing: list[str], *, again: bool) -> None:
        """Delete a pod, and make another of its name if told so."""
        uid = self._api("GET", f"{PODS}/{name}")["metadata"]["uid"]
        self._api.delete(f"{PODS}/{name}", 0)
        self.deleted[uid] = time.time()
        if again:
            self._api("POST", PODS, pod(name))
            passing.append(name)

    def _one(self, turn: int, fresh: str, chance: random.Random, passing: list[str]) -> None:
        what = chance.random()
        try:
            if what < self._passing / 2 and len(passing) > PASSING:
                self._delete(passing.pop(chance.randrange(len(passing))), passing, again=chance.random() < 0.5)
            elif what < self._passing:
                self._api("POST", PODS, pod(fresh))
                passing.append(fresh)
                if chance.random() < 0.5:  # a label of the pod changes
                    self._api.merge(
                        f"{PODS}/{fresh}/status", {"status": {"podIP": f"10.0.{turn >> 8 & 255}.{turn & 255}"}}
                    )
            elif what < self._passing + 0.2:
                self._api.merge(f"{self._beside.path}/{chance.choice(self._others)}", self._beside.change(turn))
            else:
                status = {"phase": chance.choice(["Pending", "Running"]), "message": str(turn)}
                self._api.merge(f"{PODS}/{chance.choice(self._pods)}/status", {"status": status})
        except Rejected as refused:
            if refused.code != http.client.CONFLICT:  # two writers at one object
                raise
        else:
            with self._lock:
                self.changed += 1
