"""The fleet as one pod sees it, and the slots to take over.

Slots of pods that are away are taken over by these rules:

of a pod that                            from when on             can be taken over by pods that
---------------------------------------  -----------------------  ------------------------------------------------------------
is deleted                               at once, as it drains    were Ready before the deletion, so that they know of it
is not Ready, for whatever reason, and   four hand-over periods   have been Ready for three periods, so that they have begun
has not been while this pod served       (`PATIENCE`)             to take over, or will within one period

The second rule applies to a pod that never becomes Ready, a node that died and a process that was killed. It does not depend on
who held which slot before: whatever happened, all Ready pods come to the same answer in the end. `cover.py` chooses among the
pods that can take a slot over. A pod counts on itself no sooner than others do.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from ksm_shard.sharding.cover import covered
from ksm_shard.sharding.masks import NONE, intersection, union
from ksm_shard.sharding.ring import MAX_SHARDS, Ring
from ksm_shard.sharding.state import State, names_of

# Hand-over periods until a pod counts as gone: 3 minutes by default. A killed process is usually back sooner, and so is a
# pod whose node had to be created first; taking their slots over would cost the other pods memory for nothing. Kubernetes
# deletes the pods of a dead node after 5 minutes.
PATIENCE = 4


@dataclass(frozen=True)
class FleetView:
    """The pods of the fleet, as one of them sees them now.

    Attributes:
        ring: the ring that divides the slots.
        pod: the viewing pod.
        state: the pod's state, with its map and the pods that are ready, deleted and absent.
        period: the hand-over period, in seconds.
        now: the time of the view, in seconds.
    """

    ring: Ring
    pod: str
    state: State
    period: float
    now: float

    @cached_property
    def names(self) -> list[str]:
        """Names of the pods by shard, under the current map."""
        return names_of(self.pod.rpartition("-")[0], self.state.start, self.state.total)

    @property
    def draining(self) -> bool:
        """True if the viewing pod is to go."""
        return self.pod not in self.names or self.pod in self.state.deleted

    @cached_property
    def unsettled(self) -> dict[str, float]:
        """Pods that have not been Ready for a period under this map.

        The value is the time when they will have been; infinite if not Ready.
        """
        since = {name: max(self._since(name), self.state.changed_at) + self.period for name in self.names}
        return {name: at for name, at in since.items() if at > self.now}

    @cached_property
    def lost(self) -> set[str]:
        """Pods away for so long that others have taken their slots over.

        Slots held for them before can be let go.
        """
        return {name for name in self.state.absent if self._lost_at(name) <= self.now}

    def taken(self) -> bytes:
        """Return the slots to take over."""
        return union(self._of_deleted(), self._of_absent())

    def awaited(self) -> bytes:
        """Return the slots to go on serving if held.

        No other pod is known to have loaded them.
        """
        return self._select(self.unsettled.keys() - self.lost if self._agreed() else self.unsettled)

    def moments(self) -> list[float]:
        """Return the times at which any of this changes without news."""
        patience = PATIENCE * self.period
        absent = self.state.absent
        moments = [*self.unsettled.values(), *map(self._lost_at, absent), *(at + patience for at in absent.values())]
        if absent and min(absent.values()) + patience <= self.now:
            ready = [at for _, at in self.state.ready.values()]
            moments += [at + patience + more for at in ready for more in (-self.period, 0, self.period)]
            moments += [at + self.period for at in absent.values()]
        return moments

    def _agreed(self) -> bool:
        """Return whether the able pods have had time to take slots over.

        The able pods must have been the same for so long.
        """
        ages = [self.now - self._since(name) for name in self.names]
        able = [age for age in ages if age >= (PATIENCE - 1) * self.period]
        left = [self.now - at for at in self.state.absent.values()]
        return min(able, default=0) >= (PATIENCE + 1) * self.period and min(left, default=math.inf) >= self.period

    def _since(self, name: str) -> float:
        """Return when a pod was first seen Ready; infinite if not Ready."""
        return self.state.ready.get(name, ("", math.inf))[1]

    def _lost_at(self, name: str) -> float:
        # After a map change the pod may own other slots, which their previous owners still serve; count from the change.
        return max(self.state.absent[name], self.state.changed_at) + (PATIENCE + 1) * self.period

    def _select(self, names: Collection[str]) -> bytes:
        """Return the slots of the named pods."""
        return self.ring.select(len(self.names), bytes(name in names for name in self.names)) if names else NONE

    def _of_absent(self) -> bytes:
        """Return the slots of long absent pods that come to this one.

        Shards above the last available one count as not started: the smaller map places their slots, as it does during a scale-out
        that is not finished. Fallbacks take the rest.
        """
        gone = {name for name, at in self.state.absent.items() if at + PATIENCE * self.period <= self.now}
        if not gone or self._since(self.pod) + PATIENCE * self.period > self.now:
            return NONE
        able = bytes(self._since(name) + (PATIENCE - 1) * self.period <= self.now for name in self.names)
        return covered(self.ring, able.rstrip(b"\0"), self.names.index(self.pod), self._select(gone))

    def _of_deleted(self) -> bytes:
        """Return the slots of deleted pods that come to this pod.

        Slots whose owners are Ready are left out. Pods that see a deletion and another pod become Ready in different orders
        disagree about the pods able to take slots over. That loses no slot: with one pod more, a slot has the same fallback
        as before, or the new pod.
        """
        # Pods deleted together mostly have the same pods to rely on: group them.
        groups: dict[bytes, bytes] = {}
        for name, moment in self.state.deleted.items():
            if name not in self.state.ready and name not in self.lost and self._since(self.pod) <= moment:
                able = bytes(name == self.pod or self._since(name) < moment for name in self.names)
                groups[able] = union(groups.get(able, NONE), self._had(name))
        unserved = self._select({*self.names} - self.state.ready.keys() - self.lost) if groups else NONE
        taken = NONE
        for able, had in groups.items():
            share = covered(self.ring, able, self.names.index(self.pod), intersection(had, unserved))
            taken = union(taken, share)
        return taken

    def _had(self, name: str) -> bytes:
        """Return the slots that a deleted pod may have had.

        These are the slots of the last shard in a map that ends with the pod. Shards above may not have started.
        """
        shard = int(name.rpartition("-")[2]) - self.state.start
        return self.ring.mask(shard, shard + 1) if 0 <= shard < MAX_SHARDS else NONE
