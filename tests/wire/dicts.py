"""A JSON codec whose items may be dicts, as tests write them."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from ksm_shard.wire.json import JsonCodec, M


def raw(item: Any) -> Raw:
    """Return an item as it comes from the API server; what is raw already stays as it is."""
    return item if isinstance(item, Raw) else Raw(json.dumps(item).encode())


def item_of(given: Raw) -> Any:
    """Return what a raw item has."""
    return json.loads(bytes(given))


class Dicts(JsonCodec):
    """Reads dicts as if they had come from the API server."""

    def identity(self, item: Raw | Mapping[str, Any]) -> tuple[str, str]:
        return super().identity(raw(item))

    def ends_initial_events(self, item: Raw | Mapping[str, Any]) -> bool:
        return super().ends_initial_events(raw(item))

    def status(self, item: Raw | bytes | Mapping[str, Any]) -> Any:
        return super().status(item if isinstance(item, bytes) else raw(item))

    def parse(self, item: Raw | Mapping[str, Any], kind: type[M]) -> M:
        return super().parse(raw(item), kind)

    def keep(self, item: Raw | Mapping[str, Any]) -> Raw:
        return super().keep(raw(item))
