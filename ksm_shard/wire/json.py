"""Answers in JSON: lists and events are cut into raw items, and of an item nothing is decoded before it is known whose it is.

Decoded is what is asked for, the rest is skipped: a uid of an object of 4.5 kB takes 1 us, as dicts the whole takes 17. What
does not fit is decoded once more without expectations, so that an odd object costs itself and no list.

No error quotes a value: errors go into logs and onto pages, and where a proxy has changed what was asked for, or broken it, the
value may be a secret's data.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec
from google.protobuf.message import Message
from msgspec import Raw, Struct

from ksm_shard.wire.codec import INITIAL_EVENTS_END, UNREADABLE, WITHHELD, ApiStatus, Event, ListPage
from ksm_shard.wire.convert import fill
from ksm_shard.wire.frames import WireError, split_lines
from ksm_shard.wire.nesting import cut, span

M = TypeVar("M", bound=Message)
Tree = dict[str, Any]
# From the bytes of an object to dicts of some of its fields.
Decoder = msgspec.json.Decoder[Tree]

# What decoders raise for what they do not take: of types that are not expected, of bad UTF-8, of a thousand levels.
ODD: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NO_ROW: Final = "expected a table row with cells and PartialObjectMetadata, got something else"
METADATA: Final = b'"PartialObjectMetadata"'


class _ShardInfo(Struct):
    selector: str | None = None


class _ListMeta(Struct):
    resourceVersion: str | None = None  # noqa: N815  the API's names, here and below
    continue_: str | None = msgspec.field(name="continue", default=None)
    shardInfo: _ShardInfo | None = None  # noqa: N815


class _List(Struct):
    """A list, of which items are objects, or a Table, of which rows are."""

    kind: str | None = None
    metadata: _ListMeta | None = None
    items: list[Raw] | None = None
    rows: list[Raw] | None = None


class _Event(Struct):
    type: str
    object: Raw


class _Meta(Struct, gc=False):
    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815


class _Identified(Struct, gc=False):
    metadata: _Meta | None = None


class _IdentifiedEvent(Struct, forbid_unknown_fields=True, gc=False):
    """An event with the identity of its object, and no other field."""

    type: str
    object: _Identified


class _Marks(Struct):
    annotations: dict[str, str] | None = None


class _Bookmark(Struct):
    metadata: _Marks | None = None


SURROGATE: Final = re.compile("[\ud800-\udfff]")
# An event as API servers write it, whose object is all that follows but for the last bracket.
OPENING: Final = re.compile(rb'\{"type":"[A-Z]+","object":(?=\{)')
DEEP_EVENT: Final = re.compile(rb'\s*\{\s*"type"\s*:\s*"(\w*)"\s*,\s*"object"\s*:(.*)\}\s*', re.DOTALL)

_LIST: Final = msgspec.json.Decoder(_List)
_EVENT: Final = msgspec.json.Decoder(_Event)
_IDENTIFIED_EVENT: Final = msgspec.json.Decoder(_IdentifiedEvent)
_IDENTIFIED: Final = msgspec.json.Decoder(_Identified)
_BOOKMARK: Final = msgspec.json.Decoder(_Bookmark)
_FIELDS: Final = msgspec.json.Decoder(dict[str, Raw])
_CELLS: Final = msgspec.json.Decoder(list[Raw] | None)
_OBJECT: Final = msgspec.json.Decoder(Tree)


class JsonCodec:
    """`application/json`: the fallback of servers without protobuf, and custom resources."""

    # The object of the event at hand, and the identity that was found while the event was checked: to look through 5 kB again
    # takes 2 us.
    _identified: tuple[Raw | None, tuple[str, str]] = None, ("", "")

    def page(self, body: bytes) -> ListPage:
        """Read one page of a list."""
        return _page(found := _listed(body), found.items or [])

    def events(self, chunks: Iterable[bytes]) -> Iterator[Event]:
        """Read a watch; a bad event is UNREADABLE, and only a broken stream raises."""
        for line in split_lines(chunks):
            event = self._read(line)
            del line  # the next event may be minutes away, and this one has what is dropped: nobody holds it meanwhile
            yield event
            self._identified = None, ("", "")
            del event

    def identity(self, item: Raw) -> tuple[str, str]:
        """Return the uid and the resource version of an item, "" if absent."""
        known, identity = self._identified
        if known is item:
            return identity
        try:
            meta = _IDENTIFIED.decode(item).metadata
        except RecursionError:
            data = bytes(item)
            begin, end = span(data, b'"metadata"')
            said = _meta({"metadata": _load(data[begin:end])})
            return str(said.get("uid") or ""), str(said.get("resourceVersion") or "")
        except ODD:
            said = _meta(_load(item))
            return str(said.get("uid") or ""), str(said.get("resourceVersion") or "")
        return _identity(meta)

    def ends_initial_events(self, item: Raw) -> bool:
        """Return whether a bookmark ends the initial events."""
        try:
            meta = _BOOKMARK.decode(item).metadata
        except ODD:
            return _mapping(_meta(_load(item)), "annotations").get(INITIAL_EVENTS_END) == "true"
        return meta is not None and (meta.annotations or {}).get(INITIAL_EVENTS_END) == "true"

    def status(self, item: Raw | bytes) -> ApiStatus:
        """Read the item of an ERROR event, or the body of a failed request."""
        value = _load(item)
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

    def parse(self, item: Raw, kind: type[M]) -> M:
        """Parse an item as a thin message."""
        message = kind()
        fill(message, _load(item))
        return message

    def encoded(self, item: Raw) -> None:
        """Return None: the item is JSON."""

    def keep(self, item: Raw) -> Raw:
        """Return an item that does not refer to the line it was in."""
        return item.copy()

    def tree(self, item: Raw, decoder: Decoder) -> Tree:
        """Return the fields of an item that the decoder knows; all of them, if it does not take one.

        Texts can be written as UTF-8, whatever came: what is no character is replaced, as Go does it.
        """
        try:
            return decoder.decode(item)
        except ODD:
            text = json.dumps(_load(item), ensure_ascii=False)
        return _load(SURROGATE.sub("\ufffd", text).encode())

    def _read(self, line: bytes) -> Event:
        try:
            return self._event(line)
        except WireError as error:
            return Event(UNREADABLE, error.with_traceback(None))

    def _event(self, line: bytes) -> Event:
        opening = OPENING.match(line)
        if opening is None:
            return Event(*_typed(line))
        try:
            event = _IDENTIFIED_EVENT.decode(line)
        except ODD:
            return Event(*_typed(line))
        item = Raw(line[opening.end() : line.rindex(b"}")])
        self._identified = item, _identity(event.object.metadata)
        return Event(event.type, item)


class TableCodec(JsonCodec):
    """`application/json;as=Table` with `includeObject=Metadata`: columns for what a family needs beyond the metadata.

    A secret's type is a column and its data are none. What a tool has copied of them into an annotation (WITHHELD) is dropped
    here, and no item refers to the bytes that came. No error quotes them: they may not be what was asked for.
    """

    def __init__(self, columns: Mapping[str, int]) -> None:
        """Take the fields to fill from cells, by their position: `{"type": 1}` for secrets (a Table of core/v1)."""
        self._columns = columns

    def page(self, body: bytes) -> ListPage:
        """Read one page of a list."""
        table = _table(body)
        return _page(table, [self._listed(row) for row in table.rows or ()])

    def identity(self, item: Raw | None) -> tuple[str, str]:
        """Return the uid and the resource version of an item, "" if absent."""
        return ("", "") if item is None else super().identity(item)

    def parse(self, item: Raw | None, kind: type[M]) -> M:
        """Parse an item as a thin message."""
        if item is None:
            raise WireError(NO_ROW)
        try:
            return super().parse(item, kind)
        except WireError as error:
            path = str(error).partition(":")[0]
            raise WireError(f"{path}: a value that does not fit") from None

    def _event(self, line: bytes) -> Event:
        kind, item = _typed(line)
        return Event(kind, item if kind == "ERROR" else self._row(item))

    def _row(self, item: Raw) -> Raw:
        """Return the object of a table of one row; a bookmark may come without, and has just a resource version then."""
        rows = _table(item).rows
        return self._object(rows[0]) if rows else _item({"metadata": _fields(item).get("metadata", Raw(b"{}"))})

    def _listed(self, row: Raw) -> Raw | None:
        """Return the object of a row, or None, which no message can be made of: a bad row costs itself."""
        try:
            return self._object(row)
        except WireError:
            if _kind_of(row) in {b"", METADATA}:
                return None
            raise  # a list of whole objects is not what was asked for

    def _object(self, row: Raw) -> Raw:
        try:
            fields = _fields(row)
            cells = _CELLS.decode(fields.get("cells", b"null")) or []
            meta = _shown(_fields(fields["object"]))
        except (KeyError, WireError, *ODD):
            raise WireError(NO_ROW) from None
        columns = {name: cells[at] for name, at in self._columns.items() if at < len(cells)}
        return _item({"metadata": _item(meta), **columns})


def _shown(partial: dict[str, Raw]) -> dict[str, Raw]:
    """Return the metadata without WITHHELD annotations, and without managedFields, which name the keys of the data."""
    if bytes(partial["kind"]) != METADATA:
        raise WireError(NO_ROW)
    meta = _fields(partial["metadata"])
    meta.pop("managedFields", None)
    if _opens(meta.get("annotations")):
        annotations = _fields(meta["annotations"])
        if not WITHHELD.isdisjoint(annotations):
            meta["annotations"] = _item({key: value for key, value in annotations.items() if key not in WITHHELD})
    return meta


def _identity(meta: _Meta | None) -> tuple[str, str]:
    return ("", "") if meta is None else (meta.uid or "", meta.resourceVersion or "")


def _kind_of(row: Raw) -> bytes:
    """Return the kind of a row's object, as JSON; b"" where there is none."""
    try:
        return bytes(_fields(_fields(row)["object"])["kind"])
    except (KeyError, WireError):
        return b""


