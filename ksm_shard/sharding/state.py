"""State of a fleet member: its view of the fleet and its slots."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ring import Ring


class Phase(StrEnum):
    """A phase of the hand-over; `handover.py` has the table."""

    STATIC = "static"
    WAITING = "waiting"
    GAINING = "gaining"
    COVERING = "covering"
    RELEASING = "releasing"
    STABLE = "stable"
    DRAINING = "draining"

    @property
    def handing_over(self) -> bool:
        """True if a shard may hold slots of others in this phase."""
        return self in {self.GAINING, self.COVERING, self.RELEASING, self.DRAINING}


@dataclass(frozen=True)
class StatefulSet:
    """The fields of a StatefulSet that matter: `spec.replicas` and `spec.ordinals.start`."""

    name: str
    replicas: int
    start: int = 0


@dataclass(frozen=True)
class Pod:
    """The fields of a pod that matter.

    Attributes:
        ready_since: `lastTransitionTime` of the condition Ready while True, "" otherwise. Compared only for equality, because it
            is of another machine's clock.
        deleting: whether the pod has a `deletionTimestamp`.
    """

    name: str
    ready_since: str = ""
    deleting: bool = False


@dataclass(frozen=True)
class State:
    """The state of a member; by default that of a new process.

    Attributes:
        phase: as in the table in `handover.py`.
        total, start, shard: of the current map; a shard that is not in 0..total-1 is out of range.
        own: mask of this shard under the map.
        held: slots to serve now: own, and those held for others.
        covering: the held slots taken over because their pod was deleted or is away.
        leaving: the held slots that this pod is about to let go: all but its own, and everything while it drains.
        leaving_since: when a slot was last added to `leaving`.
        gained, lost: differences between `held` and the `held` of the state before.
        serving: whether all slots to hold have been loaded once, so that others may rely on this pod.
        unready: why other pods must not count on this one, which then reports not Ready; "" if they may.
        changed_at: when the map was last seen to change, in seconds of the caller's clock.
        ready: for each Ready pod, its `ready_since` and the time that was first seen.
        deleted: for each deleted pod, when the deletion was seen; -inf if before this pod served. Kept until the pod is gone from
            the map or has settled again.
        absent: for each other pod of the map that is not Ready, when this pod, once serving, first saw that.
        due: when to compute the next state without news; None if only news can change it.
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
        """The slots served for other pods until those have settled."""
        return difference(self.held, self.own)


def static(ring: Ring, shard: int, total: int) -> State:
    """Return the only state of a statically sharded process.

    Raises:
        ValueError: there is no such shard.
    """
    mask = ring.mask(shard, total)
    return State(phase=Phase.STATIC, total=total, shard=shard, own=mask, held=mask, gained=mask)


def shard_of(pod: str, statefulset: StatefulSet) -> int:
    """Return the shard number of a pod, which may be out of range.

    The name is `<name of the set>-<ordinal>`, and ordinals begin at `spec.ordinals.start` (KEP 3335).

    Raises:
        ValueError: the name is not of that form.
    """
    match = re.fullmatch(re.escape(statefulset.name) + r"-(0|[1-9][0-9]*)", pod)
    if not match:
        raise ValueError(
            f"pod {pod!r} is not one of StatefulSet {statefulset.name!r}: it would be called '{statefulset.name}-<ordinal>'"
        )
    return int(match[1]) - statefulset.start


def names_of(statefulset: str, start: int, total: int) -> list[str]:
    """Return the names of the pods, by shard."""
    return [f"{statefulset}-{start + shard}" for shard in range(total)]
