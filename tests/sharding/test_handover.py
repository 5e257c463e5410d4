"""Whole fleets through random changes, each pod seeing them late in its own way. Simulated seconds; no process, no server.

The real thing (processes, readiness probes, an API server) is measured elsewhere. Excluded here: killed processes and
pods that never start, which are in test_away.py, and a fleet of one that restarts, which leaves a gap that nobody fills.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ksm_shard.sharding.membership import Member
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ring import MMH3
from ksm_shard.sharding.slots import ALL, NONE
from ksm_shard.sharding.state import Pod, State, StatefulSet
from ksm_shard.sharding.takeover import PATIENCE

HANDOVER, DRAIN = 20, 20  # seconds; what follows must fit in: seeing news, starting, loading
LATE, START, LOAD = 4, 4, 5

FULL = int.from_bytes(ALL)


@dataclass
class Process:
    """A pod with the exporter in it."""

    ordinal: int
    starts: float  # seconds until it sees anything; infinite for one that never gets that far
    loads: int
    ready_since: int | None = None
    gone_at: int | None = None
    state: State = field(default_factory=State)
    ownership: Ownership = field(default_factory=lambda: Ownership(MMH3))
    loading: list[tuple[int, int]] = field(default_factory=list)  # when what version of the mask will be loaded
    loaded: int = 0
    seen: tuple[int, int] = (0, 0)  # the seconds at which what it sees of StatefulSet and pods was so
    inputs: object = None

    @property
    def pod(self) -> Pod:
        ready = "" if self.ready_since is None else str(self.ready_since)
        return Pod(f"ksm-{self.ordinal}", ready, self.gone_at is not None)

    def step(
        self, now: int, sets: list[StatefulSet], pods: list[tuple[Pod, ...]], late: int, rng: random.Random
    ) -> bool:
        """One second of its life; whether anything changed."""
        if now < self.starts:
            return False
        while self.loading and self.loading[0][0] <= now:
            self.loaded = self.loading.pop(0)[1]
            self.ownership.confirm(self.loaded)
        fresh = self.inputs is None  # the first look is a consistent read
        set_at, pods_at = (now if fresh else max(old, now - rng.randint(0, late)) for old in self.seen)
        self.seen = set_at, pods_at
        inputs = sets[set_at], pods[pods_at], self.loaded
        if inputs == self.inputs and (self.state.due is None or now < self.state.due):
            return False
        self.inputs = inputs
        self.state = Member(MMH3, self.pod.name, HANDOVER).advance(
            self.state, *inputs[:2], self.ownership.loaded(), now
        )
        self.ownership.change(self.state.held)
        if self.state.gained != NONE:
            self.loading.append((now + self.loads, self.ownership.version))
        return True


class Fleet:
    """A StatefulSet and its controller."""

    def __init__(self, total: int, ordered: bool, stuck: int, late: int, rng: random.Random) -> None:
        self.total, self.ordered, self.stuck, self.late, self.rng = total, ordered, stuck, late, rng
        self.now = 0
        self.stranded: set[int] = set()  # ordinals that never start (again): no room for them, or their node has died
        self.restarts: list[int] = []  # ordinals of a rolling update, the next one last
        self.alive: list[Process] = []
        self.sets: list[StatefulSet] = []
        self.pods: list[tuple[Pod, ...]] = []

    def control(self) -> None:
        """Create and delete pods as the StatefulSet's controller does, in order or all at once."""
        self.alive = [each for each in self.alive if each.gone_at is None or self.now < each.gone_at]
        by_ordinal = {each.ordinal: each for each in self.alive}
        for ordinal in sorted(by_ordinal, reverse=True):
            if ordinal >= self.total and by_ordinal[ordinal].gone_at is None:
                if self.ordered and any(each.gone_at is not None for each in self.alive):
                    break
                by_ordinal[ordinal].gone_at = self.now + DRAIN
        for ordinal in range(self.total):
            if ordinal not in by_ordinal:
                self.alive.append(self.process(ordinal))
            if self.ordered and (ordinal not in by_ordinal or by_ordinal[ordinal].ready_since is None):
                break
        if self.restarts and all(each.gone_at is None and each.ready_since is not None for each in self.alive):
            for each in self.alive:
                if each.ordinal == self.restarts[-1]:
                    each.gone_at = self.now + DRAIN
            self.restarts.pop()

    def process(self, ordinal: int) -> Process:
        """A pod that begins."""
        starts = (
            float("inf") if ordinal >= self.stuck or ordinal in self.stranded else self.now + self.rng.randint(0, START)
        )
        return Process(ordinal, starts, self.rng.randint(1, LOAD))

    def kill(self, ordinal: int) -> None:
        """End a process without any warning; its pod stays, and begins again if it is not stranded."""
        for place, each in enumerate(self.alive):
            if each.ordinal == ordinal:
                self.alive[place] = replace(self.process(ordinal), gone_at=each.gone_at)

    def second(self) -> bool:
        """Whether anything changed in the next second."""
        self.control()
        for each in self.alive:  # as `Exporter.readiness` has it
            if not each.state.serving or each.state.late:
                each.ready_since = None
            elif each.ready_since is None:
                each.ready_since = self.now
        self.sets.append(StatefulSet("ksm", self.total))
        self.pods.append(tuple(each.pod for each in self.alive))
        changed = [each.step(self.now, self.sets, self.pods, self.late, self.rng) for each in self.alive]
        self.now += 1
        return any(changed) or len(self.pods) < 2 or self.pods[-1] != self.pods[-2]

    def missing(self) -> int:
        """Slots that no pod serves."""
        served = 0
        for each in self.alive:
            if each.state.serving:
                served |= int.from_bytes(each.ownership.loaded())
        return (FULL & ~served).bit_count()

    def settle(self) -> None:
        """Run until nothing can happen any more: all news seen, all pods up, all periods over."""
        quiet = 0
        while quiet <= self.late + START + LOAD + DRAIN + (PATIENCE + 1) * HANDOVER:
            quiet = 0 if self.second() else quiet + 1
            assert self.now < 10_000

    def at_target(self) -> bool:
        return [(each.state.phase, each.state.held) for each in sorted(self.alive, key=lambda each: each.ordinal)] == [
            ("stable", MMH3.mask(shard, self.total)) for shard in range(self.total)
        ]


