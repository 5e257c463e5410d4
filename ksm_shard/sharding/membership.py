"""Automatic sharding: what one pod of a StatefulSet serves, as a pure function of what it sees, what it holds and the time.

A slot is mine if the map says so, or if I held it before and the pod that should have it has not been Ready for a whole hand-over
period since the map changed. So the new owner loads first, and a series may be there twice for a while but is never missing.

phase      what it means
---------  --------------------------------------------------------------------------------------------
static     `--shard` and `--total-shards` were given: nothing ever changes
waiting    the StatefulSet has not been seen yet: nothing is served
gaining    some slots that are to be served are not loaded yet
releasing  everything is loaded, and slots of pods that are not settled yet are served for them
stable     exactly the slots of the map are served
draining   this pod is to go (deleted, or its ordinal is out of range): it keeps what it has until it is stopped
"""

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ksm_shard.sharding.slots import MAX_SHARDS, NONE, Ring, difference, intersection, union


@dataclass(frozen=True)
class StatefulSet:
    """What counts of a StatefulSet: `spec.replicas` and `spec.ordinals.start`."""

    name: str
    replicas: int
    start: int = 0


@dataclass(frozen=True)
class Pod:
    """What counts of a pod.

    Attributes:
        ready_since: `lastTransitionTime` of the condition Ready while that is True, "" otherwise. Only compared for being the
            same: it is another machine's clock.
        deleting: whether there is a `deletionTimestamp`.
    """

    name: str
    ready_since: str = ""
    deleting: bool = False


@dataclass(frozen=True)
class State:
    """What a member makes of it; the default is that of a process that just started.

    Attributes:
        phase: see the table above.
        total, start, shard: of the map that counts now; a shard that is not in 0..total-1 is out of range.
        own: slots of this shard under that map.
        held: slots to serve now: own, and those held for others.
        gained, lost: difference between held and that of the state before.
        serving: whether everything that was to be held has been loaded once, so that others may rely on this pod.
        changed_at: when the map was last seen to change, in seconds of the caller's clock.
        ready: pod -> its `ready_since` and when that was first seen, for the pods that are Ready.
        due: when to look again although nothing was heard; None when only news can change anything.
        problem: one line saying why the last known ownership is kept; "" when all is well.
    """

    phase: str = "waiting"
    total: int = 0
    start: int = 0
    shard: int | None = None
    own: bytes = field(default=NONE, repr=False)
    held: bytes = field(default=NONE, repr=False)
    gained: bytes = field(default=NONE, repr=False)
    lost: bytes = field(default=NONE, repr=False)
    serving: bool = False
    changed_at: float = 0.0
    ready: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    due: float | None = None
    problem: str = ""

    @property
    def held_for_others(self) -> bytes:
        """Slots that are served until the pods that should have them have settled."""
        return difference(self.held, self.own)


def static(ring: Ring, shard: int, total: int) -> State:
    """The one state of a statically sharded process. Raises ValueError when there is no such shard."""
    mask = ring.mask(shard, total)
    return State(phase="static", total=total, shard=shard, own=mask, held=mask, gained=mask)


def shard_of(pod: str, statefulset: StatefulSet) -> int:
    """Number of the shard that a pod's name stands for; it may be out of range.

    The name is `<name of the set>-<ordinal>`, and ordinals begin at `spec.ordinals.start` (KEP 3335). Raises ValueError for others.
    """
    match = re.fullmatch(re.escape(statefulset.name) + r"-(0|[1-9][0-9]*)", pod)
    if not match:
        raise ValueError(
            f"pod {pod!r} is not one of StatefulSet {statefulset.name!r}: it would be called '{statefulset.name}-<ordinal>'"
        )
    return int(match[1]) - statefulset.start


