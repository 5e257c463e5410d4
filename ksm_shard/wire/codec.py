"""What the server answered decides how it is read: protobuf, JSON, or a Table. One codec each, all with the same methods.

Items stay raw until somebody owns them: bytes for protobuf, a dict for JSON. `identity` reads just enough to decide whose.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from google.protobuf.message import Message

from ksm_shard.wire.convert import fill
from ksm_shard.wire.frames import WireError, decode, split_frames, split_lines, unseal
from ksm_shard.wire.messages.meta_v1_pb2 import Status as StatusMessage
from ksm_shard.wire.messages.runtime_pb2 import Bookmark, Identity, RawList, WatchEvent

M = TypeVar("M", bound=Message)
Raw = Any  # bytes (protobuf) or dict (JSON): only the codec that made it may look inside

# Annotations in which tools keep a whole object as it was applied, a secret's data among it; OpenShift keeps a token itself.
WITHHELD: Final = frozenset(
    {
        "banzaicloud.com/last-applied",
        "kapp.k14s.io/original",
        "kopf.zalando.org/last-handled-configuration",
        "kubectl.kubernetes.io/last-applied-configuration",
        "objectset.rio.cattle.io/applied",
        "openshift.io/token-secret.value",
    }
)
# The annotation of the bookmark that ends the initial events of a WatchList (KEP-3157).
INITIAL_EVENTS_END: Final = "k8s.io/initial-events-end"
NO_ROW: Final = "expected a table row with cells and PartialObjectMetadata, got something else"
# The type of what came as an event, in a frame or a line of its own, and is none; its item is the WireError that says so.
UNREADABLE: Final = "UNREADABLE"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: raw items, the list's resource version, and the token of the next page ("" on the last)."""

    items: list[Raw]
    resource_version: str
    next_page: str
    shard_selector: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One watch event. `type` is ADDED, MODIFIED, DELETED, BOOKMARK, ERROR or UNREADABLE."""

    type: str
    item: Raw


@dataclass(frozen=True, slots=True)
class ApiStatus:
    """A failure as the API server tells it (meta/v1 ApiStatus). `retry_after` is in seconds, 0 if it says nothing."""

    code: int
    reason: str
    message: str
    retry_after: int = 0
    causes: frozenset[str] = frozenset()


class Codec(Protocol):
    """How answers of one content type are read. Every method raises WireError on bytes that are not what they claim."""

    def page(self, body: bytes) -> ListPage:
        """Read one page of a list."""

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """Read a watch stream that arrives in chunks of any size. Only a broken stream raises: a bad event is UNREADABLE."""

    def identity(self, item: Raw) -> tuple[str, str]:
        """Return the uid and the resource version of an item, each "" if absent."""

    def ends_initial_events(self, item: Raw) -> bool:
        """Tell whether a BOOKMARK is the one that ends the initial events of a WatchList."""

    def status(self, item: Raw) -> ApiStatus:
        """Read the item of an ERROR event, or the body of a failed request."""

    def parse(self, item: Raw, kind: type[M]) -> M:
        """Parse an item as a thin message."""


class ProtobufCodec:
    """`application/vnd.kubernetes.protobuf`, of whole objects or as PartialObjectMetadata: both have the same shape."""

    def page(self, body: bytes) -> ListPage:
        """See Codec."""
        raw = decode(RawList, unseal(body)[1])
        meta = raw.metadata
        return ListPage(
            list(raw.items), _text(meta.resourceVersion), _text(getattr(meta, "continue")), meta.shardInfo.selector
        )

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """See Codec."""
        for payload in split_frames(chunks):
            try:
                event = decode(WatchEvent, payload)
                made = Event(event.type, unseal(event.object.raw)[1])
            except WireError as error:
                made = Event(UNREADABLE, error)
            yield made

    def identity(self, item: bytes) -> tuple[str, str]:
        """See Codec."""
        meta = decode(Identity, item).metadata
        return meta.uid, _text(meta.resourceVersion)

    def ends_initial_events(self, item: bytes) -> bool:
        """See Codec."""
        return decode(Bookmark, item).metadata.annotations.get(INITIAL_EVENTS_END) == "true"

    def status(self, item: bytes) -> ApiStatus:
        """See Codec."""
        if item[:4] == b"k8s\0":
            item = unseal(item)[1]
        status = decode(StatusMessage, item)
        causes = frozenset(cause.reason for cause in status.details.causes)
        return ApiStatus(status.code, status.reason, status.message, status.details.retryAfterSeconds, causes)

    def parse(self, item: bytes, kind: type[M]) -> M:
        """See Codec."""
        return decode(kind, item)


def _text(value: Any) -> str:
    """Return a text; "" for one that is no UTF-8, of which protobuf gives the bytes."""
    return value if isinstance(value, str) else ""


class JsonCodec:
    """`application/json`: the fallback of servers without protobuf, and custom resources."""

    def page(self, body: bytes) -> ListPage:
        """See Codec."""
        value = _load(body)
        return _page(value, _list(value, "items"))

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """See Codec."""
        for line in split_lines(chunks):
            event = self._read(line)
            del line  # the next event may be minutes away, and this one has what is dropped: nobody holds it meanwhile
            yield event
            del event

    def _read(self, line: bytes) -> Event:
        try:
            value = _load(line)
            return self._event(str(value.get("type", "")), _mapping(value, "object"))
        except WireError as error:
            return Event(UNREADABLE, error.with_traceback(None))

    def _event(self, kind: str, item: Mapping[str, Any]) -> Event:
        return Event(kind, item)

    def identity(self, item: Mapping[str, Any]) -> tuple[str, str]:
        """See Codec."""
        meta = _meta(item)
        return str(meta.get("uid") or ""), str(meta.get("resourceVersion") or "")

    def ends_initial_events(self, item: Mapping[str, Any]) -> bool:
        """See Codec."""
        return _mapping(_meta(item), "annotations").get(INITIAL_EVENTS_END) == "true"

    def status(self, item: Mapping[str, Any] | bytes) -> ApiStatus:
        """See Codec."""
        value = _load(item) if isinstance(item, bytes) else item
        details = value.get("details")
        details = details if isinstance(details, dict) else {}
        code, wait, causes = value.get("code"), details.get("retryAfterSeconds"), details.get("causes")
        return ApiStatus(
            code if isinstance(code, int) else 0,
            str(value.get("reason", "")),
            str(value.get("message", "")),
            wait if isinstance(wait, int) else 0,
            frozenset(str(one.get("reason")) for one in causes if isinstance(one, dict))
            if isinstance(causes, list)
            else frozenset(),
        )

    def parse(self, item: Mapping[str, Any], kind: type[M]) -> M:
        """See Codec."""
        message = kind()
        fill(message, item)
        return message


class TableCodec(JsonCodec):
    """`application/json;as=Table` with `includeObject=Metadata`: columns for what a family needs beyond the metadata.

    A secret's type is a column and its data are none. What a tool has copied of them into an annotation (WITHHELD) is dropped
    here, and no error quotes what came: it may not be what was asked for.
    """

    def __init__(self, columns: Mapping[str, int]) -> None:
        """Take the fields to fill from cells, by their position: `{"type": 1}` for secrets (a Table of core/v1)."""
        self._columns = columns

    def page(self, body: bytes) -> ListPage:
        """See Codec."""
        value = _table(_load(body))
        return _page(value, [self._listed(row) for row in _list(value, "rows")])

    def parse(self, item: Mapping[str, Any] | None, kind: type[M]) -> M:
        """See Codec."""
        if item is None:
            raise WireError(NO_ROW)
        try:
            return super().parse(item, kind)
        except WireError as error:
            path = str(error).partition(":")[0]
            raise WireError(f"{path}: a value that does not fit") from None

    def _event(self, kind: str, item: Mapping[str, Any]) -> Event:
        return Event(kind, item if kind == "ERROR" else self._row(item))

    def _row(self, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object of a table of one row; a bookmark may come without, and has just a resource version then."""
        rows = _list(_table(table), "rows")
        return self._object(rows[0]) if rows else {"metadata": dict(_mapping(table, "metadata"))}

    def _listed(self, row: Any) -> dict[str, Any] | None:
        """Return the object of a row, or None, which no message can be made of: a bad row costs itself."""
        try:
            return self._object(row)
        except WireError:
            if _kind_of(row) in {"", "PartialObjectMetadata"}:
                return None
            raise  # a list of whole objects is not what was asked for

    def _object(self, row: Any) -> dict[str, Any]:
        try:
            cells = row.get("cells") or ()
            item: dict[str, Any] = {"metadata": _shown(row["object"])}
            item.update({field: cells[at] for field, at in self._columns.items() if at < len(cells)})
        except (KeyError, TypeError, AttributeError):
            raise WireError(NO_ROW) from None
        return item


