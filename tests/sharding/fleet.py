"""A whole fleet of pods in simulated seconds, each of which sees what happens late and in its own way; no process, no server."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from ksm_shard.sharding.handover import Member
from ksm_shard.sharding.masks import ALL, NONE, difference
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ring import Ring
from ksm_shard.sharding.state import Pod, State, StatefulSet
from ksm_shard.sharding.takeover import PATIENCE

# Seconds; what follows must fit in: seeing news, starting, loading.
HANDOVER, DRAIN = 20, 20
LATE, START, LOAD = 4, 4, 5
# Until a pod that hears nothing says so.
SILENT = 50

FULL = int.from_bytes(ALL)


@dataclass(frozen=True, eq=False)
class Remembering(Ring):
    """A ring that works out each mask once: a fleet asks for the same ones in every second."""

    known: dict[tuple[int, bytes], bytes] = field(default_factory=dict)

    def select(self, total: int, wanted: bytes) -> bytes:
        """See Ring."""
        key = total, wanted
        if key not in self.known:
            self.known[key] = super().select(total, wanted)
        return self.known[key]


RING = Remembering(MMH3.name, MMH3.slot_of, MMH3.growth)


@dataclass
class Process:
    """A pod with the exporter in it."""

    ordinal: int
    starts: float  # seconds until it sees anything; infinite for one that never gets that far
    loads: int
    ready_since: int | None = None
    gone_at: int | None = None
    deaf_since: int | None = None  # it sees nothing from then on
    state: State = field(default_factory=State)
    ownership: Ownership = field(default_factory=lambda: Ownership(RING))
    loading: list[tuple[int, int]] = field(default_factory=list)  # when what version of the mask will be loaded
    loaded: int = 0
    seen: tuple[int, int] = (0, 0)  # the seconds at which what it sees of StatefulSet and pods was so
    inputs: object = None
    stamped: dict[int, bytes] = field(default_factory=dict)  # when which slots came to be about to be let go

    @property
    def pod(self) -> Pod:
        """Return what the API server has of it."""
        ready = "" if self.ready_since is None else str(self.ready_since)
        return Pod(f"ksm-{self.ordinal}", ready, self.gone_at is not None)

    def served(self) -> int:
        """Return the slots that a scrape would have."""
        return int.from_bytes(self.ownership.loaded()) if self.state.serving else 0

    def deaf(self, now: int) -> bool:
        """Whether it has heard nothing for so long that it says so."""
        return self.deaf_since is not None and now >= self.deaf_since + SILENT

    def step(
        self, now: int, sets: list[StatefulSet], pods: list[tuple[Pod, ...]], late: int, rng: random.Random
    ) -> bool:
        """One second of its life; whether anything changed."""
        if now < self.starts:
            return False
        while self.loading and self.loading[0][0] <= now and self.deaf_since is None:
            self.loaded = self.loading.pop(0)[1]
            self.ownership.confirm(self.loaded)
        fresh = self.inputs is None  # the first look is a consistent read
        if fresh and self.deaf_since is not None:
            return False
        if self.deaf_since is None:
            set_at, pods_at = (now if fresh else max(old, now - rng.randint(0, late)) for old in self.seen)
            self.seen = set_at, pods_at
        set_at, pods_at = self.seen
        inputs = sets[set_at], None if self.deaf(now) else pods[pods_at], self.loaded
        if inputs == self.inputs and (self.state.due is None or now < self.state.due):
            return False
        self.inputs = inputs
        before = self.state
        self.state = Member(RING, self.pod.name, HANDOVER).advance(before, *inputs[:2], self.ownership.loaded(), now)
        self.check(before, now)
        self.ownership.change(self.state.held)
        if self.state.gained != NONE:
            self.loading.append((now + self.loads, self.ownership.version))
        return True

    def check(self, before: State, now: int) -> None:
        """Fail unless it is about to let go what is not its own, and lets nothing go that it was not about to for a period."""
        state = self.state
        assert state.leaving == (state.held if state.phase == "draining" else difference(state.held, state.own))
        if before.serving:
            served = int.from_bytes(self.ownership.loaded()) & int.from_bytes(state.lost)
            assert not served & ~int.from_bytes(before.leaving)
            for moment, slots in self.stamped.items():
                assert now >= moment + HANDOVER or not served & int.from_bytes(slots)
        if (more := difference(state.leaving, before.leaving)) != NONE:
            self.stamped[now] = more


class Fleet:
    """A StatefulSet, its controller, the API server and the kubelets.

    Attributes:
        total: `spec.replicas`.
        ordered: whether pods are made and ended one by one.
        stuck: the first ordinal that never becomes Ready.
        late: seconds that news take at most.
        stranded: ordinals that never start (again): no room for them, or their node has died.
        restarts: ordinals of a rolling update, the next one last.
        outage: whether the API server is down.
        killed: slots, as a number, that a process had or was to have which was killed, until somebody has them again.
    """

    def __init__(self, total: int, ordered: bool, stuck: int, late: int, rng: random.Random) -> None:
        self.total, self.ordered, self.stuck, self.late, self.rng = total, ordered, stuck, late, rng
        self.now = 0
        self.stranded: set[int] = set()
        self.restarts: list[int] = []
        self.alive: list[Process] = []
        self.sets: list[StatefulSet] = []
        self.pods: list[tuple[Pod, ...]] = []
        self.outage = False
        self.killed = 0

    def control(self) -> None:
        """Create and delete pods as the StatefulSet's controller does, in order or all at once."""
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
            self.evict(self.restarts.pop())

    def process(self, ordinal: int) -> Process:
        """A pod that begins."""
        starts = (
            float("inf") if ordinal >= self.stuck or ordinal in self.stranded else self.now + self.rng.randint(0, START)
        )
        return Process(ordinal, starts, self.rng.randint(1, LOAD))

    def evict(self, ordinal: int, seconds: int = DRAIN) -> None:
        """Delete a pod."""
        for each in self.alive:
            if each.ordinal == ordinal and each.gone_at is None:
                each.gone_at = self.now + seconds

    def kill(self, ordinal: int) -> None:
        """End a process without any warning; its pod stays, and begins again if it is not stranded."""
        for place, each in enumerate(self.alive):
            if each.ordinal == ordinal:
                own = RING.mask(ordinal, self.total) if ordinal < self.total else NONE
                self.killed |= int.from_bytes(each.state.held) | int.from_bytes(own)
                self.alive[place] = replace(self.process(ordinal), gone_at=each.gone_at)

    def deafen(self, ordinal: int) -> None:
        """Let a pod hear nothing any more."""
        for each in self.alive:
            if each.ordinal == ordinal and each.deaf_since is None:
                each.deaf_since = self.now

    def hear(self) -> None:
        """Let all pods hear again."""
        for each in self.alive:
            each.deaf_since = None

    def second(self) -> bool:
        """Whether anything changed in the next second."""
        self.alive = [each for each in self.alive if each.gone_at is None or self.now < each.gone_at]
        if not self.outage:
            self.control()
            for each in self.alive:  # as `Exporter.readiness` has it
                if not each.state.serving or each.state.unready or each.deaf(self.now):
                    each.ready_since = None
                elif each.ready_since is None:
                    each.ready_since = self.now
            self.pods.append(tuple(each.pod for each in self.alive))
        else:
            self.pods.append(self.pods[-1])
        self.sets.append(StatefulSet("ksm", self.total))
        changed = [each.step(self.now, self.sets, self.pods, self.late, self.rng) for each in self.alive]
        self.now += 1
        return any(changed) or len(self.pods) < 2 or self.pods[-1] != self.pods[-2]

    def missing(self) -> int:
        """Slots that no pod serves, but for those that were killed."""
        served = 0
        for each in self.alive:
            served |= each.served()
        self.killed &= ~served
        return (FULL & ~served & ~self.killed).bit_count()

    def settle(self) -> None:
        """Run until nothing can happen any more: all news seen, all pods up, all periods over."""
        quiet = 0
        while quiet <= self.late + START + LOAD + DRAIN + (PATIENCE + 1) * HANDOVER:
            quiet = 0 if self.second() else quiet + 1
            assert self.now < 20_000

    def all_ready(self) -> bool:
        """Whether all pods there are to be are Ready, for the API server, and none is going."""
        return len(self.alive) == self.total and all(each.ready_since and each.gone_at is None for each in self.alive)

    def at_target(self) -> bool:
        """Whether each pod has exactly the slots of the map."""
        return [(each.state.phase, each.state.held) for each in sorted(self.alive, key=lambda each: each.ordinal)] == [
            ("stable", RING.mask(shard, self.total)) for shard in range(self.total)
        ]
