"""What a shard tells of itself under `/shard`, as JSON: the same on both ends of the wire."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class ResourceReport:
    """What a shard has of one resource: objects the API server showed and those it exports, series, bytes deflated and as text.

    `filtered`: the API server shows it only what is for this shard.
    """

    seen: int
    owned: int
    synced: bool
    state: str
    series: int
    deflated: int
    text: int
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A shard.

    Attributes:
        shard: None while it does not know.
        settings: digest of the settings that must be the same in all shards.
        own, held: slots under the map and slots that are served, masks of 65,536 bytes of 0 or 1.
        memory: resident bytes of the process.
        problem, membership, setup: see Status.
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
    problem: str = ""
    membership: Mapping[str, str] = field(default_factory=dict)
    setup: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return it as JSON; masks are packed eight slots a byte, in base64."""
        value = asdict(self) | {"own": _pack(self.own), "held": _pack(self.held)}
        return json.dumps(value)

    @classmethod
    def from_json(cls, text: bytes) -> "Report":
        """Read one; what a shard of another version says besides is passed over.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is none.
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


# 0 and 1 as the digits that int() reads.
DIGITS: Final = bytes([48, 49]) + bytes(254)
