"""State of a process as data.

The exporter builds it; the pages, the telemetry and the report show it. Masks of slots are bytes of 0 and 1, one a slot, as
in `ksm_shard.sharding.masks`; times are seconds since 1970.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ksm_shard.status.custom import CustomStatus, FamilyTally
from ksm_shard.status.setup import Setup
from ksm_shard.status.stats import Stats


@dataclass(frozen=True, slots=True)
class Readiness:
    """Readiness of a process: true when everything to be served is loaded.

    Attributes:
        ready: whether the process is ready.
        problems: one line for each resource that is not ("pods: listing"); empty when ready.
        notes: accepted shortcomings ("secrets: forbidden (exempt)").
    """

    ready: bool
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """The present state of one resource; its `stats` count past events.

    Attributes:
        name: its plural, as in `?resources=`.
        type: the name in kube-state-metrics' own metrics, such as `*v1.Pod`.
        reading: the format read: `protobuf`, `metadata`, `table` or `json`.
        synced: whether it has been listed for all slots to serve.
        seen, owned: number of objects that the API server showed, and of those served here.
        listed: number of objects in the last list.
        resource_version: of the last event; "" before the first list.
        filtered: whether the API server sends only objects of this shard.
        families: number of exported families.
        deflated, text: bytes of all pages as kept, and as text.
        stats: counts of events.
        last_error: one line; "" when there was none.
        repeated: by family, series that several objects have, of which one is exposed.
        tallies: by family of a custom resource, how much there is of it.
    """

    name: str
    type: str
    reading: str
    synced: bool
    seen: int
    owned: int
    listed: int
    resource_version: str
    filtered: bool
    families: int
    deflated: int
    text: int
    stats: Stats
    last_error: str = ""
    repeated: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, FamilyTally] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slots:
    """Masks of slots.

    Attributes:
        own: given to this shard by the map.
        gained: to serve, but not loaded yet.
        lost: given away at the last change.
        held: served for another shard.
        covering: of `held`, the slots of a pod that was deleted and is not back.
    """

    own: bytes = field(repr=False)
    gained: bytes = field(repr=False)
    lost: bytes = field(repr=False)
    held: bytes = field(repr=False)
    covering: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sibling:
    """A pod of the fleet; this pod is listed too.

    Attributes:
        name: of the pod.
        ordinal: number at the end of the name.
        ready: whether the pod is Ready.
        state: one word for people: `ready`, `loading`, `missing`, `leaving`.
        url: of its status page, where known.
    """

    name: str
    ordinal: int
    ready: bool
    state: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file of --config, as it is in force.

    Attributes:
        name: path of the file.
        content: its bytes.
        read: when it was read; 0 before.
        problem: why the newest contents are not in force; "" when they are.
        pending: flags of options that it changes and that need a restart.
    """

    name: str
    content: bytes = field(repr=False)
    read: float
    problem: str = ""
    pending: Sequence[str] = ()

    @property
    def hash(self) -> int:
        """The first 48 bits of the MD5, which a float can hold.

        kube-state-metrics, and Alertmanager before it, identify a file so.
        """
        return int.from_bytes(hashlib.md5(self.content, usedforsecurity=False).digest()[:6], "little")

    @property
    def notes(self) -> list[str]:
        """A line for each reason why the file is not in force as a whole."""
        waiting = [f"until a restart stay as they were: {', '.join(self.pending)}"] if self.pending else []
        return [*self.problem.splitlines(), *waiting]


@dataclass(frozen=True, slots=True)
class Status:
    """The state that the status page and the telemetry show.

    Attributes:
        shard: number of this shard; None while unknown.
        total: number of shards.
        pod: name of this pod; "" outside a StatefulSet.
        version: of the package.
        started: when the process started.
        ring, digest: name of the ring, and the digest of its map for `total` shards.
        phase, phase_seconds: of the hand-over, and the seconds since it began.
        slots: masks of this shard.
        siblings: pods of the fleet.
        resources: the exported ones, in the order of a scrape.
        object_limit: number of objects to list of each resource at most; 0 for all.
        problem: why the last known ownership is kept; "" when all is well.
        membership: state of each watch of the membership, by resource; empty where the shard is static.
        config: the file of --config; None without one.
        custom: the state of custom resources; None if none are asked for.
        setup: what is wrong with how the process was set up.
        settings: digest of the settings that must be the same in all shards, as they are in force.
    """

    shard: int | None
    total: int
    pod: str
    version: str
    started: float
    ring: str
    digest: str
    phase: str
    phase_seconds: float
    slots: Slots
    siblings: Sequence[Sibling]
    resources: Sequence[ResourceStatus]
    object_limit: int = 0
    problem: str = ""
    membership: Mapping[str, str] = field(default_factory=dict)
    config: ConfigFile | None = None
    custom: CustomStatus | None = None
    setup: Setup = field(default_factory=dict)
    settings: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """The shard that serves an object.

    Attributes:
        uid: "" where only the slot is known.
        slot: of the object.
        shard, total: the shard that the map gives the slot to, and the number of shards.
        pod: name of that shard's pod; "" where shards are fixed.
        held: whether this process serves the object (too).
    """

    uid: str
    slot: int
    shard: int
    total: int
    pod: str
    held: bool


class NoAnswer(Exception):
    """The shard of an object is unknown at the moment.

    The text is one line that says why.

    Attributes:
        refused: whether the API server answered with a refusal.
    """

    def __init__(self, line: str, *, refused: bool = False) -> None:
        super().__init__(line)
        self.refused = refused