def raw(value: Any) -> Raw:
    """Return what was decoded in vain as a raw item again, with escapes for what is no UTF-8."""
    return Raw(json.dumps(value).encode())


def _item(fields: Mapping[str, Raw]) -> Raw:
    """Return an object of raw fields, which refers to nothing else."""
    try:
        return Raw(msgspec.json.encode(fields))
    except UnicodeEncodeError:  # a key that is no UTF-8
        return Raw(b"{%s}" % b",".join(b"%s:%s" % (json.dumps(key).encode(), bytes(fields[key])) for key in fields))


def _opens(value: Raw | None) -> bool:
    """Return whether a raw value is an object."""
    return value is not None and bytes(memoryview(value)[:1]) == b"{"


def _fields(data: bytes | Raw) -> dict[str, Raw]:
    """Decode an object one level deep."""
    try:
        return _FIELDS.decode(data)
    except ODD:
        return {key: raw(value) for key, value in _load(data).items()}


def _typed(line: bytes) -> tuple[str, Raw]:
    """Return the type and the object of an event."""
    try:
        event = _EVENT.decode(line)
    except RecursionError:
        deep = DEEP_EVENT.fullmatch(line)
        if deep is None:
            raise WireError(f"expected an event, got {len(line)} bytes that are none") from None
        return deep[1].decode(), Raw(deep[2])
    except ODD:
        pass
    else:
        if _opens(event.object):
            return event.type, event.object
    value = _load(line)
    return str(value.get("type", "")), raw(_mapping(value, "object"))