def _shown(partial: Mapping[str, Any]) -> dict[str, Any]:
    """Take WITHHELD annotations out of the metadata, and managedFields, which name the keys of the data; return what is left."""
    if partial["kind"] != "PartialObjectMetadata":
        raise KeyError("kind")
    meta: dict[str, Any] = partial["metadata"]
    meta.pop("managedFields", None)
    annotations = meta.get("annotations")
    if isinstance(annotations, dict):
        for key in WITHHELD.intersection(annotations):
            del annotations[key]
    return meta


def _kind_of(row: Any) -> str:
    """Return the kind of a row's object; "" where there is none."""
    found = row.get("object") if isinstance(row, dict) else None
    return str(found.get("kind") or "") if isinstance(found, dict) else ""


def _table(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if value.get("kind") != "Table":
        raise WireError("expected a Table, got something else")
    return value


# None of these errors quotes a value: they go into logs and onto pages, and where somebody between us and the API server
# has changed what was asked for, or broken it, the value may be a secret's data.


def _load(data: bytes) -> dict[str, Any]:
    try:
        # Bytes that are no UTF-8 become what JSON's lone surrogates are: an odd text of one object, not the end of a list.
        value = json.loads(data.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"expected JSON, got {len(data)} bytes that are none: {error}") from None
    if not isinstance(value, dict):
        raise WireError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name) or {}
    if not isinstance(found, Mapping):
        raise WireError(f"expected {name} to be an object, got {type(found).__name__}")
    return found


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name) or []
    if not isinstance(found, list):
        raise WireError(f"expected {name} to be a list, got {type(found).__name__}")
    return found


def _meta(item: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = item.get("metadata") if isinstance(item, Mapping) else None
    return meta if isinstance(meta, Mapping) else {}


def _page(value: Mapping[str, Any], items: list[Raw]) -> ListPage:
    meta = _meta(value)
    shard = str(_mapping(meta, "shardInfo").get("selector") or "")
    return ListPage(items, str(meta.get("resourceVersion") or ""), str(meta.get("continue") or ""), shard)
