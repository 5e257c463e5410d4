"""Parse custom resources as dicts of the needed fields.

From JSON, or from metadata in protobuf.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from ksm_shard.wire.codec import Codec, ProtobufCodec, Raw
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import Decoder, JsonCodec, Tree
from ksm_shard.wire.messages.metadata_v1_pb2 import Metadata, OwnerReference, Time

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# As they are in JSON, where an empty one is left out.
TEXTS: Final = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation")


class TreeShape:
    """Shape of an object: the fields that a decoder knows.

    Attributes:
        name: the kind.
    """

    def __init__(self, kind: str, api_version: str, decoder: Callable[[], Decoder]) -> None:
        """Take kind and version, which items of lists may lack.

        The decoder is made for the first object: 0.4 ms, which a start with many kinds does not wait for.
        """
        self.name = kind
        self._known = {"apiVersion": api_version, "kind": kind}
        self._decoder = cache(decoder)

    def parse(self, codec: Codec, item: Raw) -> Tree:
        """Decode the fields of an item that are needed."""
        if not isinstance(codec, JsonCodec):
            raise WireError("expected custom resources as JSON, got another content type")
        return {**codec.tree(item, self._decoder()), **self._known}

    def key(self, parsed: Tree) -> str:
        """Return namespace and name."""
        metadata = parsed.get("metadata")
        if metadata.__class__ is not dict:
            raise WireError("expected an object with metadata")
        return f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"


class MetadataShape(TreeShape):
    """Shape of metadata alone, in protobuf or JSON."""

    def parse(self, codec: Codec, item: Raw) -> Tree:
        """Parse metadata, or decode the fields of them that are needed."""
        if not isinstance(codec, ProtobufCodec):
            return super().parse(codec, item)
        return {"metadata": _metadata(codec.parse(item, Metadata)), **self._known}


def _metadata(message: Metadata) -> Tree:
    """Return metadata as in JSON."""
    meta = message.metadata
    found: dict[str, Any] = {name: value for name in TEXTS if (value := getattr(meta, name))}
    found["creationTimestamp"] = _time(meta.creationTimestamp)
    if meta.HasField("deletionTimestamp"):
        found["deletionTimestamp"] = _time(meta.deletionTimestamp)
    if meta.HasField("deletionGracePeriodSeconds"):
        found["deletionGracePeriodSeconds"] = meta.deletionGracePeriodSeconds
    if meta.labels:
        found["labels"] = dict(meta.labels)
    if meta.annotations:
        found["annotations"] = dict(meta.annotations)
    if meta.ownerReferences:
        found["ownerReferences"] = [_owner(owner) for owner in meta.ownerReferences]
    if meta.finalizers:
        found["finalizers"] = list(meta.finalizers)
    return found


def _owner(owner: OwnerReference) -> Tree:
    found: Tree = {name: getattr(owner, name) for name in ("apiVersion", "kind", "name", "uid")}
    found |= {name: getattr(owner, name) for name in ("controller", "blockOwnerDeletion") if owner.HasField(name)}
    return found


def _time(moment: Time) -> str | None:
    """Return a moment in RFC 3339; null for Go's zero time."""
    if not moment.HasField("seconds"):
        return None
    return (EPOCH + timedelta(seconds=moment.seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
