"""Formats of answers, chosen by the Accept header.

Answers are JSON or protobuf, and contain whole objects, metadata or tables.
"""

import json
import time
from calendar import timegm
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from ksm_shard.simulator import protobuf
from ksm_shard.simulator.errors import not_acceptable
from ksm_shard.simulator.objects import Stored
from ksm_shard.simulator.resources import ServedResource
from ksm_shard.wire.frames import frame, seal
from ksm_shard.wire.messages.runtime_pb2 import RawList, WatchEvent

JSON: Final = "application/json"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
META: Final = "meta.k8s.io/v1"


class Format(Protocol):
    """A representation of the objects of one resource."""

    @property
    def content_type(self) -> str:
        """Media type of the answer."""

    def one(self, stored: Stored) -> bytes:
        """Encode a single object."""

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """Encode a list with its ListMeta."""

    def event(self, kind: str, stored: Stored) -> bytes:
        """Encode a watch event, ready to be sent.

        `kind` is its type, such as ADDED.
        """

    def unreadable(self, kind: str) -> bytes:
        """Encode a well-formed watch event whose object does not parse."""

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """Encode a Status object."""

    def error(self, status: Mapping[str, Any]) -> bytes:
        """Encode a watch event of type ERROR."""


@dataclass(frozen=True)
class Json:
    """Whole objects as JSON."""

    resource: ServedResource
    content_type: str = JSON

    def item(self, stored: Stored) -> dict[str, Any]:
        """Return an object with apiVersion and kind, as a single object has them."""
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, **stored.data}

    def one(self, stored: Stored) -> bytes:
        """Encode a single object as JSON."""
        return _dump(self.item(stored))

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """Encode a list as JSON.

        As from a real server, items of custom resources have apiVersion and kind; items of built-in kinds do not.
        """
        custom = protobuf.message_name(self.resource.group, self.resource.version, self.resource.kind) is None
        items = [self.item(stored) if custom else stored.data for stored in objects]
        head = {"kind": f"{self.resource.kind}List", "apiVersion": self.resource.api_version}
        return _dump({**head, "metadata": meta, "items": items})

    def event(self, kind: str, stored: Stored) -> bytes:
        """Encode a watch event as a line of JSON."""
        return _line(kind, self.item(stored))

    def unreadable(self, kind: str) -> bytes:
        """Encode an event whose object does not parse."""
        return _line(kind, "no object")

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """Encode a Status object as JSON."""
        return _dump(status)

    def error(self, status: Mapping[str, Any]) -> bytes:
        """Encode an event of type ERROR as a line of JSON."""
        return _line("ERROR", status)


class JsonMetadata(Json):
    """PartialObjectMetadata as JSON."""

    def item(self, stored: Stored) -> dict[str, Any]:
        """Return the PartialObjectMetadata of an object."""
        return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": stored.metadata}

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """Encode a PartialObjectMetadataList as JSON."""
        head = {"kind": "PartialObjectMetadataList", "apiVersion": META, "metadata": meta}
        return _dump({**head, "items": [self.item(stored) for stored in objects]})


