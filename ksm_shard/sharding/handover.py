"""Hand-over rule: the slots that one pod of a StatefulSet serves.

The rule is a pure function of the pod's view, its state and the time. A slot belongs to its owner under the map. The pod
that served it before keeps it until the owner has been Ready with that map for a whole hand-over period: the owner loads
first, all scrapers see its series, and only then the former one lets go. Other pods cover the slots of pods that are away
(`takeover.py`). So every slot has a holder once all Ready pods see the same fleet.

step       returns
---------  --------------------------------------------------------------------------------------------
place      the shard of this pod, and the number of shards
observe    the pods that are Ready, deleted and away, and since when
decide     the slots to hold, and those of them that this pod is about to let go
tell       the phase, the time of the next look, and whether other pods may count on this one

phase      meaning
---------  --------------------------------------------------------------------------------------------
static     `--shard` and `--total-shards` were given: nothing ever changes
waiting    the StatefulSet has not been seen yet: nothing is served
gaining    some slots to be served are not loaded yet
covering   everything is loaded; slots of pods that were deleted or are away are served until these pods have settled
releasing  everything is loaded; slots of pods that have not settled yet are served for them
stable     exactly the slots of the map are served
draining   this pod is to go (deleted, or its ordinal is out of range) and keeps its slots until it is stopped
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ksm_shard.sharding.masks import NONE, difference, intersection, union
from ksm_shard.sharding.ring import MAX_SHARDS, Ring
from ksm_shard.sharding.state import Phase, Pod, State, StatefulSet, shard_of
from ksm_shard.sharding.takeover import FleetView


@dataclass(frozen=True)
class Member:
    """One pod of the fleet, with its rule for the next state.

    Attributes:
        ring: the ring that divides the slots.
        pod: name of this pod.
        handover: seconds that another pod must have been Ready, with the map unchanged, before its slots are let go. The default
            is one and a half scrape intervals: any Prometheus has seen the new owner by then.
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
        scraped: float = math.inf,
    ) -> State:
        """Return the next state.

        To be called after every change of an input, and at `due`.

        Args:
            before: the state before; `State()` at first.
            statefulset: None if deleted or unreadable: the last known ownership is kept, with a `problem`. Versions may be skipped.
            pods: the pods of the set; None if unreadable: they count as unchanged, and nothing is let go.
            loaded: mask of slots that every resource has been listed for (`Ownership.loaded`).
            now: seconds of a clock that never goes back.
            sure: whether `pods` is known to be current. Otherwise nothing is let go: a pod that was Ready may be gone.
            scraped: each known scraper has completed a scrape that began after this time; infinite if there is none to wait for.
        """
        loads = before.held != NONE and difference(before.held, loaded) == NONE
        before = replace(before, serving=before.serving or loads)
        try:
            placed = self._place(before, statefulset, now)
        except ValueError as error:
            return _stay(before, loaded, str(error))
        view = self._observe(placed, pods, now)
        after = self._decide(before, view, loaded, scraped, sure=sure and pods is not None)
        return self._tell(before, after, view, loaded, scraped)

    def _place(self, before: State, statefulset: StatefulSet | None, now: float) -> State:
        """Return the state with the current map.

        Raises:
            ValueError: there is no map; the text says why.
        """
        if statefulset is None:
            raise ValueError("the StatefulSet of this pod cannot be read")
        total, start = statefulset.replicas, statefulset.start
        if total > MAX_SHARDS:
            raise ValueError(f"StatefulSet {statefulset.name!r} has {total} replicas: at most {MAX_SHARDS} can share")
        shard = shard_of(self.pod, statefulset)
        if (shard, total, start) == (before.shard, before.total, before.start):
            return before
        own = self.ring.mask(shard, total) if 0 <= shard < total else NONE
        return replace(before, shard=shard, total=total, start=start, own=own, changed_at=now)

    def _observe(self, placed: State, pods: Iterable[Pod] | None, now: float) -> FleetView:
        """Return the view of the fleet.

        Without news of the pods all stay as they were, and time away is counted anew.
        """
        if pods is None:
            return FleetView(self.ring, self.pod, replace(placed, absent={}), self.handover, now)
        pods = list(pods)
        state = replace(placed, ready=_ready(placed, pods, now))
        view = FleetView(self.ring, self.pod, state, self.handover, now)
        deleted = self._deleted(placed, {pod.name for pod in pods if pod.deleting}, view.unsettled, now)
        away = (name for name in view.names if name not in state.ready and name != self.pod) if state.serving else ()
        absent = {name: placed.absent.get(name, now) for name in away}
        return replace(view, state=replace(state, deleted=deleted, absent=absent))

    def _deleted(
        self, before: State, deleting: Collection[str], unsettled: Collection[str], now: float
    ) -> dict[str, float]:
        """Return the time of deletion of each deleted pod, as `State.deleted` defines it."""
        awaited = {*unsettled} - {self.pod} | {*deleting}  # of this name, a predecessor was deleted
        deleted = {name: at for name, at in before.deleted.items() if name in awaited}
        for name in deleting:
            if name not in before.deleted or name in before.ready:  # for the first time, or again
                deleted[name] = now if before.serving else -math.inf
        return deleted

    def _decide(self, before: State, view: FleetView, loaded: bytes, scraped: float, *, sure: bool) -> State:
        """Return the state with the slots to hold.

        These are own and covered slots, and former ones that no other pod has surely loaded. No other pod relies yet on the
        slots that a starting pod has begun to load; it goes on with its own share only. A pod that serves finishes loading
        slots it gained even after losing them again (3 -> 2 -> 4 shards): their former pod may be gone before the next
        owner is up.
        """
        state = view.state
        had = before.held if state.serving else NONE
        if view.draining:  # slots covered and not loaded yet are left to the next pods that cover
            held = difference(had, difference(before.covering, loaded))
            covering = intersection(held, before.covering)
        else:
            taken = view.taken() if state.serving else NONE
            held = union(state.own, taken)
            if difference(had, held) != NONE:
                seen = before.leaving_since <= scraped or before.leaving_since + 2 * self.handover <= view.now
                held = union(held, intersection(had, view.awaited()) if sure and seen else had)
            covering = difference(intersection(held, union(before.covering, taken)), state.own)
        leaving = held if view.draining else difference(held, state.own)
        since = before.leaving_since if difference(leaving, before.leaving) == NONE else view.now
        return replace(state, held=held, covering=covering, leaving=leaving, leaving_since=since)

    def _tell(self, before: State, after: State, view: FleetView, loaded: bytes, scraped: float) -> State:
        """Return the state with the fields that follow from the slots."""
        # Others let slots go one hand-over period after the change, and the kubelet takes 10 to 15 s to notice that this
        # pod is not Ready.
        behind = difference(after.own, loaded) if after.serving else NONE
        expected_by = after.changed_at + self.handover / 2 if behind != NONE else math.inf
        moments = [expected_by]
        if not view.draining:
            moments += view.moments()
            if after.leaving != NONE and scraped < after.leaving_since:
                moments.append(after.leaving_since + 2 * self.handover)
        return replace(
            after,
            phase=_phase(after, loaded, draining=view.draining),
            gained=difference(after.held, before.held),
            lost=difference(before.held, after.held),
            unready=_late(behind) if expected_by <= view.now else "",
            due=min((at for at in moments if view.now < at < math.inf), default=None),
            problem="",
        )


