"""The StatefulSet of a demo, and the changes made to it."""

import queue
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ksm_shard.demo.processes import LOCAL, Shard
from ksm_shard.fleet.client import NoReport, ask
from ksm_shard.settings.commands import MOST_SCALED
from ksm_shard.sharding.state import Phase
from ksm_shard.simulator.client import Client
from ksm_shard.simulator.kubelet import Kubelet
from ksm_shard.simulator.statefulset import StatefulSetController

NAMESPACE: Final = "monitoring"
NAME: Final = "ksm-shard"
# Seconds between two scrapes, and as long as a StatefulSet of a demo drains: time to load what others had, and to be scraped.
INTERVAL: Final = 2.0
DRAIN: Final = 8.0
FLAGS: Final = (
    f"--pod-namespace={NAMESPACE}", f"--scrape-interval={INTERVAL:g}s", f"--drain-period={DRAIN:g}s",
    "--handover-timestamps",
)  # fmt: skip
PROBES: Final = 0.2
LOOK: Final = 0.2
# Seconds that a kubelet takes to start a container again.
AGAIN: Final = 2.0


class Stopped(Exception):
    """The demo is at its end."""


class Ended(Exception):
    """A process ended by itself; the message has its last words."""


class DemoFleet:
    """Shards on a simulated API server.

    One thread makes the changes that are asked for, in order; another probes.

    Attributes:
        doing: what is under way, "" for nothing.
        killed: whether that is a kill.
        failure: why a thread has ended, None while all is well.
    """

    def __init__(self, api: Client, url: str, first_port: int, logs: Path) -> None:
        """Take the API server, the ports, and a folder for logs."""
        self._url = url
        self._port = first_port
        self._logs = logs
        self._kubelet = Kubelet(api, NAMESPACE, self._start)
        self._set = StatefulSetController(api, self._kubelet, NAMESPACE, NAME, self._wait)
        self._set.port_of = self._port_of
        self._asked: queue.SimpleQueue[tuple[str, Callable[[], None]]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._guarded, args=(run,)) for run in (self._probe, self._control)]
        self.wanted = 0
        self.doing = "starting"
        self.killed = False
        self.failure: Exception | None = None

    def start(self, replicas: int) -> None:
        """Make the StatefulSet, with so many replicas."""
        self._set.create()
        self.scale(replicas)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all shards, without a hand-over."""
        self._stop.set()
        self._kubelet.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._set.stop()
        self._kubelet.stop()  # what was just being started

    def scale(self, replicas: int) -> None:
        """Set spec.replicas, as far as there are ports."""
        self.wanted = min(max(replicas, 1), MOST_SCALED)
        self._set.resize(self.wanted)

    def grow(self) -> None:
        """Scale out by one."""
        self.scale(self.wanted + 1)

    def shrink(self) -> None:
        """Scale in by one."""
        self.scale(self.wanted - 1)

    def roll(self) -> None:
        """Restart all pods, one by one."""
        self._asked.put(("rolling restart", self._set.roll))

    def kill(self) -> None:
        """Kill one pod."""
        self._asked.put(("kill", self._kill))

    @property
    def idle(self) -> bool:
        """True if nothing is under way or asked for."""
        return not self.doing and self._asked.empty() and self.wanted == len(self._kubelet.running())

    @property
    def ready(self) -> int:
        """Number of Ready pods."""
        return sum(map(self._kubelet.is_ready, self._kubelet.running()))

    def shards(self) -> dict[str, Shard]:
        """Return the shards that run, by pod."""
        running = self._kubelet.running()
        return {pod: running[pod] for pod in sorted(running)}

    def is_ready(self, pod: str) -> bool:
        """Tell whether a pod is Ready."""
        return self._kubelet.is_ready(pod)

    def targets(self) -> dict[tuple[str, str], str]:
        """Return the targets: pod and uid -> URL."""
        return {(pod, uid): f"http://{LOCAL}:{self._port_of(pod)}/metrics" for pod, uid in self._kubelet.pods().items()}

    def _port_of(self, pod: str) -> int:
        return self._port + 2 * int(pod.rpartition("-")[2])

    def _start(self, pod: str) -> Shard:
        flags = [f"--apiserver={self._url}", f"--pod={pod}", *FLAGS]
        return Shard(self._port_of(pod), flags, self._logs / f"{pod}.log")

    def _guarded(self, run: Callable[[], None]) -> None:
        try:
            run()
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001  the demo ends with it
            if not self._stop.is_set():
                self.failure = error

    def _probe(self) -> None:
        while not self._stop.wait(PROBES):
            self._kubelet.probe()
            for pod, shard in self._kubelet.running().items():
                if shard.ended and self._kubelet.running().get(pod) is shard and not self.doing:
                    raise Ended(f"{pod} has ended by itself: {last_line(self._logs / f'{pod}.log')}")

    def _control(self) -> None:
        while not self._stop.wait(LOOK):
            self.wanted = self._set.replicas()  # kubectl may have changed it
            have = len(self._kubelet.running())
            if have != self.wanted:
                self._do(f"scale {have} -> {self.wanted}", lambda: self._set.reconcile(self.wanted))
            elif not self._asked.empty():
                self._do(*self._asked.get())
            self.doing, self.killed = "", False

    def _do(self, what: str, act: Callable[[], None]) -> None:
        """Make a change, and wait until all shards have settled.

        If another number of them is wanted meanwhile, that is next.
        """
        self.doing = what
        act()
        wanted = self.wanted
        self._wait(lambda: wanted != self._set.replicas() or self._settled(wanted), "not settled")

    def _kill(self) -> None:
        pod = random.choice(sorted(self._kubelet.running()))
        self.doing, self.killed = f"kill {pod}", True
        self._kubelet.kill(pod)
        self._stop.wait(AGAIN)
        self._kubelet.revive(pod)
        self._set.until_ready(int(pod.rpartition("-")[2]))

    def _settled(self, total: int) -> bool:
        """Return True if every shard has exactly its own slots."""
        try:
            reports = [ask(shard.url) for shard in self.shards().values()]
        except NoReport:
            return False
        return len(reports) == total and all(
            (one.total, one.phase, one.ready) == (total, str(Phase.STABLE), True) for one in reports
        )

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        del what  # it is waited for until the demo ends
        while not holds():
            if self._stop.wait(LOOK):
                raise Stopped


def last_line(log: Path) -> str:
    """Return the last line of a log, which says why a process ended."""
    lines = log.read_text("utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line for line in reversed(lines) if line), "it said nothing")
