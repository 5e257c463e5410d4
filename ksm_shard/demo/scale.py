"""`ksm-shard demo --scale`: a fleet, judged once a second."""

import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ksm_shard.demo.driving import LEGEND, Script, driver
from ksm_shard.demo.fleet import DRAIN, INTERVAL, NAME, NAMESPACE, DemoFleet, Ended
from ksm_shard.demo.page import WIDTH, Look, ShardRow, page, serve
from ksm_shard.demo.processes import LOCAL, Shard, simulate
from ksm_shard.demo.scraping import ScrapeManager, fetch
from ksm_shard.demo.view import Sight, View
from ksm_shard.simulator.client import Client
from ksm_shard.simulator.prometheus import samples

# Two scrapes, and what a busy machine is late with anything.
LATE: Final = 2 * INTERVAL + 1
# Seconds between two scrapes of the exporter alone, and those that a line waits for one that is later.
ALONE: Final = 1.0
LAG: Final = 2.0
# Lines between two legends.
LEGEND_EVERY: Final = 20
HEADER: Final = f"{'time':>6} {'shards':>7} {'objects':>8} {'series':>8} {'missing':>8} {'twice':>6} {'moved':>6}"


class Scaling(Protocol):
    """The options of the command, as `ksm-shard demo --help` describes them."""

    @property
    def shards(self) -> int:
        """Number of shards at first."""

    @property
    def pods(self) -> int:
        """Number of pods to make up."""

    @property
    def nodes(self) -> int:
        """Number of nodes to make up."""

    @property
    def seed(self) -> int:
        """Seed of the cluster."""

    @property
    def churn(self) -> float:
        """Number of changes a second."""

    @property
    def port(self) -> int:
        """Port of the page, and the first of all."""


@dataclass(frozen=True)
class Moment:
    """A fleet at a time, in seconds since 1970.

    Attributes:
        excused: whether series may be missing, as a shard was killed.
        tracked: the series that each pod had without timestamps.
    """

    at: float
    ready: int
    wanted: int
    doing: str
    idle: bool
    excused: bool
    tracked: Mapping[str, frozenset[str]]


class Judge:
    """Judges a fleet by one exporter alone."""

    def __init__(self, fleet: DemoFleet, alone: Shard, api: str) -> None:
        """Compare a fleet with one exporter alone."""
        self.fleet = fleet
        self.looks: deque[Look] = deque(maxlen=WIDTH)
        self.wrong = 0
        self._alone = alone
        self._api = api
        self._view = View(LATE)
        self._scraper = ScrapeManager(INTERVAL, fleet.targets)
        self._lock = threading.Lock()  # around the view
        self._stop = threading.Event()
        self._began = time.time()
        self._pending: deque[Moment] = deque()
        self._settled = False
        self._excused = 0.0

    @property
    def failure(self) -> Exception | None:
        """The reason to give up, if there is one."""
        return self.fleet.failure or (
            Ended("the exporter to compare with has ended by itself") if self._alone.ended else None
        )

    def start(self) -> None:
        """Begin to scrape."""
        for run in (self._scraper.run, self._scrape_alone):
            threading.Thread(target=run, daemon=True).start()

    def stop(self) -> None:
        """End the scrapes."""
        self._stop.set()
        self._scraper.stop()

    def failed(self) -> Iterator[str]:
        """Yield the pods of scrapes that failed since the last call."""
        while not self._scraper.failed.empty():
            yield self._scraper.failed.get()

    def note(self) -> None:
        """Note the state of the fleet."""
        now = time.time()
        if self.fleet.killed:
            self._excused = now + LATE
        self._pending.append(
            Moment(
                now, self.fleet.ready, self.fleet.wanted, self.fleet.doing, self.fleet.idle, now <= self._excused,
                self._scraper.tracked(),
            )
        )  # fmt: skip

    def judged(self) -> list[Look]:
        """Return the looks at those moments that can be judged by now.

        Trouble counts from the moment when the fleet has settled first, but for a kill.
        """
        found = []
        while self._pending and self._pending[0].at <= time.time() - LAG and self._view.knows(self._pending[0].at):
            then = self._pending.popleft()
            visible = self._scraper.visible(then.at)
            with self._lock:
                sight = self._view.look(then.at, visible.keys(), then.tracked)
            found.append(Look(then.at - self._began, then.ready, then.wanted, sight, then.doing))
            self._settled = self._settled or (then.idle and sight.right)
            self.wrong += self._settled and not then.excused and not sight.right
        self.looks.extend(found)
        return found

    def page(self) -> str:
        """Return the page as of the last look."""
        rows = [
            ShardRow(pod, self.fleet.is_ready(pod), one.url, one.telemetry) for pod, one in self.fleet.shards().items()
        ]
        looks = list(self.looks) or [Look(0, 0, self.fleet.wanted, Sight(0, 0, 0, 0, 0, {}), self.fleet.doing)]
        return page(looks, rows, self._api)

    def _scrape_alone(self) -> None:
        while True:
            began = time.time()
            if text := fetch(f"{self._alone.url}metrics", 2 * INTERVAL):
                series = frozenset(name for name, *_ in samples(text))
                with self._lock:
                    self._view.alone(began, series)
            if self._stop.wait(max(0.0, began + ALONE - time.time())):
                return


