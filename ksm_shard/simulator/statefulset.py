"""A small StatefulSet controller: makes, replaces and deletes pods in order."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Generic

from ksm_shard.simulator.client import Client, Rejected
from ksm_shard.simulator.kubelet import GRACE, C, Kubelet

# Pods that start or end at the same time.
AT_ONCE: Final = 16
# As the manifests of a fleet have them: see ksm_shard/membership/selfcheck.py.
PROBE: Final = {"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1, "failureThreshold": 1}
SPEC: Final[Mapping[str, Any]] = {
    "nodeName": "node-1",
    "terminationGracePeriodSeconds": GRACE,
    "containers": [{"name": "ksm-shard", "image": "ksm-shard", "readinessProbe": PROBE}],
}

# Waits until something holds; the text says what does not, if it never does.
Wait = Callable[[Callable[[], bool], str], None]


class StatefulSetController(Generic[C]):
    """A StatefulSet. One thread at a time changes its pods.

    Attributes:
        name: of the set; its pods are NAME-ORDINAL.
        path: of the set.
        spec: of the pods that are made from now on.
        port_of: the port of a pod, which its annotation prometheus.io/port shall name; None for none.
    """

    def __init__(
        self, api: Client, kubelet: Kubelet[C], namespace: str, name: str, wait: Wait, *, start: int = 0
    ) -> None:
        """Run the pods on that kubelet; their ordinals begin with `start`."""
        self.name = name
        self.path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}"
        self.spec = SPEC
        self.port_of: Callable[[str], int] | None = None
        self._namespace = namespace
        self._api = api
        self._kubelet = kubelet
        self._wait = wait
        self._first = start
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._owner = ""

    def create(self) -> None:
        """Make the namespace and the set, without pods."""
        with suppress(Rejected):  # it may be there
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self._namespace}}
            self._api("POST", "/api/v1/namespaces", namespace)
        spec = {
            "replicas": 0,
            "serviceName": self.name,
            "selector": {"matchLabels": self._labels},
            "template": {"metadata": {"labels": self._labels}, "spec": self.spec},
            "ordinals": {"start": self._first},
        }
        metadata = {"namespace": self._namespace, "name": self.name}
        made = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}
        self._owner = self._api("POST", self.path.rpartition("/")[0], made)["metadata"]["uid"]

    def resize(self, replicas: int) -> None:
        """Set spec.replicas, and leave the pods as they are."""
        self._api.merge(self.path, {"spec": {"replicas": replicas}})

    def replicas(self) -> int:
        """Return spec.replicas, which kubectl may have changed."""
        return int(self._api("GET", self.path)["spec"]["replicas"])

    def reconcile(self, replicas: int, *, ordered: bool = False) -> None:
        """Start and end pods until there are so many.

        All at once, as podManagementPolicy Parallel does, or one by one as OrderedReady.
        """
        before, after = set(self.ordinals()), set(range(self._first, self._first + replicas))
        if ordered:
            for ordinal in sorted(after - before):
                self._start(ordinal)
                self.until_ready(ordinal)
            for ordinal in sorted(before - after, reverse=True):
                self._kubelet.end(self.pod(ordinal))
        else:
            self._all(self._start, after - before)
            self._all(lambda ordinal: self._kubelet.end(self.pod(ordinal)), before - after)

    def restart(self, ordinal: int) -> None:
        """Replace a pod, and wait until it is Ready."""
        self._kubelet.end(self.pod(ordinal))
        self._start(ordinal)
        self.until_ready(ordinal)

    def roll(self) -> None:
        """Replace every pod as a rolling update does, the last one first."""
        for ordinal in reversed(self.ordinals()):
            self.restart(ordinal)

    def evict(self, *ordinals: int) -> None:
        """Replace some pods at once, as a drain of their node does."""
        self._all(self.restart, ordinals)

    def until_ready(self, ordinal: int) -> None:
        """Wait until a pod is Ready."""
        pod = self.pod(ordinal)
        self._wait(lambda: self._kubelet.is_ready(pod), f"{pod} is not Ready")

    def ordinals(self) -> list[int]:
        """Return the ordinals of the pods whose containers run."""
        return sorted(int(pod.rpartition("-")[2]) for pod in self._kubelet.running())

    def pod(self, ordinal: int) -> str:
        """Return the name of a pod."""
        return f"{self.name}-{ordinal}"

    def stop(self) -> None:
        """Wait for the threads that start and end pods."""
        self._pool.shutdown()

    @property
    def _labels(self) -> dict[str, str]:
        return {"app": self.name}

    def _all(self, act: Callable[[int], Any], ordinals: Iterable[int]) -> None:
        list(self._pool.map(act, ordinals))

    def _start(self, ordinal: int) -> None:
        owner = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": self.name,
            "uid": self._owner,
            "controller": True,
        }
        pod = self.pod(ordinal)
        metadata = {
            "namespace": self._namespace,
            "name": pod,
            "labels": self._labels,
            "ownerReferences": [owner],
            "annotations": {"prometheus.io/port": str(self.port_of(pod))} if self.port_of else {},
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": self.spec}
        made = self._api("POST", f"/api/v1/namespaces/{self._namespace}/pods", body)
        self._kubelet.run(pod, made["metadata"]["uid"])
