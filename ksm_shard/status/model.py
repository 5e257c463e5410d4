"""The state of a process as data: built by the exporter, shown by the pages, the telemetry and the report.

Masks of slots are bytes of 0 and 1, one a slot, as in `ksm_shard.sharding.masks`; times are seconds since 1970.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ksm_shard.status.setup import Setup
from ksm_shard.status.stats import Stats


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether everything that is to be served is there.

    Attributes:
        problems: one line for each resource that is not ("pods: listing"); empty when ready.
        notes: what is accepted as it is ("secrets: forbidden (exempt)").
    """

    ready: bool
    problems: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ResourceStatus:
    """One resource, as it is now; what has happened to it so far is in its `stats`.

    Attributes:
        name: its plural, as in `?resources=`.
        type: what kube-state-metrics calls it in its own metrics, such as `*v1.Pod`.
        reading: how it is read: `protobuf`, `metadata`, `table` or `json`.
        synced: whether it has been listed for all slots that are to be served.
        seen, owned: objects that the API server showed, and those of them that are served here.
        listed: objects of the last list.
        resource_version: of the last event; "" before the first list.
        filtered: whether the API server sends only the own objects.
        families: how many are exported.
        deflated, text: bytes of all pages as kept, and as the text they stand for.
        last_error: one line; "" when there was none.
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


@dataclass(frozen=True, slots=True)
class Slots:
    """Masks of slots.

    Attributes:
        own: given to this shard by the map.
        gained: of those, not loaded yet.
        lost: given away at the last change.
        held: served for another shard.
        covering: of those, the ones of a pod that was deleted and is not back.
    """

    own: bytes = field(repr=False)
    gained: bytes = field(repr=False)
    lost: bytes = field(repr=False)
    held: bytes = field(repr=False)
    covering: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sibling:
    """A pod of the fleet, this one among them.

    Attributes:
        state: one word for people: `ready`, `loading`, `missing`, `leaving`, ...
        url: of its status page, where it is known.
    """

    name: str
    ordinal: int
    ready: bool
    state: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The file of --config, as it was when it was read, which is once.

    Attributes:
        read: when that was.
    """

    name: str
    content: bytes = field(repr=False)
    read: float

    @property
    def hash(self) -> int:
        """What kube-state-metrics, and Alertmanager before it, make of a file: 48 bits of its MD5, which a float can hold."""
        return int.from_bytes(hashlib.md5(self.content, usedforsecurity=False).digest()[:6], "little")


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the status page and the telemetry show.

    Attributes:
        shard: None while it is not known yet.
        pod: its name; "" outside a StatefulSet.
        started: when the process started.
        ring, digest: name of the ring, and the digest of its map for `total` shards.
        phase, phase_seconds: of the hand-over, and how long it has lasted.
        object_limit: most objects listed of each resource; 0 for all.
        problem: why the last known ownership is kept; "" when all is well.
        membership: state of each watch that the membership has, by resource; none where the shard is static.
        config: the file of --config; None without one.
        setup: what is wrong with how the process was set up.
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
    setup: Setup = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who serves an object: the shard that the map gives its slot to, and whether this process serves it (too).

    `uid` is "" where only the slot is known.
    """

    uid: str
    slot: int
    shard: int
    total: int
    pod: str
    held: bool


class NoAnswer(Exception):
    """Who serves an object cannot be told now. The text is one line that says why.

    Attributes:
        refused: whether the API server answered, but with a refusal.
    """

    def __init__(self, line: str, *, refused: bool = False) -> None:
        super().__init__(line)
        self.refused = refused
