"""What a member of a fleet knows: what it sees of the StatefulSet and its pods, and what it made of that so far."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ring import Ring


class Phase(StrEnum):
    """A phase of the hand-over; see the table in `handover.py`."""

    STATIC = "static"
    WAITING = "waiting"
    GAINING = "gaining"
    COVERING = "covering"
    RELEASING = "releasing"
    STABLE = "stable"
    DRAINING = "draining"

    @property
    def handing_over(self) -> bool:
        """Whether a shard may hold slots of others: that is what a hand-over is."""
        return self in {self.GAINING, self.COVERING, self.RELEASING, self.DRAINING}


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
        phase: see the table in `handover.py`.
        total, start, shard: of the map that counts now; a shard that is not in 0..total-1 is out of range.
        own: slots of this shard under that map.
        held: slots to serve now: own, and those held for others.
        covering: those of them that were taken over because their pod was deleted or is away.
        leaving: those of them that this pod is about to let go: all that is not its own, and everything when it drains.
        leaving_since: when the last of these came to be so.
        gained, lost: difference between held and that of the state before.
        serving: whether everything that was to be held has been loaded once, so that others may rely on this pod.
        unready: why others must not count on this pod, which is not Ready then; "" if they may.
        changed_at: when the map was last seen to change, in seconds of the caller's clock.
        ready: pod -> its `ready_since` and when that was first seen, for the pods that are Ready.
        deleted: pod -> when it was seen to be deleted, -inf if that was before this pod served. It stays until the pod is gone from
            the map or has settled again.
        absent: pod -> when this pod, once serving, first saw that it is not Ready; for the others of the map that are not.
        due: when to look again although nothing was heard; None when only news can change anything.
        problem: one line saying why the last known ownership is kept; "" when all is well.
    """

    phase: Phase = Phase.WAITING
    total: int = 0
    start: int = 0
    shard: int | None = None
    own: bytes = field(default=NONE, repr=False)
    held: bytes = field(default=NONE, repr=False)
    covering: bytes = field(default=NONE, repr=False)
    leaving: bytes = field(default=NONE, repr=False)
    leaving_since: float = -math.inf
    gained: bytes = field(default=NONE, repr=False)
    lost: bytes = field(default=NONE, repr=False)
    serving: bool = False
    unready: str = ""
    changed_at: float = 0.0
    ready: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    deleted: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, float] = field(default_factory=dict)
    due: float | None = None
    problem: str = ""

    @property
    def held_for_others(self) -> bytes:
        """Slots that are served until the pods that should have them have settled."""
        return difference(self.held, self.own)


def static(ring: Ring, shard: int, total: int) -> State:
    """The one state of a statically sharded process. Raises ValueError when there is no such shard."""
    mask = ring.mask(shard, total)
    return State(phase=Phase.STATIC, total=total, shard=shard, own=mask, held=mask, gained=mask)


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


def names_of(statefulset: str, start: int, total: int) -> list[str]:
    """Names of the pods by shard."""
    return [f"{statefulset}-{start + shard}" for shard in range(total)]
