"""How answers are written: JSON or protobuf, whole objects or their metadata or tables, chosen by the Accept header."""

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
    """One way to write the objects of one resource."""

    @property
    def content_type(self) -> str:
        """Of the answer."""

    def one(self, stored: Stored) -> bytes:
        """A single object."""

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """A list with its metadata (ListMeta)."""

    def event(self, kind: str, stored: Stored) -> bytes:
        """A watch event of a kind such as ADDED, ready to be sent."""

    def unreadable(self, kind: str) -> bytes:
        """A watch event that is well-formed, about an object that is not."""

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """A Status object."""

    def error(self, status: Mapping[str, Any]) -> bytes:
        """A watch event of the kind ERROR."""


@dataclass(frozen=True)
class Json:
    """Whole objects as JSON."""

    resource: ServedResource
    content_type: str = JSON

    def item(self, stored: Stored) -> dict[str, Any]:
        """An object by itself."""
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, **stored.data}

    def one(self, stored: Stored) -> bytes:
        """See Format."""
        return _dump(self.item(stored))

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """See Format. The items of built-in kinds say no kind; those of custom resources do."""
        custom = protobuf.message_name(self.resource.group, self.resource.version, self.resource.kind) is None
        items = [self.item(stored) if custom else stored.data for stored in objects]
        head = {"kind": f"{self.resource.kind}List", "apiVersion": self.resource.api_version}
        return _dump({**head, "metadata": meta, "items": items})

    def event(self, kind: str, stored: Stored) -> bytes:
        """See Format."""
        return _line(kind, self.item(stored))

    def unreadable(self, kind: str) -> bytes:
        """See Format."""
        return _line(kind, "no object")

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """See Format."""
        return _dump(status)

    def error(self, status: Mapping[str, Any]) -> bytes:
        """See Format."""
        return _line("ERROR", status)


class JsonMetadata(Json):
    """PartialObjectMetadata as JSON."""

    def item(self, stored: Stored) -> dict[str, Any]:
        """See Json."""
        return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": stored.metadata}

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """See Format."""
        head = {"kind": "PartialObjectMetadataList", "apiVersion": META, "metadata": meta}
        return _dump({**head, "items": [self.item(stored) for stored in objects]})


@dataclass(frozen=True)
class JsonTable(Json):
    """A Table: what `kubectl get` prints. `include` is what a row's object holds: Metadata, Object or None."""

    include: str = "Metadata"

    def item(self, stored: Stored) -> dict[str, Any]:
        """See Json."""
        return self._table([stored], {"resourceVersion": stored.metadata.get("resourceVersion", "")})

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """See Format."""
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
            # Nothing but the metadata is in PartialObjectMetadata: the rest has no field there.
            found = stored.encoded[self.message] = protobuf.encode(self.message, stored.data)
        return found

    def one(self, stored: Stored) -> bytes:
        """See Format."""
        return seal(self.api_version, self.kind, self._item(stored))

    def many(self, objects: Sequence[Stored], meta: Mapping[str, Any]) -> bytes:
        """See Format."""
        message = RawList(items=[self._item(stored) for stored in objects])
        message.metadata.ParseFromString(protobuf.encode(f"{protobuf.META}.ListMeta", meta))
        return seal(self.api_version, f"{self.kind}List", message.SerializeToString())

    def event(self, kind: str, stored: Stored) -> bytes:
        """See Format."""
        return _event(kind, self.one(stored))

    def unreadable(self, kind: str) -> bytes:
        """See Format."""
        return _event(kind, seal(self.api_version, self.kind, b"\xff no object"))

    def failure(self, status: Mapping[str, Any]) -> bytes:
        """See Format."""
        return seal("v1", "Status", protobuf.encode(f"{protobuf.META}.Status", status))

    def error(self, status: Mapping[str, Any]) -> bytes:
        """See Format."""
        return _event("ERROR", self.failure(status))


def choose(accept: str, resource: ServedResource, query: Mapping[str, str], *, many: bool) -> Format:
    """The first format of an Accept header that this resource has; `many` tells a list from an object or a watch.

    Raises:
        ApiError: none of them is there.
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


# The columns of a table and what is in them: of secrets, whose type the exporter reads there, and of all others.
COLUMNS: Final[Mapping[str, Mapping[str, Callable[[Stored], Any]]]] = {
    "": {"Name": lambda stored: stored.metadata.get("name", ""), "Age": _age},
    "secrets": {
        "Name": lambda stored: stored.metadata.get("name", ""),
        "Type": lambda stored: stored.data.get("type", ""),
        "Data": lambda stored: len(stored.data.get("data") or {}),
        "Age": _age,
    },
}