def main(options: Scaling) -> int:
    """Run until the driver ends it; return the exit status.

    That is 1 if series were missing or there twice, but for a kill, or if a process ended by itself.
    """
    print(f"A made-up cluster of {options.pods} pods, {options.churn:g} changes a second ...", flush=True)
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ksm-shard-demo-")))
        simulator, url = simulate(options.pods, options.nodes, options.seed, options.churn)
        stack.callback(simulator.wait)
        stack.callback(simulator.terminate)
        api = stack.enter_context(Client(url))
        alone = Shard(options.port + 1, [f"--apiserver={url}"], logs / "alone.log")
        stack.callback(alone.wait, DRAIN)
        stack.callback(alone.kill)
        fleet = DemoFleet(api, url, options.port + 3, logs)
        stack.callback(fleet.stop)
        fleet.start(options.shards)
        judge = Judge(fleet, alone, url)
        stack.callback(judge.stop)
        judge.start()
        server = serve(LOCAL, options.port, judge.page)
        stack.callback(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        print(
            f"Open http://{LOCAL}:{options.port}/ for the same as a chart and for the pages of the shards; or scale it by\n"
            f"kubectl --server={url} --namespace={NAMESPACE} scale statefulset {NAME} --replicas=4\n"
            "missing, twice: series that a query misses or sees twice, held against one exporter alone; moved: objects\n"
            "that another shard has now. The first numbers come in some ten seconds.\n",
            flush=True,
        )
        return watch(judge)


def watch(judge: Judge) -> int:
    """Print a line a second until the driver ends; return the exit status."""
    with driver(judge.fleet) as drive:
        number, due = 0, time.monotonic()
        while drive.pause(max(0.0, due - time.monotonic())):
            if judge.failure:
                print(f"ksm-shard: {judge.failure}", file=sys.stderr)
                return 1
            for pod in judge.failed():
                print(f"{'>':>6} a scrape of {pod} failed")
            judge.note()
            for look in judge.judged():
                if number % LEGEND_EVERY == 0:
                    print(HEADER if isinstance(drive, Script) else f"{LEGEND}\n{HEADER}")
                print(line(look), flush=True)
                number += 1
            due = max(due + 1, time.monotonic())
    if not isinstance(drive, Script):
        return 0
    if judge.wrong or not judge.looks[-1].sight.right:
        print(f"wrong: for {max(judge.wrong, 1)} seconds a query missed series, or saw some twice")
        return 1
    print("right: no query missed a series or saw one twice, but those of the shard that was killed until it was back")
    return 0


def line(look: Look) -> str:
    """Return a look as a line below HEADER."""
    one = look.sight
    shards = f"{look.ready}/{look.wanted}"
    numbers = f"{one.objects:8} {one.series:8} {one.missing:8} {one.twice:6} {one.moved:6}"
    return f"{look.at:5.0f}s {shards:>7} {numbers}  {look.doing}".rstrip()
