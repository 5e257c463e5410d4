"""Automatic sharding: what one pod of a StatefulSet serves, as a pure function of what it sees, what it holds and the time.

A slot is mine if the map says so, or if I held it before and the pod that should have it has not been Ready for a whole hand-over
period since the map changed. So the new owner loads first, and a series may be there twice for a while but is never missing.
While a pod is away that was deleted, or has not been Ready for long, others cover its slots (`takeover.py`).

So no slot is without a holder once all Ready pods agree on what they see, and unless some pod never gets Ready all end at the map.

phase      what it means
---------  --------------------------------------------------------------------------------------------
static     `--shard` and `--total-shards` were given: nothing ever changes
waiting    the StatefulSet has not been seen yet: nothing is served
gaining    some slots that are to be served are not loaded yet
covering   everything is loaded, and slots of pods that were deleted or are away are served for them until they have settled
releasing  everything is loaded, and slots of pods that are not settled yet are served for them
stable     exactly the slots of the map are served
draining   this pod is to go (deleted, or its ordinal is out of range): it keeps what it has until it is stopped
"""

import itertools
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ksm_shard.sharding.slots import MAX_SHARDS, NONE, Ring, difference, intersection, union
from ksm_shard.sharding.state import Left, Pod, State, StatefulSet, names_of, shard_of
from ksm_shard.sharding.takeover import View


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
        self,
        before: State,
        statefulset: StatefulSet | None,
        pods: Iterable[Pod] | None,
        loaded: bytes,
        now: float,
        *,
        sure: bool = True,
    ) -> State:
        """The next state. To be called whenever an input changed, and at `due`.

        Versions of the StatefulSet may be missed: who is not told of the 2 in 3 -> 2 -> 4 covers for the third, which is deleted.

        Args:
            before: the state before, `State()` at first.
            statefulset: None when it is gone or may not be read: the last known ownership is kept, with a `problem`.
            pods: the pods of the set, None when they cannot be read: then they stay as they were, and nothing is let go.
            loaded: slots that every resource has been listed for (`Ownership.loaded`).
            now: seconds of any clock that never goes back.
            sure: whether the pods are known to be so now. Otherwise nothing is let go: who was Ready may be gone.
        """
        serving = before.serving or (before.held != NONE and difference(before.held, loaded) == NONE)
        before = replace(before, serving=serving)
        if statefulset is None:
            return _keep(before, loaded, "the StatefulSet of this pod cannot be read")
        try:
            shard, total = self._place(statefulset)
        except ValueError as error:
            return _keep(before, loaded, str(error))
        ready = before.ready if pods is None else _ready(before, pods := list(pods), now)
        changed = (shard, total, statefulset.start) != (before.shard, before.total, before.start)
        changed_at = now if changed else before.changed_at
        names = names_of(statefulset.name, statefulset.start, total)
        settled = [max(ready[name][1], changed_at) + self.handover if name in ready else math.inf for name in names]
        unsettled = {name: at for name, at in zip(names, settled, strict=True) if at > now}
        if pods is None:
            deleted, absent, going = before.deleted, {}, self.pod in before.deleted
        else:
            deleting = {pod.name for pod in pods if pod.deleting}
            deleted, going = _deleted(before, deleting, unsettled, now), self.pod in deleting
            others = (name for name in names if serving and name not in ready and name != self.pod)
            absent = {name: before.absent.get(name, now) for name in others}
        inside = 0 <= shard < total
        own = before.own if not changed else self.ring.mask(shard, total) if inside else NONE

        # What a starting pod began to load is nobody's support yet: it goes on with its own share only. A pod that serves also
        # finishes what it gained and lost again meanwhile (3 -> 2 -> 4 shards): the pod that had it may be gone before the next
        # is up.
        had = before.held if serving else NONE
        view = View(self.ring, shard, statefulset.name, names, ready, deleted, absent, changed_at, self.handover, now)
        waiting = unsettled.keys() - view.lost
        left = before.left if waiting else None
        if changed and serving and before.total and left is None:
            left = Left(before.total, before.start, now)
        draining = not inside or going
        taken = view.taken(left) if serving and unsettled and not draining else NONE
        if draining:  # what it covers and has yet to load is for those who cover next
            held = difference(had, difference(before.covering, loaded))
        elif pods is None or not sure:
            held = union(union(own, taken), had)
        else:
            held = self._kept(view, waiting, had, union(own, taken))
        behind = serving and difference(own, loaded) != NONE
        # Others let slots go a hand-over period after the change, and the kubelet takes 10 to 15 s to see that this is not Ready.
        expected_by = changed_at + self.handover / 2 if behind else math.inf
        covering = difference(intersection(held, union(before.covering, taken)), own)
        moments = [expected_by]
        if not draining:
            foreign = difference(held, own)
            awaited = {names[other] for other in set(itertools.compress(self.ring.target_map(total), foreign))}
            awaited |= deleted.keys()
            # `left` is over when all have settled, whether or not anything is held for them.
            moments += [at for name, at in unsettled.items() if name in awaited or left] + view.moments()
        return State(
            phase=_phase(own, held, covering, loaded, draining),
            total=total,
            start=statefulset.start,
            shard=shard,
            own=own,
            held=held,
            covering=covering,
            gained=difference(held, before.held),
            lost=difference(before.held, held),
            serving=serving,
            late=expected_by <= now,
            changed_at=changed_at,
            ready=ready,
            deleted=deleted,
            absent=absent,
            left=left,
            due=min((at for at in moments if now < at < math.inf), default=None),
        )

    def _kept(self, view: View, waiting: Collection[str], had: bytes, held: bytes) -> bytes:
        """What is to be held, and of what was held before that which nobody else has surely loaded."""
        if difference(had, held) == NONE:
            return held
        awaited = self.ring.select(len(view.names), bytes(name in waiting for name in view.names))
        return union(held, intersection(had, union(awaited, view.kept())))

    def _place(self, statefulset: StatefulSet) -> tuple[int, int]:
        """Shard and number of shards; ValueError says why there are none."""
        if statefulset.replicas > MAX_SHARDS:
            raise ValueError(
                f"StatefulSet {statefulset.name!r} has {statefulset.replicas} replicas: at most {MAX_SHARDS} can share"
            )
        return shard_of(self.pod, statefulset), statefulset.replicas


