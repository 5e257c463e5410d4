"""A StatefulSet of real processes without a kubelet: pods are written by the test, readiness comes from each process's /readyz."""

import json
import os
import random
import signal
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.processes import Exporter, eventually

NAMESPACE = "monitoring"
NAME = "ksm-shard"
STATEFULSETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
LOAD = "/api/v1/namespaces/load/pods"
LABELS = {"app": NAME}
# Shorter than in earnest, as the scrapes are: one a second.
HANDOVER = 4.0
DRAIN = 8.0


class Api:
    """JSON requests to an API server; `token` for one over TLS whose certificate is not checked."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._tls = ssl._create_unverified_context() if url.startswith("https") else None

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None, kind: str = "") -> dict[str, Any]:
        """Return the object in the answer."""
        headers = self._headers | ({"Content-Type": kind} if kind else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=20, context=self._tls) as answer:
            return dict(json.loads(answer.read()))

    def merge(self, path: str, change: dict[str, Any]) -> dict[str, Any]:
        """Merge a change into an object."""
        return self("PATCH", path, change, "application/merge-patch+json")


def load_pod(name: str) -> dict[str, Any]:
    """Return a pod that is there to be exported."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "load", "name": name},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
    }


@dataclass
class Scrapes:
    """What the scrapes of all shards, one a second, had of the pods that exist all the time.

    Attributes:
        rounds: for each round its time, how many pods were missing, and how many were there twice.
    """

    names: frozenset[str]
    rounds: list[tuple[float, int, int]] = field(default_factory=list)

    def add(self, at: float, texts: list[str]) -> None:
        """Take the scrapes of one moment."""
        found: Counter[str] = Counter()
        for text in texts:
            for line in text.splitlines():
                if line.startswith("kube_pod_created{"):
                    found[line.split('pod="')[1].split('"')[0]] += 1
        missing = sum(name not in found for name in self.names)
        twice = sum(found[name] > 1 for name in self.names)
        self.rounds.append((at, missing, twice))

    def since(self, began: float) -> tuple[int, int, float]:
        """Return, of the rounds since then, the most missing, the most twice, and the seconds in which any was twice."""
        rounds = [one for one in self.rounds if one[0] >= began]
        doubles = [at for at, _, twice in rounds if twice]
        return (
            max((missing for _, missing, _ in rounds), default=0),
            max((twice for *_, twice in rounds), default=0),
            doubles[-1] - doubles[0] + 1 if doubles else 0.0,
        )


