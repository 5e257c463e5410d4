"""A StatefulSet of real processes, run by the simulator's kubelet and controller; what its shards serve is scraped and counted."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Self

from ksm_shard.simulator.kubelet import Kubelet
from ksm_shard.simulator.simulator import Simulator
from ksm_shard.simulator.statefulset import StatefulSetController
from tests.e2e.api import Api
from tests.e2e.load import Load
from tests.e2e.scrapes import Scrapes, objects
from tests.processes import Exporter, eventually

NAMESPACE = "monitoring"
NAME = "ksm-shard"
LABELS = {"app": NAME}
# Shorter than in earnest, as the scrapes are: one a second.
HANDOVER = 4.0
DRAIN = 8.0
# What is told of a process by resource and added up, over the processes that have ended too.
COUNTED = ("ksm_shard_received_bytes_total", "ksm_shard_listed_bytes_total", "kube_state_metrics_list_total")


class Fleet:
    """The StatefulSet, its pods and their processes; threads that probe and scrape them, and those that change what they export.

    A thread that dies fails whatever is waited for next.

    Attributes:
        load: what is exported.
        set: the StatefulSet.
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
        resources: str = "pods,configmaps",
        every: float = 1.0,
    ) -> None:
        """Take what is to be exported, where the ordinals of the set begin, and the hand-over and drain periods in seconds.

        The clocks of its processes are so many seconds ahead; a round of scrapes begins `every` so many seconds.
        """
        self._every = every
        self._flags = [
            *flags, f"--resources={resources}", f"--pod-namespace={NAMESPACE}",
            f"--handover-period={handover:g}s", f"--drain-period={drain:g}s",
        ]  # fmt: skip
        self._ahead = ahead
        self._kubelet = Kubelet(api, NAMESPACE, self._exporter)
        wait = partial(self._eventually, more=self._logs)
        self.set = StatefulSetController(api, self._kubelet, NAMESPACE, NAME, wait, start=start)
        self._counts: dict[Exporter, Counter[str]] = {}
        self._failures: list[BaseException] = []
        self._stop = threading.Event()
        self._scrapers = ThreadPoolExecutor(16)
        self.load = load
        self.scrapes = Scrapes()
        self.held_most = 0

    def __enter__(self) -> Self:
        self.load.create(self._scrapers)
        self.set.create()
        loops = [self._probe, self._scrape, *self.load.writers(self._stop)]
        self._threads = [threading.Thread(target=self._guarded, args=(loop,), daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        self._kubelet.stop()
        self.set.stop()
        self._scrapers.shutdown()
        if error is None:
            self._alive()

    def scale(self, replicas: int, *, ordered: bool = False) -> None:
        """Set spec.replicas, and start and end pods until there are so many: all at once (Parallel), or as OrderedReady does."""
        self.resize(replicas)
        self.set.reconcile(replicas, ordered=ordered)

    def resize(self, replicas: int) -> None:
        """Set spec.replicas, and leave the pods as they are."""
        self.set.resize(replicas)

    def restart(self, ordinal: int) -> None:
        """Replace one pod as a rolling update does, and wait until it is Ready."""
        self.set.restart(ordinal)

    def roll(self) -> None:
        """Replace every pod, the last one first, as a rolling update does."""
        self.set.roll()

    def evict(self, *ordinals: int) -> None:
        """Replace some pods at once, as when a node is drained of them."""
        self.set.evict(*ordinals)

    def kill(self, ordinal: int, away: int = 1) -> None:
        """End one process without a warning, and let it come back under its name so many rounds of scrapes later, a second each."""
        self._count()
        self._kubelet.kill(self.set.pod(ordinal))
        for _ in range(away):  # a kubelet takes a second or more, this process half of one: nobody would see it
            self.scraped()
        self._kubelet.revive(self.set.pod(ordinal))
        self.until_ready(ordinal)

    def until_ready(self, ordinal: int) -> None:
        """Wait until a pod is Ready."""
        self.set.until_ready(ordinal)

    def settled(self) -> None:
        """Wait until every shard knows how many there are and holds exactly its own slots."""
        self._eventually(
            lambda: all(self._is_stable(one) for one in self._kubelet.running().values()),
            f"{len(self._kubelet.running())} shards did not settle",
            self._logs,
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
        running = self._kubelet.running()
        return [(ordinal, running[pod]) for ordinal in self.set.ordinals() if (pod := self.set.pod(ordinal)) in running]

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
            known = f"kube_state_metrics_total_shards {len(self._kubelet.running())}.0\n"
            return known in text and 'handover_phase{phase="stable"}' in text
        return False

    def _logs(self) -> str:
        return "\n".join(f"{pod}: " + " | ".join(one.log[-5:]) for pod, one in self._kubelet.running().items())

    def _exporter(self, pod: str) -> Exporter:
        return Exporter(*self._flags, f"--pod={pod}", ahead=self._ahead)

    def _probe(self) -> None:
        while not self._stop.wait(0.2):
            self._kubelet.probe()

    def _scrape(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            texts = self._scrape_all()
            self.scrapes.add(began, time.monotonic(), texts)
            self._count()
            self._stop.wait(max(0.0, began + self._every - time.monotonic()))

    def _scrape_all(self) -> list[str]:
        return self._each(lambda one: one.scrape())

    def _count(self) -> None:
        running = list(self._kubelet.running().values())
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

        return list(self._scrapers.map(text, self._kubelet.running().values() if shards is None else shards))


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