@dataclass(frozen=True)
class Member:
    """One pod of the fleet.

    Attributes:
        pod: its own name.
        handover: seconds that another pod must have been Ready, with the map unchanged, before its slots are let go. One and a
            half scrape intervals by default: any Prometheus has seen the new owner by then.
    """

    ring: Ring
    pod: str
    handover: float = 45.0

    def advance(
        self, before: State, statefulset: StatefulSet | None, pods: Iterable[Pod] | None, loaded: bytes, now: float
    ) -> State:
        """The next state. To be called whenever an input changed, and at `due`.

        Every version of the StatefulSet counts, in order: who is not told of the 2 in 3 -> 2 -> 4 never loads what the third had.

        Args:
            before: the state before, `State()` at first.
            statefulset: None when it is gone or may not be read: the last known ownership is kept, with a `problem`.
            pods: the pods of the set, None when they may not be read: then nobody is known to be Ready, and nothing is let go.
            loaded: slots that every resource has been listed for (`Ownership.loaded`).
            now: seconds of any clock that never goes back.
        """
        serving = before.serving or (before.held != NONE and difference(before.held, loaded) == NONE)
        before = replace(before, serving=serving)
        if statefulset is None:
            return _keep(before, loaded, "the StatefulSet of this pod cannot be read")
        try:
            shard = shard_of(self.pod, statefulset)
        except ValueError as error:
            return _keep(before, loaded, str(error))
        total = statefulset.replicas
        if total > MAX_SHARDS:
            problem = f"StatefulSet {statefulset.name!r} has {total} replicas: at most {MAX_SHARDS} can share"
            return _keep(before, loaded, problem)

        known = {pod.name: pod for pod in pods or ()}
        ready = {name: pod.ready_since for name, pod in known.items() if pod.ready_since and not pod.deleting}
        seen = {
            name: before.ready[name] if before.ready.get(name, ("",))[0] == since else (since, now)
            for name, since in ready.items()
        }
        changed = (shard, total, statefulset.start) != (before.shard, before.total, before.start)
        changed_at = now if changed else before.changed_at
        inside = 0 <= shard < total
        if changed:
            own = self.ring.mask(shard, total) if inside else NONE
        else:
            own = before.own

        # What a starting pod began to load is nobody's support yet: it goes on with its own share only. A pod that serves also
        # finishes what it gained and lost again meanwhile (3 -> 2 -> 4 shards): the pod that had it may be gone before the next is up.
        had = before.held if serving else NONE
        due = None
        draining = not inside or (self.pod in known and known[self.pod].deleting)
        if draining:
            held = had
        elif (foreign := difference(had, own)) != NONE:
            names = (f"{statefulset.name}-{statefulset.start + other}" for other in range(total))
            settled = [max(seen[name][1], changed_at) + self.handover if name in seen else math.inf for name in names]
            unsettled = bytes(at > now for at in settled)
            kept = intersection(foreign, self.ring.select(total, unsettled))
            held = union(own, kept)
            awaited = set(itertools.compress(self.ring.target_map(total), kept))
            due = min((settled[other] for other in awaited if settled[other] < math.inf), default=None)
        else:
            held = own
        return State(
            phase=_phase(own, held, loaded, draining),
            total=total,
            start=statefulset.start,
            shard=shard,
            own=own,
            held=held,
            gained=difference(held, before.held),
            lost=difference(before.held, held),
            serving=serving,
            changed_at=changed_at,
            ready=seen,
            due=due,
        )


def _keep(state: State, loaded: bytes, problem: str) -> State:
    """The same ownership as before; only loading goes on."""
    phase = "waiting" if state.shard is None else _phase(state.own, state.held, loaded, state.phase == "draining")
    return replace(state, phase=phase, gained=NONE, lost=NONE, due=None, problem=problem)


def _phase(own: bytes, held: bytes, loaded: bytes, draining: bool) -> str:
    if draining:
        return "draining"
    if difference(held, loaded) != NONE:
        return "gaining"
    return "stable" if held == own else "releasing"