def _ready(before: State, pods: Iterable[Pod], now: float) -> dict[str, tuple[str, float]]:
    """Return each Ready pod's time, as `State.ready` defines it."""
    return {
        pod.name: before.ready[pod.name]
        if before.ready.get(pod.name, ("",))[0] == pod.ready_since
        else (pod.ready_since, now)
        for pod in pods
        if pod.ready_since and not pod.deleting
    }


def _stay(state: State, loaded: bytes, problem: str) -> State:
    """Return the state with the ownership unchanged; only loading goes on."""
    phase = Phase.WAITING if state.shard is None else _phase(state, loaded, draining=state.phase == Phase.DRAINING)
    behind = difference(state.own, loaded)
    unready = _late(behind) if state.unready and behind != NONE else ""
    return replace(state, phase=phase, gained=NONE, lost=NONE, unready=unready, due=None, problem=problem)


def _late(behind: bytes) -> str:
    return f"{behind.count(1)} slots are not loaded, others go on serving them"


def _phase(state: State, loaded: bytes, *, draining: bool) -> Phase:
    if draining:
        return Phase.DRAINING
    if difference(state.held, loaded) != NONE:
        return Phase.GAINING
    if state.covering != NONE:
        return Phase.COVERING
    return Phase.STABLE if state.held == state.own else Phase.RELEASING