@dataclass(frozen=True)
class JsonTable(Json):
    """A Table, as `kubectl get` prints it.

    `include` selects the object in a row: Metadata, Object or None.
    """

    include: str = "Metadata"

    def item(self, stored: Stored) -> dict[str, Any]:
        """Return the Table of one object."""
        return self._table([stored], {"resourceVersion": stored.metadata.get("resourceVersion", "")})

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """Encode a Table of all objects as JSON."""
        return _dump(self._table(objects, meta))

    def _table(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> dict[str, Any]:
        columns = COLUMNS["secrets" if self.resource.storage == "secrets." else ""]
        definitions = [
            {
                "name": name,
                "type": "string",
                "format": "name" if name == "Name" else "",
                "description": "",
                "priority": 0,
            }
            for name in columns
        ]
        rows = [{"cells": [cell(stored) for cell in columns.values()], **self._object(stored)} for stored in objects]
        return {"kind": "Table", "apiVersion": META, "metadata": meta, "columnDefinitions": definitions, "rows": rows}

    def _object(self, stored: Stored) -> dict[str, Any]:
        if self.include == "None":
            return {}
        whole = self.include == "Object"
        return {"object": (Json if whole else JsonMetadata)(self.resource).item(stored)}


@dataclass(frozen=True)
class Protobuf:
    """Whole objects, or PartialObjectMetadata, as protobuf."""

    api_version: str
    kind: str
    message: str
    content_type: str = PROTOBUF

    def _item(self, stored: Stored) -> bytes:
        found = stored.encoded.get(self.message)
        if found is None:
            # Encoding as PartialObjectMetadata keeps only the metadata, because the message has no other fields.
            found = stored.encoded[self.message] = protobuf.encode(self.message, stored.data)
        return found

    def one(self, stored: Stored) -> bytes:
        """Encode a single object in its envelope."""
        return seal(self.api_version, self.kind, self._item(stored))

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """Encode a list in its envelope."""
        message = RawList(items=[self._item(stored) for stored in objects])
        message.metadata.ParseFromString(protobuf.encode(f"{protobuf.META}.ListMeta", meta))
        return seal(self.api_version, f"{self.kind}List", message.SerializeToString())

    def event(self, kind: str, stored: Stored) -> bytes:
        """Encode a watch event as a frame."""
        return _event(kind, self.one(stored))

    def unreadable(self, kind: str) -> bytes:
        """Encode an event, in a valid frame, whose object does not parse."""
        return _event(kind, seal(self.api_version, self.kind, b"\xff no object"))

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """Encode a Status object in its envelope."""
        return seal("v1", "Status", protobuf.encode(f"{protobuf.META}.Status", status))

    def error(self, status: Mapping[str, Any]) -> bytes:
        """Encode an event of type ERROR as a frame."""
        return _event("ERROR", self.failure(status))


def choose(accept: str, resource: ServedResource, query: Mapping[str, str], *, many: bool) -> Format:
    """Return the first format of an Accept header that the resource has.

    Args:
        accept: the Accept header.
        resource: the requested resource.
        query: the query of the request.
        many: the request is a list, not a single object or a watch.

    Raises:
        ApiError: the resource has none of the formats.
    """
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        wanted = dict(part.split("=", 1) for part in parameters if "=" in part)
        shape = wanted.get("as", "")
        if shape and (wanted.get("g"), wanted.get("v")) != ("meta.k8s.io", "v1"):
            continue
        if media == PROTOBUF:
            found = _protobuf(resource, shape, many=many)
        elif media in {JSON, "application/*", "*/*", ""}:
            found = _json(resource, shape, query, many=many)
        else:
            continue
        if found is not None:
            return found
    raise not_acceptable(f"406: Not Acceptable\n\nAvailable representations: {JSON}, {PROTOBUF}")


def _protobuf(resource: ServedResource, shape: str, *, many: bool) -> Format | None:
    if shape == _partial(many=many):
        return Protobuf(META, "PartialObjectMetadata", f"{protobuf.META}.PartialObjectMetadata")
    message = protobuf.message_name(resource.group, resource.version, resource.kind)
    return Protobuf(resource.api_version, resource.kind, message) if message and not shape else None


def _json(resource: ServedResource, shape: str, query: Mapping[str, str], *, many: bool) -> Format | None:
    if shape == "Table":
        return JsonTable(resource, include=query.get("includeObject", "Metadata"))
    if shape == _partial(many=many):
        return JsonMetadata(resource)
    return None if shape else Json(resource)


def _partial(*, many: bool) -> str:
    return "PartialObjectMetadataList" if many else "PartialObjectMetadata"


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _line(kind: str, value: Any) -> bytes:
    return _dump({"type": kind, "object": value}) + b"\n"


def _event(kind: str, sealed: bytes) -> bytes:
    event = WatchEvent(type=kind)
    event.object.raw = sealed
    return frame(event.SerializeToString())


def _age(stored: Stored) -> str:
    created = stored.metadata.get("creationTimestamp")
    if not created:
        return "<unknown>"
    return f"{int(time.time() - timegm(datetime.fromisoformat(created).utctimetuple())) // 86400}d"


# The columns of a Table and their cells, for secrets, whose type the exporter reads from a cell, and for all other resources.
COLUMNS: Final[Mapping[str, Mapping[str, Callable[[Stored], Any]]]] = {
    "": {"Name": lambda stored: stored.metadata.get("name", ""), "Age": _age},
    "secrets": {
        "Name": lambda stored: stored.metadata.get("name", ""),
        "Type": lambda stored: stored.data.get("type", ""),
        "Data": lambda stored: len(stored.data.get("data") or {}),
        "Age": _age,
    },
}
