"""Objects of a made-up cluster, with their metadata."""

import random
import uuid
from datetime import UTC, datetime
from typing import Any, Final

Object = dict[str, Any]

BORN: Final = 1_760_000_000  # the autumn of 2025, in Unix seconds


def make(
    api_version: str,
    kind: str,
    name: str,
    chance: random.Random,
    *,
    namespace: str = "",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: tuple[str, str] | None = None,
    born: int = BORN,
    **rest: Any,
) -> Object:
    """Return an object; `owner` is kind and name of its controller."""
    metadata: Object = {
        "name": name,
        "uid": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "generation": 1,
        "creationTimestamp": moment(born),
    }
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    if owner:
        reference = {
            "apiVersion": "apps/v1",
            "kind": owner[0],
            "name": owner[1],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        metadata["ownerReferences"] = [reference | {"uid": str(uuid.uuid5(uuid.NAMESPACE_DNS, owner[1]))}]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def moment(seconds: int) -> str:
    """Write seconds since 1970 as the API does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
