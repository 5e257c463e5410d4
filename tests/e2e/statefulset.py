"""A StatefulSet of real processes without a kubelet: pods are written by the test, readiness comes from each process's /readyz."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

from ksm_shard.simulator.simulator import Simulator
from ksm_shard.web.server import MARGIN
from tests.e2e.api import Api, Refused
from tests.e2e.load import Load
from tests.e2e.scrapes import Scrapes, objects
from tests.processes import Exporter, eventually

NAMESPACE = "monitoring"
NAME = "ksm-shard"
STATEFULSETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
LABELS = {"app": NAME}
# Shorter than in earnest, as the scrapes are: one a second.
HANDOVER = 4.0
DRAIN = 8.0
# What a pod finds nothing wrong with: see ksm_shard/membership/selfcheck.py.
SPEC = {
    "nodeName": "node-1",
    "terminationGracePeriodSeconds": int(DRAIN) + MARGIN,
    "containers": [
        {
            "name": "c",
            "image": "i",
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1, "failureThreshold": 1},
        }
    ],
}
# What is told of a process by resource and added up, over the processes that have ended too.
COUNTED = ("ksm_shard_received_bytes_total", "ksm_shard_listed_bytes_total", "kube_state_metrics_list_total")


class Fleet:
    """The StatefulSet, its pods and their processes; threads that probe and scrape them, and those that change what they export.

    A thread that dies fails whatever is waited for next.

    Attributes:
        load: what is exported.
        spec: of the pods that are made from now on.
        scrapes: what the scrapes of all shards had of it.
        held_most: the most slots that any shard was seen to hold for another.
    """

    def __init__(
        self,
        api: Api,
        flags: list[str],
        load: Load,
        start: int = 0,
        handover: float = HANDOVER,
        drain: float = DRAIN,
        ahead: float = 0.0,
    ) -> None:
        """Take what is to be exported, where the ordinals of the set begin, and the hand-over and drain periods in seconds.

        The clocks of its processes are so many seconds ahead.
        """
        self._api = api
        self._flags = [
            *flags, "--resources=pods,configmaps", f"--pod-namespace={NAMESPACE}",
            f"--handover-period={handover:g}s", f"--drain-period={drain:g}s",
        ]  # fmt: skip
        self._first = start
        self._ahead = ahead
        self._running: dict[int, Exporter] = {}
        self._ready: dict[int, bool] = {}
        self._counts: dict[Exporter, Counter[str]] = {}
        self._failures: list[BaseException] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        # Pods that end are waited for in the one, which scrapes must not wait for.
        self._pool, self._scrapers = ThreadPoolExecutor(16), ThreadPoolExecutor(16)
        self.load = load
        self.spec: dict[str, Any] = SPEC
        self.scrapes = Scrapes()
        self.held_most = 0

    def __enter__(self) -> Self:
        with suppress(Refused):  # it may be there
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
            self._api("POST", "/api/v1/namespaces", namespace)
        self.load.create(self._pool)
        template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
        spec = {"replicas": 0, "serviceName": NAME, "selector": {"matchLabels": LABELS}, "template": template}
        spec["ordinals"] = {"start": self._first}
        body = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"namespace": NAMESPACE, "name": NAME},
            "spec": spec,
        }
        self._owner = self._api("POST", STATEFULSETS, body)["metadata"]["uid"]
        loops = [self._probe, self._scrape, *self.load.writers(self._stop)]
        self._threads = [threading.Thread(target=self._guarded, args=(loop,), daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        for one in self._running.values():
            one.process.kill()
            one.process.wait(10)
        self._pool.shutdown()
        self._scrapers.shutdown()
        if error is None:
            self._alive()

    def scale(self, replicas: int, *, ordered: bool = False) -> None:
        """Set spec.replicas, and start and end pods until there are so many: all at once (Parallel), or as OrderedReady does."""
        self.resize(replicas)
        before, after = set(self._running), set(range(self._first, self._first + replicas))
        if ordered:
            for ordinal in sorted(after - before):
                self._start(ordinal)
                self.until_ready(ordinal)
            for ordinal in sorted(before - after, reverse=True):
                self._end(ordinal)
        else:
            list(self._pool.map(self._start, after - before))
            list(self._pool.map(self._end, before - after))

    def resize(self, replicas: int) -> None:
        """Set spec.replicas, and leave the pods as they are."""
        self._api.merge(f"{STATEFULSETS}/{NAME}", {"spec": {"replicas": replicas}})

    def restart(self, ordinal: int) -> None:
        """Replace one pod as a rolling update does, and wait until it is Ready."""
        self._end(ordinal)
        self._start(ordinal)
        self.until_ready(ordinal)

    def roll(self) -> None:
        """Replace every pod, the last one first, as a rolling update does."""
        for ordinal, _ in reversed(self.running()):
            self.restart(ordinal)

    def evict(self, *ordinals: int) -> None:
        """Replace some pods at once, as when a node is drained of them."""
        list(self._pool.map(self.restart, ordinals))

    def kill(self, ordinal: int, away: int = 1) -> None:
        """End one process without a warning, and let it come back under its name so many rounds of scrapes later, a second each."""
        self._count()
        with self._lock:
            one = self._running.pop(ordinal)
        worker = one.worker()
        os.kill(one.process.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        one.process.wait(10)
        self._mark(ordinal, ready=False)
        for _ in range(away):  # a kubelet takes a second or more, this process half of one: nobody would see it
            self.scraped()
        self._run(ordinal)
        self.until_ready(ordinal)

    def until_ready(self, ordinal: int) -> None:
        """Wait until a pod is Ready."""
        self._eventually(
            lambda: self._ready.get(ordinal, False), f"pod {ordinal} is not Ready", lambda: self._log(ordinal)
        )

    def settled(self) -> None:
        """Wait until every shard knows how many there are and holds exactly its own slots."""
        self._eventually(
            lambda: all(self._is_stable(one) for one in self._running.values()),
            f"{len(self._running)} shards did not settle",
            lambda: "\n".join(self._log(ordinal) for ordinal in self._running),
        )

    def expect(self) -> None:
        """Let the series of the objects that stay, as the settled fleet has them now, be those that there are to be."""
        self.scrapes.expect(self._scrape_all())
        found = objects(self.scrapes.series)
        assert found == self.load.uids.keys(), f"{len(found)} objects are exported of {len(self.load.uids)}"

    def scraped(self) -> None:
        """Wait for the end of a round that begins from now on."""
        began = time.monotonic()
        self._eventually(lambda: bool(self.scrapes.since(began)), "nothing is scraped", str)

    def counts(self) -> Counter[str]:
        """Return the sum of each counter of COUNTED over all processes; of one that has ended, what it said last."""
        self._count()
        return sum(self._counts.copy().values(), Counter())

    def running(self) -> list[tuple[int, Exporter]]:
        """Return the processes that run, by ordinal."""
        return sorted(self._running.copy().items(), key=lambda one: one[0])

    def targets(self) -> list[tuple[str, str, str]]:
        """Return name, URL and telemetry URL of the running shards."""
        return [(f"{NAME}-{ordinal}", one.url, one.telemetry) for ordinal, one in self.running()]

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as error:
            self._failures.append(error)
            raise

    def _alive(self) -> None:
        """Fail as the first thread did that did not live on."""
        if self._failures:
            raise AssertionError("a thread of the test has died") from self._failures[0]

    def _eventually(self, holds: Callable[[], bool], what: str, more: Callable[[], str]) -> None:
        def good() -> bool:
            self._alive()
            return holds()

        eventually(good, what, more)

    def _is_stable(self, one: Exporter) -> bool:
        with suppress(OSError, http.client.HTTPException):
            text = one.scrape_telemetry()
            known = f"kube_state_metrics_total_shards {len(self._running)}.0\n"
            return known in text and 'handover_phase{phase="stable"}' in text
        return False

    def _log(self, ordinal: int) -> str:
        one = self._running.get(ordinal)
        return f"pod {ordinal}: " + " | ".join(one.log[-5:] if one else ["gone"])

    def _start(self, ordinal: int) -> None:
        owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": NAME, "uid": self._owner, "controller": True}
        metadata = {"namespace": NAMESPACE, "name": f"{NAME}-{ordinal}", "labels": LABELS, "ownerReferences": [owner]}
        self._api("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self.spec})
        self._run(ordinal)

    def _run(self, ordinal: int) -> None:
        one = Exporter(*self._flags, f"--pod={NAME}-{ordinal}", ahead=self._ahead)
        with self._lock:
            self._running[ordinal] = one

    def _end(self, ordinal: int) -> None:
        """Delete the pod as the API server and a kubelet do it: a deletionTimestamp, SIGTERM, and gone when it has ended."""
        path = f"{PODS}/{NAME}-{ordinal}"
        self._api.delete(path, 60)
        one = self._running[ordinal]
        one.process.terminate()
        one.process.wait(60)
        with self._lock:
            self._running.pop(ordinal)
            self._ready.pop(ordinal, None)
        with suppress(Refused):  # an API server without the pod's kubelet removes it by itself
            self._api.delete(path, 0)

    def _mark(self, ordinal: int, *, ready: bool) -> None:
        self._ready[ordinal] = ready
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": moment}
        with suppress(Refused):  # it may be gone
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
            texts = self._scrape_all()
            self.scrapes.add(began, time.monotonic(), texts)
            self._count()
            self._stop.wait(max(0.0, began + 1 - time.monotonic()))

    def _scrape_all(self) -> list[str]:
        return self._each(lambda one: one.scrape())

    def _count(self) -> None:
        running = list(dict(self._running).values())
        for one, text in zip(running, self._each(lambda one: one.scrape_telemetry(), running), strict=True):
            if text:
                self._counts[one] = counted(text)
                self.held_most = max(self.held_most, held(text))

    def _each(self, get: Callable[[Exporter], str], shards: Iterable[Exporter] | None = None) -> list[str]:
        """Ask the running shards at the same time; "" for one that does not answer, or not yet, or not to the end."""

        def text(one: Exporter) -> str:
            with suppress(OSError, http.client.HTTPException):
                return get(one)
            return ""

        return list(self._scrapers.map(text, dict(self._running).values() if shards is None else shards))


@contextmanager
def settled(simulator: Simulator, replicas: int, *flags: str, pods: int = 2) -> Iterator[Fleet]:
    """A fleet of so many shards that have settled, with a few pods of which one changes a second."""
    with (
        Api(simulator.url) as api,
        Fleet(api, [f"--apiserver={simulator.url}", *flags], Load(api, pods, 1.0)) as fleet,
    ):
        fleet.scale(replicas)
        fleet.settled()
        yield fleet


def counted(text: str) -> Counter[str]:
    """Return the sum of each counter of COUNTED in a scrape, over its labels."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        name = line.partition("{")[0]
        if name in COUNTED:
            found[name] += int(float(line.rpartition(" ")[2]))
    return found


def held(text: str) -> int:
    """Return how many slots a shard holds for others."""
    return int(float(text.partition('ksm_shard_slots{state="held"} ')[2].partition("\n")[0]))
