"""The fleet as one pod sees it, and what that pod takes over from pods that are away.

of a pod that                            from when on             those can who
---------------------------------------  -----------------------  ------------------------------------------------------------
is deleted                               at once, as it drains    were Ready before the deletion, so that they know of it
is not Ready, for whatever reason, and   four hand-over periods   have been Ready for three periods, so that they have begun by
was not all the time that this serves    (`PATIENCE`)             now or will within one

A pod that never becomes Ready, a node that died and a process that was killed come under the second rule, which knows nothing of
who held what before: whatever became of those, all who are Ready come to the same answer in the end. `cover.py` says who takes
which slot of all that can. A pod counts on itself no sooner than others do.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from ksm_shard.sharding.cover import covered
from ksm_shard.sharding.masks import NONE, intersection, union
from ksm_shard.sharding.ring import MAX_SHARDS, Ring
from ksm_shard.sharding.state import State, names_of

# Hand-over periods until a pod counts as gone: 3 minutes by default. A process that was killed is back sooner, and so is a pod
# on a node that had to be made for it, as a rule; taking their slots over would cost the others memory for nothing. Kubernetes
# deletes the pods of a node that died after 5 minutes.
PATIENCE = 4


@dataclass(frozen=True)
class FleetView:
    """The pods of the fleet, as one of them sees them now.

    Attributes:
        pod: the one that looks.
        state: its map, and who is ready, deleted and absent.
        period: the hand-over period.
    """

    ring: Ring
    pod: str
    state: State
    period: float
    now: float

    @cached_property
    def names(self) -> list[str]:
        """Names of the pods by shard, under the map that counts now."""
        return names_of(self.pod.rpartition("-")[0], self.state.start, self.state.total)

    @property
    def draining(self) -> bool:
        """Whether the pod that looks is to go."""
        return self.pod not in self.names or self.pod in self.state.deleted

    @cached_property
    def unsettled(self) -> dict[str, float]:
        """Pods that have not been Ready for a period under this map, with when they will have been; infinite if not Ready."""
        since = {name: max(self._since(name), self.state.changed_at) + self.period for name in self.names}
        return {name: at for name, at in since.items() if at > self.now}

    @cached_property
    def lost(self) -> set[str]:
        """Pods that have been away for so long that others took their slots over: what was held for them before can go."""
        return {name for name in self.state.absent if self._lost_at(name) <= self.now}

    def taken(self) -> bytes:
        """Return the slots to take over."""
        return union(self._of_deleted(), self._of_absent())

    def awaited(self) -> bytes:
        """Return the slots to go on serving where they are served: nobody else has surely loaded them."""
        return self._select(self.unsettled.keys() - self.lost if self._agreed() else self.unsettled)

    def moments(self) -> list[float]:
        """Return when any of this changes by itself."""
        patience = PATIENCE * self.period
        absent = self.state.absent
        moments = [*self.unsettled.values(), *map(self._lost_at, absent), *(at + patience for at in absent.values())]
        if absent and min(absent.values()) + patience <= self.now:
            ready = [at for _, at in self.state.ready.values()]
            moments += [at + patience + more for at in ready for more in (-self.period, 0, self.period)]
            moments += [at + self.period for at in absent.values()]
        return moments

    def _agreed(self) -> bool:
        """Whether those that can take slots over have been the same for so long that they have."""
        ages = [self.now - self._since(name) for name in self.names]
        able = [age for age in ages if age >= (PATIENCE - 1) * self.period]
        left = [self.now - at for at in self.state.absent.values()]
        return min(able, default=0) >= (PATIENCE + 1) * self.period and min(left, default=math.inf) >= self.period

    def _since(self, name: str) -> float:
        """Return when a pod was first seen to be Ready; infinite if it is not."""
        return self.state.ready.get(name, ("", math.inf))[1]

    def _lost_at(self, name: str) -> float:
        # A map that changed may give it other slots, which are with who had them until others have loaded them.
        return max(self.state.absent[name], self.state.changed_at) + (PATIENCE + 1) * self.period

    def _select(self, names: Collection[str]) -> bytes:
        """Return the slots of some pods."""
        return self.ring.select(len(self.names), bytes(name in names for name in self.names)) if names else NONE

    def _of_absent(self) -> bytes:
        """Return the slots of pods that have been away for long that come to this one.

        Shards above the last one that can take any count as not started: the smaller map places their slots, which is where
        they are after a scale-out that got no further. Fallbacks take the rest.
        """
        gone = {name for name, at in self.state.absent.items() if at + PATIENCE * self.period <= self.now}
        if not gone or self._since(self.pod) + PATIENCE * self.period > self.now:
            return NONE
        able = bytes(self._since(name) + (PATIENCE - 1) * self.period <= self.now for name in self.names)
        return covered(self.ring, able.rstrip(b"\0"), self.names.index(self.pod), self._select(gone))

    def _of_deleted(self) -> bytes:
        """Return the slots that deleted pods had, and whose owners are not Ready, that come to this pod.

        Pods that see a deletion and another pod become Ready in different orders disagree about who can take slots over. That
        loses none: with one pod more a slot has the same fallback as before, or that pod.
        """
        # Of many pods deleted at once, most have the same pods to rely on.
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
        """Return the slots that a deleted pod may have had: of the map that ends with it, as shards above may not have started."""
        shard = int(name.rpartition("-")[2]) - self.state.start
        return self.ring.mask(shard, shard + 1) if 0 <= shard < MAX_SHARDS else NONE
