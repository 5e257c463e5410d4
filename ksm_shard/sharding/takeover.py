"""What one pod takes over from pods that are away. `cover.py` says who takes which slot of all that can.

of a pod that                            from when on             those can who
---------------------------------------  -----------------------  ------------------------------------------------------------
is deleted                               at once, as it drains    were Ready before the deletion, so that they know of it
is not Ready, for whatever reason, and   four hand-over periods   have been Ready for three periods, so that they have begun by
was not all the time that this serves    (`PATIENCE`)             now or will within one

A pod that never becomes Ready, a node that died and a process that was killed come under the second rule, which knows nothing of
who held what before: whatever became of those, all who are Ready come to the same answer in the end.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ksm_shard.sharding.cover import covered
from ksm_shard.sharding.slots import NONE, Ring, difference, intersection, union
from ksm_shard.sharding.state import Left, names_of

# Hand-over periods until a pod counts as gone: 3 minutes by default. A process that was killed is back sooner, and so is a pod
# on a node that had to be made for it, as a rule; taking their slots over would cost the others memory for nothing. Kubernetes
# deletes the pods of a node that died after 5 minutes.
PATIENCE = 4


@dataclass(frozen=True)
class View:
    """Who is there, as one pod sees it now.

    Attributes:
        shard: of the pod that looks.
        statefulset: its name.
        names: of the pods by shard, under the map that counts now.
        ready, deleted, absent, changed_at: see `State`.
        period: the hand-over period.
    """

    ring: Ring
    shard: int
    statefulset: str
    names: Sequence[str]
    ready: Mapping[str, tuple[str, float]]
    deleted: Mapping[str, float]
    absent: Mapping[str, float]
    changed_at: float
    period: float
    now: float

    @property
    def lost(self) -> set[str]:
        """Pods that have been away for so long that others took their slots over: what was held for them before can go."""
        return {name for name in self.absent if self._lost_at(name) <= self.now}

    def taken(self, left: Left | None) -> bytes:
        """Slots to take over; see `State.left`."""
        if self.names[self.shard] not in self.ready:
            return NONE
        gone = {name for name, since in self.absent.items() if since + PATIENCE * self.period <= self.now}
        return union(self._of_deleted(left), self._of_absent(gone, PATIENCE - 1))

    def kept(self) -> bytes:
        """Slots of `lost` pods to go on serving where they are served: nobody before this one has surely loaded them."""
        return self._of_absent(self.lost, PATIENCE + 1)

    def moments(self) -> list[float]:
        """When any of this changes by itself."""
        patience = PATIENCE * self.period
        moments = [since + patience for since in self.absent.values()] + [self._lost_at(name) for name in self.absent]
        if self.absent and min(self.absent.values()) + patience <= self.now:
            moments += [at + patience + more for _, at in self.ready.values() for more in (-self.period, self.period)]
        return moments

    def _lost_at(self, name: str) -> float:
        # A map that changed may give it other slots, which are with who had them until others have loaded them.
        return max(self.absent[name], self.changed_at) + (PATIENCE + 1) * self.period

    def _since(self) -> list[float]:
        """When each pod was first seen to be Ready, infinite if it is not; -inf for the own one, which knows all it did."""
        since = [self.ready[name][1] if name in self.ready else math.inf for name in self.names]
        since[self.shard] = -math.inf
        return since

    def _of_absent(self, gone: Collection[str], periods: int) -> bytes:
        """Slots of some pods that come to this one among those that have been Ready for so many periods.

        Shards beyond the last of these count as not there yet: their slots are where they would be in a fleet of fewer, which is
        where they are after a scale-out that got no further. Of what is left, the fallbacks.
        """
        if not gone:
            return NONE
        available = [at + periods * self.period <= self.now for at in self._since()]
        total = len(available)
        while not available[total - 1]:
            total -= 1
        wanted = self.ring.select(len(self.names), bytes(name in gone for name in self.names))
        there = bytes(available[:total])
        mine = intersection(wanted, self.ring.mask(self.shard, total))
        orphans = difference(wanted, self.ring.select(total, there))
        return union(mine, covered(self.ring, total, self.shard, orphans, there))

    def _of_deleted(self, left: Left | None) -> bytes:
        """Slots of deleted pods, and those that deleted pods had before the pods that get them are Ready."""
        total, lost = len(self.names), self.lost
        since = self._since()
        # Of many pods deleted at once, most have the same pods to rely on.
        groups: dict[bytes, bytearray] = {}
        for other, name in enumerate(self.names):
            if name in self.deleted and name not in self.ready and name not in lost:
                available = bytes(at < self.deleted[name] for at in since)
                groups.setdefault(available, bytearray(total))[other] = 1
        taken = NONE
        for available, wanted in groups.items():
            slots = self.ring.select(total, bytes(wanted))
            taken = union(taken, covered(self.ring, total, self.shard, slots, available))
        if left:
            before = names_of(self.statefulset, left.start, left.total)
            leaving = bytes(name in self.deleted for name in before)
            absent = bytes(name not in self.ready and name not in lost for name in self.names)
            if any(leaving) and any(absent):
                slots = intersection(self.ring.select(left.total, leaving), self.ring.select(total, absent))
                available = bytes(at < left.at for at in since)
                taken = union(taken, covered(self.ring, total, self.shard, slots, available))
        return taken