totals = st.integers(1, 6)
steps = st.lists(st.tuples(totals, st.integers(0, 60)), min_size=1, max_size=4)


# 3 -> 2 -> 4 within a second, so that some miss the 2: the pod that had the slots is gone before the one that gets them is up.
@example(3, [(2, 1), (4, 100)], True, 6, random.Random(0))
# 6 -> 3 -> 4 while pod 3 was not deleted yet: Ready all the time, it gets slots that it has yet to load.
@example(6, [(3, 30), (4, 100)], True, 6, random.Random(0))
@settings(max_examples=40, deadline=None)
@given(totals, steps, st.booleans(), st.integers(0, 6), st.randoms(use_true_random=False))
def test_no_slot_is_ever_missing(
    total: int, changes: list[tuple[int, int]], ordered: bool, working: int, rng: random.Random
) -> None:
    """If news arrive, pods start and slots load within a drain and a hand-over period, every slot is served in every second.

    With `OrderedReady` that is so even if pods beyond some ordinal never become Ready.
    """
    fleet = Fleet(total, ordered, total + working if ordered else 99, LATE, rng)
    fleet.settle()
    assert fleet.at_target()
    for replicas, seconds in changes:
        fleet.total = replicas
        for _ in range(seconds):
            if fleet.second():
                assert fleet.missing() == 0
    for _ in range(300):
        if fleet.second():
            assert fleet.missing() == 0

    if fleet.total <= fleet.stuck:
        fleet.settle()
        assert fleet.at_target()


several = st.integers(2, 5)


@settings(max_examples=15, deadline=None)
@given(
    several,
    st.lists(st.tuples(several, st.integers(0, 60)), max_size=3),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_rolling_update(total: int, changes: list[tuple[int, int]], ordered: bool, rng: random.Random) -> None:
    """Nothing is missing either while all pods are restarted one after another, and the fleet is scaled at the same time."""
    fleet = Fleet(total, ordered, 99, LATE, rng)
    fleet.settle()
    fleet.restarts = list(range(total))
    for replicas, seconds in [(total, rng.randint(0, 60)), *changes]:
        fleet.total = replicas
        for _ in range(seconds):
            if fleet.second():
                assert fleet.missing() == 0
    while fleet.restarts or not fleet.at_target():
        assert fleet.now < 2000
        if fleet.second():
            assert fleet.missing() == 0

    fleet.settle()
    assert fleet.at_target()


@settings(max_examples=40, deadline=None)
@given(totals, steps, st.booleans(), st.integers(0, 90), st.randoms(use_true_random=False))
def test_all_end_at_the_target_map(
    total: int, changes: list[tuple[int, int]], ordered: bool, late: int, rng: random.Random
) -> None:
    """However late and in whatever order each pod sees the events, restarts among them, all end at exactly the target map."""
    fleet = Fleet(total, ordered, 99, late, rng)
    for replicas, seconds in changes:
        fleet.total = replicas
        for _ in range(seconds):
            fleet.second()
        victim = rng.choice(fleet.alive) if fleet.alive else None
        if victim and victim.gone_at is None:
            victim.gone_at = fleet.now + rng.choice([0, DRAIN])

    fleet.settle()

    assert fleet.at_target()
    assert fleet.missing() == 0
