"""The hand-over rule: the slots that one pod of a StatefulSet serves, as a pure function of its view, its state and the time.

A slot belongs to its owner under the map. Whoever served it before keeps it until the owner has been Ready for a whole hand-over
period with that map: the owner loads first, all scrapers see its series, and only then does the other let go. Slots of pods that
are away are covered by others (`takeover.py`). So no slot is without a holder once all Ready pods agree on what they see.

step       what it answers
---------  --------------------------------------------------------------------------------------------
place      which shard of how many this pod is
observe    who is Ready, deleted and away, and since when
decide     which slots to hold, and which of them this pod is about to let go
tell       one word for it, when to look again, and whether others may count on this pod

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

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ksm_shard.sharding.masks import NONE, difference, intersection, union
from ksm_shard.sharding.ring import MAX_SHARDS, Ring
from ksm_shard.sharding.state import Phase, Pod, State, StatefulSet, shard_of
from ksm_shard.sharding.takeover import FleetView


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
        scraped: float = math.inf,
    ) -> State:
        """Return the next state. To be called whenever an input changed, and at `due`.

        Args:
            before: the state before, `State()` at first.
            statefulset: None when it is gone or may not be read: the last known ownership is kept, with a `problem`. Versions
                of it may be missed.
            pods: the pods of the set, None when they cannot be read: then they stay as they were, and nothing is let go.
            loaded: slots that every resource has been listed for (`Ownership.loaded`).
            now: seconds of any clock that never goes back.
            sure: whether the pods are known to be so now. Otherwise nothing is let go: who was Ready may be gone.
            scraped: each known scraper has completed a scrape that began after this moment; infinite if none is to be waited for.
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
        """Return the state with the map that counts now; ValueError says why there is none."""
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
        """Return who is there. Without news of the pods all stay as they were, and time away is counted anew."""
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
        """Return since when each pod is deleted; see `State.deleted`."""
        awaited = {*unsettled} - {self.pod} | {*deleting}  # of the same name, this one is not the pod that was deleted
        deleted = {name: at for name, at in before.deleted.items() if name in awaited}
        for name in deleting:
            if name not in before.deleted or name in before.ready:  # for the first time, or again
                deleted[name] = now if before.serving else -math.inf
        return deleted

    def _decide(self, before: State, view: FleetView, loaded: bytes, scraped: float, *, sure: bool) -> State:
        """Return the state with the slots to hold: own and covered ones, and of those held before what nobody else has for sure.

        What a starting pod began to load is nobody's support yet: it goes on with its own share only. A pod that serves also
        finishes what it gained and lost again meanwhile (3 -> 2 -> 4 shards): the pod that had it may be gone before the next
        is up.
        """
        state = view.state
        had = before.held if state.serving else NONE
        if view.draining:  # what it covers and has yet to load is for those who cover next
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
        """Return the state with the rest, which follows from what was decided."""
        # Others let slots go a hand-over period after the change, and the kubelet takes 10 to 15 s to see that this is not Ready.
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
    """Return since when each pod is Ready; see `State.ready`."""
    return {
        pod.name: before.ready[pod.name]
        if before.ready.get(pod.name, ("",))[0] == pod.ready_since
        else (pod.ready_since, now)
        for pod in pods
        if pod.ready_since and not pod.deleting
    }


def _stay(state: State, loaded: bytes, problem: str) -> State:
    """Return the same ownership as before; only loading goes on."""
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
