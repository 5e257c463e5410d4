"""Changes of a busy cluster: pods become ready and unready, restart, come and go."""

import copy
import random
import threading
import time
import uuid
from typing import Any, Final

from ksm_shard.simulator.simulator import Simulator

# Of a hundred changes, the number that change a pod's status; the others create a pod and delete one, in turn.
UPDATES: Final = 90


class Churn:
    """Changes pods of a simulator at random.

    The same seed makes the same changes.
    """

    def __init__(self, simulator: Simulator, seed: int) -> None:
        """Take the pods that exist now as those to change."""
        self._simulator = simulator
        self._chance = random.Random(seed)
        self._names = [(pod["metadata"]["namespace"], pod["metadata"]["name"]) for pod in simulator.list("pods")]
        self._stop = threading.Event()

    def step(self) -> None:
        """Make one change; do nothing if there are no pods."""
        if not self._names:
            return
        at = self._chance.randrange(len(self._names))
        namespace, name = self._names[at]
        found = self._simulator.get("pods", name, namespace)
        if found is None:
            return
        if self._chance.randrange(100) < UPDATES:
            self._simulator.put(self._changed(found))
        elif len(self._names) % 2:
            self._simulator.delete("pods", name, namespace)
            self._names[at] = self._names[-1]
            self._names.pop()
        else:
            self._simulator.put(self._twin(found))

    def run(self, rate: float) -> None:
        """Make `rate` changes a second until stopped."""
        began, made = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - began) * rate)
            while made < due:
                self.step()
                made += 1
            self._stop.wait(min(0.05, 1 / rate))

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()

    def _changed(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Return the pod with one container restarted, or turned ready or unready."""
        pod = copy.deepcopy(pod)
        statuses = pod.get("status", {}).get("containerStatuses") or []
        if statuses:
            status = self._chance.choice(statuses)
            status["ready"] = not status.get("ready", False)
            status["restartCount"] = status.get("restartCount", 0) + self._chance.randrange(2)
        for condition in pod.get("status", {}).get("conditions") or []:
            if condition["type"] in {"Ready", "ContainersReady"}:
                condition["status"] = str(all(status["ready"] for status in statuses))
        return pod

    def _twin(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Return a new pod of the same workload."""
        pod = copy.deepcopy(pod)
        meta = pod["metadata"]
        meta["name"] = f"{meta['name'].rpartition('-')[0]}-{self._chance.getrandbits(25):05x}"
        meta["uid"] = str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
        self._names.append((meta["namespace"], meta["name"]))
        return pod