class Fleet:
    """The StatefulSet, its pods and their processes; a thread that scrapes them, and one that changes what they export."""

    def __init__(self, api: Api, flags: list[str], pods: int, changes: float) -> None:
        """Make `pods` pods that stay, and `changes` changes a second of them and of others that come and go."""
        self._api = api
        self._flags = [
            *flags, "--resources=pods", f"--pod-namespace={NAMESPACE}",
            f"--handover-period={HANDOVER:g}s", f"--drain-period={DRAIN:g}s",
        ]  # fmt: skip
        self._names = [f"stays-{number}" for number in range(pods)]
        self._changes = changes
        self._running: dict[int, Exporter] = {}
        self._ready: dict[int, bool] = {}
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(16)
        self.scrapes = Scrapes(frozenset(self._names))
        self.changed = 0

    def __enter__(self) -> Self:
        for namespace in (NAMESPACE, "load"):
            with suppress(urllib.error.HTTPError):
                self._api(
                    "POST",
                    "/api/v1/namespaces",
                    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
                )
        list(self._pool.map(lambda name: self._api("POST", LOAD, load_pod(name)), self._names))
        container = {"name": "c", "image": "i"}
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "serviceName": NAME, "selector": {"matchLabels": LABELS}, "template": template}
        body = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"namespace": NAMESPACE, "name": NAME},
            "spec": spec,
        }
        self._owner = self._api("POST", STATEFULSETS, body)["metadata"]["uid"]
        self._threads = [
            threading.Thread(target=loop, daemon=True) for loop in (self._probe, self._scrape, self._change)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)
        for one in self._running.values():
            one.process.kill()
            one.process.wait(10)
        self._pool.shutdown()

    def scale(self, replicas: int) -> None:
        """Set spec.replicas, start what is new, end what is too much (Parallel), and wait for the new steady state."""
        self.resize(replicas)
        before = set(self._running)
        list(self._pool.map(self._start, set(range(replicas)) - before))
        list(self._pool.map(self._end, before - set(range(replicas))))
        self.settled(replicas)

    def resize(self, replicas: int) -> None:
        """Set spec.replicas, and leave the pods as they are."""
        self._api.merge(f"{STATEFULSETS}/{NAME}", {"spec": {"replicas": replicas}})

    def restart(self, ordinal: int) -> None:
        """Replace one pod as a rolling update does, and wait until it is Ready."""
        self._end(ordinal)
        self._start(ordinal)
        eventually(lambda: self._ready.get(ordinal, False), f"pod {ordinal} is not Ready", lambda: self._log(ordinal))

    def roll(self, replicas: int) -> None:
        """Replace every pod, the last one first, as a rolling update does."""
        for ordinal in reversed(range(replicas)):
            self.restart(ordinal)
        self.settled(replicas)

    def kill(self, ordinal: int) -> None:
        """End one process without a warning, and let it come back under its name."""
        with self._lock:
            one = self._running.pop(ordinal)
        worker = one.worker()
        os.kill(one.process.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        one.process.wait(10)
        self._mark(ordinal, ready=False)
        self._run(ordinal)
        eventually(lambda: self._ready.get(ordinal, False), f"pod {ordinal} is not Ready", lambda: self._log(ordinal))

    def settled(self, replicas: int) -> None:
        """Wait until every shard holds exactly its own slots."""
        eventually(
            lambda: len(self._running) == replicas and all(self._is_stable(one) for one in self._running.values()),
            f"{replicas} shards did not settle",
            lambda: "\n".join(self._log(ordinal) for ordinal in self._running),
        )

    def received(self) -> int:
        """Return the bytes that the running shards have read from the API server."""
        lines = [line for one in self._running.values() for line in one.scrape_telemetry().splitlines()]
        return int(sum(float(line.split()[-1]) for line in lines if line.startswith("ksm_shard_received_bytes_total")))

    def running(self) -> list[tuple[int, Exporter]]:
        """Return the processes that run, by ordinal."""
        return sorted(dict(self._running).items())

    def targets(self) -> list[tuple[str, str, str]]:
        """Return name, URL and telemetry URL of the running shards."""
        return [(f"{NAME}-{ordinal}", one.url, one.telemetry) for ordinal, one in dict(self._running).items()]

    def _is_stable(self, one: Exporter) -> bool:
        try:
            return 'handover_phase{phase="stable"}' in one.scrape_telemetry()
        except OSError:
            return False

    def _log(self, ordinal: int) -> str:
        one = self._running.get(ordinal)
        return f"pod {ordinal}: " + " | ".join(one.log[-5:] if one else ["gone"])

    def _start(self, ordinal: int) -> None:
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": NAME, "uid": self._owner, "controller": True}
        metadata = {"namespace": NAMESPACE, "name": f"{NAME}-{ordinal}", "labels": LABELS, "ownerReferences": [owner]}
        spec = {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]}
        self._api("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        self._run(ordinal)

    def _run(self, ordinal: int) -> None:
        one = Exporter(*self._flags, f"--pod={NAME}-{ordinal}")
        with self._lock:
            self._running[ordinal] = one

    def _end(self, ordinal: int) -> None:
        """Delete the pod as the API server and a kubelet do it: a deletionTimestamp, SIGTERM, and gone when it has ended."""
        path = f"{PODS}/{NAME}-{ordinal}"
        self._api("DELETE", path, {"gracePeriodSeconds": 60, "kind": "DeleteOptions", "apiVersion": "v1"})
        one = self._running[ordinal]
        one.process.terminate()
        one.process.wait(60)
        with self._lock:
            self._running.pop(ordinal)
            self._ready.pop(ordinal, None)
        with suppress(urllib.error.HTTPError):
            self._api("DELETE", path, {"gracePeriodSeconds": 0, "kind": "DeleteOptions", "apiVersion": "v1"})

    def _mark(self, ordinal: int, *, ready: bool) -> None:
        self._ready[ordinal] = ready
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": moment}
        with suppress(urllib.error.HTTPError):
            self._api.merge(f"{PODS}/{NAME}-{ordinal}/status", {"status": {"conditions": [condition]}})

    def _probe(self) -> None:
        while not self._stop.wait(0.2):
            for ordinal, one in dict(self._running).items():
                ready = one.status("/readyz") == 200
                if ready != self._ready.get(ordinal, False):
                    self._mark(ordinal, ready=ready)

    def _scrape(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            if any(self._ready.values()):
                texts = list(self._pool.map(self._text, dict(self._running).values()))
                self.scrapes.add(began, texts)
            self._stop.wait(max(0.0, began + 1 - time.monotonic()))

    def _text(self, one: Exporter) -> str:
        try:
            return one.scrape()
        except OSError:
            return ""

    def _change(self) -> None:
        chance = random.Random(1)
        began = time.monotonic()
        passing: list[str] = []
        while not self._stop.is_set():
            due = int((time.monotonic() - began) * self._changes)
            if self.changed >= due:
                self._stop.wait(0.01)
                continue
            self.changed += 1
            with suppress(urllib.error.HTTPError):
                self._one_change(chance, passing)

    def _one_change(self, chance: random.Random, passing: list[str]) -> None:
        what = chance.random()
        if what < 0.1 and len(passing) > 20:
            name = passing.pop(chance.randrange(len(passing)))
            self._api(
                "DELETE", f"{LOAD}/{name}", {"gracePeriodSeconds": 0, "kind": "DeleteOptions", "apiVersion": "v1"}
            )
        elif what < 0.2:
            passing.append(f"passes-{self.changed}")
            self._api("POST", LOAD, load_pod(passing[-1]))
        else:
            phase = chance.choice(["Pending", "Running"])
            name = chance.choice(self._names)
            self._api.merge(f"{LOAD}/{name}/status", {"status": {"phase": phase, "message": str(self.changed)}})


def timed(what: str, fleet: Fleet, act: Callable[[], None]) -> tuple[int, int]:
    """Do something with a fleet, print what it cost, and return the most series missing and twice at any scrape of it."""
    before, began = fleet.received(), time.monotonic()
    act()
    took = time.monotonic() - began
    missing, twice, seconds = fleet.scrapes.since(began)
    listed = max(0, fleet.received() - before)
    print(
        f"{what:16} steady after {took:5.1f} s, missing at most {missing:5}, twice at most {twice:5} for {seconds:4.1f} s, "
        f"{listed / 1e6:6.2f} MB read by the shards that are left, {fleet.changed} changes so far"
    )
    return missing, twice