def _ready(before: State, pods: Iterable[Pod], now: float) -> dict[str, tuple[str, float]]:
    """See `State.ready`."""
    return {
        pod.name: before.ready[pod.name]
        if before.ready.get(pod.name, ("",))[0] == pod.ready_since
        else (pod.ready_since, now)
        for pod in pods
        if pod.ready_since and not pod.deleting
    }


def _deleted(before: State, deleting: Collection[str], unsettled: Collection[str], now: float) -> dict[str, float]:
    """See `State.deleted`."""
    deleted = {name: at for name, at in before.deleted.items() if name in deleting or name in unsettled}
    for name in deleting:
        if name not in before.deleted or name in before.ready:  # for the first time, or again
            deleted[name] = now if before.serving else -math.inf
    return deleted


def _keep(state: State, loaded: bytes, problem: str) -> State:
    """The same ownership as before; only loading goes on."""
    draining = state.phase == "draining"
    phase = "waiting" if state.shard is None else _phase(state.own, state.held, state.covering, loaded, draining)
    return replace(state, phase=phase, gained=NONE, lost=NONE, due=None, problem=problem)


def _phase(own: bytes, held: bytes, covering: bytes, loaded: bytes, draining: bool) -> str:
    if draining:
        return "draining"
    if difference(held, loaded) != NONE:
        return "gaining"
    if covering != NONE:
        return "covering"
    return "stable" if held == own else "releasing"