def _listed(body: bytes | Raw) -> _List:
    try:
        return _LIST.decode(body)
    except RecursionError:
        rest, items = cut(bytes(body))
        return msgspec.structs.replace(_listed(rest), items=[Raw(item) for item in items])
    except ODD:
        value = _load(body)
    meta = _meta(value)
    shard = str(_mapping(meta, "shardInfo").get("selector") or "")
    version, more = str(meta.get("resourceVersion") or ""), str(meta.get("continue") or "")
    return _List(
        kind=str(value.get("kind")),
        metadata=_ListMeta(version, more, _ShardInfo(shard)),
        items=[raw(item) for item in _list(value, "items")],
        rows=[raw(row) for row in _list(value, "rows")],
    )


def _table(data: bytes | Raw) -> _List:
    table = _listed(data)
    if table.kind != "Table":
        raise WireError("expected a Table, got something else")
    return table


def _page(found: _List, items: list[Any]) -> ListPage:
    meta = found.metadata or _ListMeta()
    shard = meta.shardInfo.selector if meta.shardInfo is not None else None
    return ListPage(items, meta.resourceVersion or "", meta.continue_ or "", shard or "")


def _load(data: bytes | Raw) -> Tree:
    """Decode an object without expectations; what msgspec is too strict for, such as half a surrogate pair, as Python does."""
    try:
        return _OBJECT.decode(data)
    except ODD:
        data = bytes(data)
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


def _meta(value: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = value.get("metadata")
    return meta if isinstance(meta, Mapping) else {}
