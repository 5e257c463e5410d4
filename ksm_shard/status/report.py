"""Report of a shard, served as JSON under `/shard`.

Both ends of the wire use the same class.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """Counts of one resource in a shard.

    Attributes:
        seen, owned: number of objects that the API server showed, and of those exported here.
        synced: whether it has been listed for all slots to serve.
        state: of its reflector.
        series: number of series.
        deflated, text: bytes of all pages as kept, and as text.
        filtered: whether the API server shows only objects of this shard.
        reloading: whether it is loaded with other settings, and the counts are of the former ones.
    """

    seen: int
    owned: int
    synced: bool
    state: str
    series: int
    deflated: int
    text: int
    filtered: bool = False
    reloading: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The state of one shard, for `check`, `plan` and `compare`.

    Attributes:
        pod: name of the pod; "" outside a StatefulSet.
        shard: None while unknown.
        total: number of shards.
        ring, digest: name of the ring, and the digest of its map for `total` shards.
        version: of the package.
        settings: digest of the settings that must be the same in all shards, as they are in force.
        phase: of the hand-over.
        ready: whether the pod is ready.
        own, held: masks of the slots under the map and of those served, 65,536 bytes of 0 or 1.
        memory: resident bytes of the process.
        resources: by plural.
        custom: hash of the Custom Resource State in force; "" without any.
        problem, membership, setup: as in `ksm_shard.status.model.Status`.
        filters: options that decide which series there are, by flag, where they are not the default.
        settings_problem: why the newest file of --config is not in force; "" when it is.
        reloaded: seconds since the settings, or what the file of custom resources holds, changed at run time; None if they are
            those of the start.
    """

    pod: str
    shard: int | None
    total: int
    ring: str
    digest: str
    version: str
    settings: str
    phase: str
    ready: bool
    own: bytes
    held: bytes
    memory: int
    resources: Mapping[str, ResourceReport]
    custom: str = ""
    problem: str = ""
    membership: Mapping[str, str] = field(default_factory=dict)
    setup: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, Any] = field(default_factory=dict)
    settings_problem: str = ""
    reloaded: float | None = None

    def to_json(self) -> str:
        """Return the report as JSON.

        Masks are packed eight slots a byte, in base64.
        """
        value = asdict(self) | {"own": _pack(self.own), "held": _pack(self.held)}
        return json.dumps(value)

    @classmethod
    def from_json(cls, text: bytes) -> "Report":
        """Parse a report; fields that another version added are ignored.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: the text is no report.
        """
        value: dict[str, Any] = json.loads(text)
        resources = {
            name: ResourceReport(**_known(ResourceReport, one)) for name, one in value.pop("resources").items()
        }
        own, held = _unpack(value.pop("own")), _unpack(value.pop("held"))
        return cls(**_known(cls, value), own=own, held=held, resources=resources)


def _known(kind: type, value: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: value[each.name] for each in fields(kind) if each.name in value}


def _pack(mask: bytes) -> str:
    bits = int(mask.translate(DIGITS)[::-1] or b"0", 2)
    return base64.b64encode(bits.to_bytes(len(mask) // 8, "little")).decode()


def _unpack(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    bits = f"{int.from_bytes(data, 'little'):0{len(data) * 8}b}"
    return bytes(map(int, reversed(bits)))


# Translates the bytes 0 and 1 to the digits that int() reads.
DIGITS: Final = bytes([48, 49]) + bytes(254)
