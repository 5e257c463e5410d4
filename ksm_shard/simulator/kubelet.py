"""A small kubelet: pods of one namespace, run as processes.

what happens   what the API server sees
-------------  ---------------------------------------------------------------------------
run            nothing; a controller has made the pod
probe          the condition Ready, whenever an answer differs from the last one
end            a deletionTimestamp; SIGTERM, SIGKILL after the grace period; then the pod is gone
kill, revive   the pod stays, not Ready; its container is another one
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Generic, Protocol, TypeVar

from ksm_shard.simulator.client import Client, Rejected

# As the manifests of a fleet say it, in seconds.
GRACE: Final = 90
# Of all pods: they are processes of this machine.
ADDRESS: Final = "127.0.0.1"


class Container(Protocol):
    """A process of a pod."""

    def is_ready(self) -> bool:
        """Answer the readiness probe."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL, to its children as well."""

    def wait(self, seconds: float) -> bool:
        """Wait for its end at most so long; return True if it came."""


C = TypeVar("C", bound=Container)


class Kubelet(Generic[C]):
    """Runs pods. Any thread may call it, for one pod one at a time."""

    def __init__(self, api: Client, namespace: str, start: Callable[[str], C]) -> None:
        """Start the container of a pod by calling `start` with its name."""
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._start = start
        self._lock = threading.RLock()
        self._running: dict[str, C] = {}
        self._uids: dict[str, str] = {}
        self._ready: dict[str, bool] = {}

    def running(self) -> dict[str, C]:
        """Return the containers that run, by pod."""
        with self._lock:
            return dict(self._running)

    def pods(self) -> dict[str, str]:
        """Return the uids of the pods that are there, by name."""
        with self._lock:
            return dict(self._uids)

    def is_ready(self, pod: str) -> bool:
        """Return True if a pod is Ready."""
        return self._ready.get(pod, False)

    def run(self, pod: str, uid: str) -> None:
        """Start the container of a pod that was made."""
        with self._lock:
            self._uids[pod] = uid
        self.revive(pod)

    def end(self, pod: str) -> None:
        """Delete a pod, and wait until its process has ended."""
        path = f"{self._path}/{pod}"
        with suppress(Rejected):  # whoever deleted it was first
            self._api.delete(path, GRACE)
        one = self.running()[pod]
        one.terminate()
        if not one.wait(GRACE):
            one.kill()
            one.wait(GRACE)
        self._forget(pod)
        with self._lock:
            self._uids.pop(pod, None)
        with suppress(Rejected):  # an API server without the pod's kubelet removes it by itself
            self._api.delete(path, 0)

    def kill(self, pod: str) -> None:
        """Kill the container of a pod; the pod stays."""
        one = self.running()[pod]
        self._forget(pod)
        one.kill()
        one.wait(GRACE)
        self._write(pod, ready=False)

    def revive(self, pod: str) -> None:
        """Start the container of a pod that has none."""
        one = self._start(pod)
        with self._lock:
            self._running[pod] = one

    def probe(self) -> None:
        """Probe every container, and write the conditions that changed."""
        for pod, one in self.running().items():
            ready = one.is_ready()
            if ready != self.is_ready(pod) and self.running().get(pod) is one:
                self._write(pod, ready=ready)
                # After the API server knows: who waits for this pod deletes the next, which only Ready pods cover.
                with self._lock:
                    if self._running.get(pod) is one:
                        self._ready[pod] = ready

    def stop(self) -> None:
        """End all containers at once; the pods stay."""
        for one in self.running().values():
            one.kill()
        for one in self.running().values():
            one.wait(GRACE)

    def _forget(self, pod: str) -> None:
        with self._lock:
            del self._running[pod]
            self._ready.pop(pod, None)

    def _write(self, pod: str, *, ready: bool) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": moment}
        with suppress(Rejected):  # it may be gone
            self._api.merge(f"{self._path}/{pod}/status", {"status": {"podIP": ADDRESS, "conditions": [condition]}})
