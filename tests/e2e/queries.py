"""What a change of a fleet looks like in queries: each is evaluated four times a second, and held against what it always is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Final

from tests.e2e.measured import Tell
from tests.e2e.prometheus import EVALUATION, TICK, Prometheus
from tests.e2e.statefulset import Fleet

STAYS: Final = 'pod=~"stays-.*"'
PHASES: Final = 5
ALERTS: Final = {"Stays": f"kube_pod_info{{{STAYS}}}"}
# What is recorded, and what it is for each pod that stays. A sum is of all phases: one of them is 1.
RECORDS: Final = {
    "test:count": (f"count(kube_pod_info{{{STAYS}}})", 1),
    "test:sum": (f"sum(kube_pod_status_phase{{{STAYS}}})", 1),
    "test:join": (
        f"count(kube_pod_status_phase{{{STAYS}}} * on (namespace, pod) group_left (node) kube_pod_info{{{STAYS}}})",
        PHASES,
    ),
    "test:firing": ('count(ALERTS{alertstate="firing"})', 1),
    "test:begun": ('count(ALERTS{alertstate="pending"}) or vector(0)', 0),
}
IGNORED: Final = "prometheus_target_scrapes_sample_out_of_order_total"
TAKEN: Final = "prometheus_tsdb_head_samples_appended_total"
HEADER: Final = (
    "count to begun: evaluations, four a second, that came to another number than always, or to none; twice: pods that were shown\n"
    "with two values of a label, and for how long at most; lingered: the same of deleted ones, for longer than two scrapes;\n"
    "ignored: samples out of order\n"
    f"{'change':24} {'seconds':>7} "
    + " ".join(f"{name.partition(':')[2]:>6}" for name in RECORDS)
    + f" {'twice':>13} {'lingered':>13} {'deleted':>7} {'ignored':>7}"
)
# Seconds by which a busy machine may be late with anything.
LATE: Final = 1.0


@dataclass(frozen=True)
class ObjectCount:
    """One change, from when it was asked for until everything is steady and scraped.

    Attributes:
        wrong: of each query, the evaluations that came to another number than it always is: time since the beginning -> number.
        twice: seconds that each pod was shown with two values of a label.
        stayed: seconds that each deleted pod was still shown.
        longest: seconds that one may be, two scrapes.
        ignored, taken: samples out of order and all others, by Prometheus' own count.
    """

    what: str
    seconds: float
    wrong: dict[str, dict[float, float | None]]
    twice: list[float]
    stayed: list[float]
    longest: float
    ignored: float
    taken: float

    @property
    def lingered(self) -> list[float]:
        """Seconds that each of those was shown that was so for too long."""
        return [seconds for seconds in self.stayed if seconds > self.longest]

    def __str__(self) -> str:
        numbers = " ".join(f"{len(self.wrong[name]):6}" for name in RECORDS)
        pairs = " ".join(f"{len(some):4} {max(some, default=0.0):6.1f} s" for some in (self.twice, self.lingered))
        return f"{self.what:24} {self.seconds:7.1f} {numbers} {pairs} {len(self.stayed):7} {self.ignored:7.0f}"


def queried(what: str, fleet: Fleet, prometheus: Prometheus, act: Callable[[], None], tell: Tell) -> ObjectCount:
    """Do something with a fleet, wait until it is steady and scraped, and tell what queries showed meanwhile."""
    ignored, taken, began = prometheus.counted(IGNORED), prometheus.counted(TAKEN), time()
    act()
    fleet.settled()
    for _ in range(math.ceil(2.5 * prometheus.interval)):  # a round is a second: what was deleted by now has to be gone
        fleet.scraped()
    ended = time()
    ticks = prometheus.recorded(TICK, began, ended - 1)  # the last evaluation may be under way
    wrong = {}
    for name, (_, each) in RECORDS.items():
        found = prometheus.recorded(name, began, ended)
        bad = {at - began: found.get(at) for at in ticks if found.get(at) != each * len(fleet.load.staying)}
        wrong[name] = bad
    shown = {
        one: max(at) for one, at in prometheus.seen('kube_pod_info{pod=~"passes-.*"}', "uid", began, ended).items()
    }
    twice = prometheus.seen("count by (uid) (kube_pod_info) > 1", "uid", began, ended)
    deleted = {uid: at for uid, at in fleet.load.deleted.copy().items() if began <= at}
    seen = ObjectCount(
        what=what,
        seconds=ended - began,
        wrong=wrong,
        twice=[EVALUATION * len(at) for at in twice.values()],
        stayed=[max(shown.get(uid, at) - at, 0.0) for uid, at in deleted.items()],
        longest=2 * prometheus.interval + LATE,
        ignored=prometheus.counted(IGNORED) - ignored,
        taken=prometheus.counted(TAKEN) - taken,
    )
    assert len(ticks) >= (seen.seconds - 1) / 0.5, f"only {len(ticks)} evaluations in {seen.seconds:.0f} s"
    assert len(deleted) > seen.seconds, f"only {len(deleted)} pods were deleted in {seen.seconds:.0f} s"
    tell("measured", str(seen))
    return seen
