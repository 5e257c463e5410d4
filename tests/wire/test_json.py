"""Answers in JSON: items stay raw, odd ones are no worse than before, and nothing of them is quoted. See also tests/cluster."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ksm_shard.wire.codec import INITIAL_EVENTS_END, WITHHELD
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import JsonCodec, TableCodec
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata
from ksm_shard.wire.nesting import cut
from tests.wire.dicts import item_of, raw

CODEC = JsonCodec()
META = {"uid": "u", "resourceVersion": "7"}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
ITEMS = st.lists(st.fixed_dictionaries({"metadata": VALUES}, optional={"spec": VALUES}), max_size=4)


@given(ITEMS)
def test_page(items: list[Any]) -> None:
    """The items of a page are those that were sent, whatever they are, beside the version and the token of the next page."""
    meta = {"resourceVersion": "9", "continue": "x", "shardInfo": {"selector": "s"}}
    page = CODEC.page(json.dumps({"kind": "List", "metadata": meta, "items": items}).encode())

    assert items == list(map(item_of, page.items))
    assert ("9", "x", "s") == (page.resource_version, page.next_page, page.shard_selector)


@pytest.mark.parametrize("body", [{}, {"items": None}, {"metadata": None}, {"metadata": 5, "items": []}])
def test_empty_page(body: dict[str, Any]) -> None:
    """A list without items, or without metadata, is an empty page."""
    page = CODEC.page(json.dumps(body).encode())

    assert ([], "", "") == (page.items, page.resource_version, page.next_page)


@pytest.mark.parametrize(
    ("item", "identity"),
    [
        ({"metadata": META}, ("u", "7")),
        ({"metadata": {"ownerReferences": [{"uid": "other"}], **META}}, ("u", "7")),
        ({"metadata": {"uid": None, "resourceVersion": 5}}, ("", "5")),
        ({"metadata": ["u"]}, ("", "")),
        ({"metadata": None}, ("", "")),
        ({}, ("", "")),
        ({"metadata": {**META, "name": "\ud800"}}, ("u", "7")),
    ],
)
def test_identity(item: dict[str, Any], identity: tuple[str, str]) -> None:
    """The uid is the object's own, and "" if it has none, as odd as the rest may be."""
    assert identity == CODEC.identity(raw(item))


def test_odd_item_in_a_page() -> None:
    """Half a surrogate pair in one object costs the others nothing, and that object no more than what reads it."""
    page = CODEC.page(json.dumps({"items": [{"metadata": {**META, "name": "a\ud800"}}, {"metadata": META}]}).encode())

    assert [("u", "7")] * 2 == [CODEC.identity(item) for item in page.items]
    assert b"a\xed\xa0\x80" == CODEC.parse(page.items[0], PartialObjectMetadata).metadata.name


def test_deep_item() -> None:
    """An object that is nested too deeply for a decoder costs itself: the list and the watch around it go on."""
    deep = b'{"metadata":{"uid":"d"},"spec":' + b"[" * 200_000 + b'"]}"' + b"]" * 200_000 + b"}"
    fine = json.dumps({"metadata": META}).encode()
    page = CODEC.page(b'{"metadata":{"resourceVersion":"9"},"items":[%s, %s]}' % (deep, fine))
    events = list(CODEC.events([b'{"type":"ADDED","object":%s}\n{"type":"ADDED","object":%s}\n' % (deep, fine)]))

    assert "9" == page.resource_version
    assert [deep, fine] == [bytes(item) for item in page.items]
    assert [("ADDED", deep), ("ADDED", fine)] == [(event.type, bytes(event.item)) for event in events]
    assert ["d", "u"] == [CODEC.identity(item)[0] for item in page.items]
    with pytest.raises(WireError, match="expected JSON"):
        CODEC.parse(page.items[0], PartialObjectMetadata)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"ADDED","object":%s}',
        b'{"type":"ADDED","object":%s }',
        b'{"object":%s,"type":"ADDED"}',
        b' { "type" : "ADDED" , "object" : %s } ',
        b'{"type":"ADDED","object":%s,"more":{}}',
    ],
)
@pytest.mark.parametrize(
    ("item", "identity"), [({"metadata": META}, ("u", "7")), ({"metadata": {"uid": 1}}, ("1", ""))]
)
def test_event(line: bytes, item: dict[str, Any], identity: tuple[str, str]) -> None:
    """An event is read as API servers write it, and in any other spelling; its object has an identity before and after its turn."""
    found, turn = [], []
    for event in CODEC.events([line % json.dumps(item).encode() + b"\n"]):
        turn.append((event.type, CODEC.identity(event.item)))
        found.append(event.item)

    assert [("ADDED", identity)] == turn
    assert [identity] == list(map(CODEC.identity, found))
    assert [item] == list(map(item_of, found))


@given(ITEMS, st.integers(0, 2))
def test_cut(items: list[Any], indent: int) -> None:
    """Cutting by brackets finds the same items, texts with brackets and quotes in them included."""
    rest, found = cut(json.dumps({"metadata": {"items": [[]]}, "items": items, "a": []}, indent=indent).encode())

    assert {"metadata": {"items": [[]]}, "items": [], "a": []} == json.loads(rest)
    assert items == list(map(json.loads, found))


def test_bookmark() -> None:
    """The end of the initial events is known by its annotation, whatever else the bookmark has."""
    marks = {"a": "b", INITIAL_EVENTS_END: "true"}

    assert CODEC.ends_initial_events(raw({"kind": "X", "metadata": {"annotations": marks}}))
    assert not CODEC.ends_initial_events(raw({"metadata": {"annotations": {INITIAL_EVENTS_END: 1}}}))
    assert not CODEC.ends_initial_events(raw({"metadata": {"annotations": None}}))
    assert not CODEC.ends_initial_events(raw({}))


@pytest.mark.parametrize("odd", [rb'"\ud800"', b'"\xff"'])
@pytest.mark.parametrize("key", [True, False])
def test_odd_text_in_a_row(odd: bytes, key: bool) -> None:
    """What is no character in an annotation costs neither the row nor what is dropped of it."""
    withheld = min(WITHHELD).encode()
    annotations = b'{%s:"a","%s":"hunter2"}' % (odd, withheld) if key else b'{"a":%s,"%s":"hunter2"}' % (odd, withheld)
    meta = b'{"uid":"u","annotations":%s}' % annotations
    row = b'{"cells":null,"object":{"kind":"PartialObjectMetadata","metadata":%s}}' % meta
    (item,) = TableCodec({"type": 1}).page(b'{"kind":"Table","rows":[%s]}' % row).items

    assert b"hunter2" not in bytes(item)
    assert ("u", "") == TableCodec({}).identity(item)
    assert 1 == len(TableCodec({}).parse(item, PartialObjectMetadata).metadata.annotations)


@pytest.mark.parametrize("codec", [CODEC, TableCodec({"type": 1})], ids=["json", "table"])
@pytest.mark.parametrize(
    "body",
    [
        {"kind": "Secret", "data": {"password": "hunter2"}},
        {"items": {"password": "hunter2"}},
        {"rows": [{"data": "hunter2"}]},
        {"rows": "hunter2", "items": "hunter2"},
        {"metadata": {"shardInfo": "hunter2"}},
        ["hunter2"],
        "hunter2",
    ],
)
def test_nothing_is_quoted(codec: JsonCodec, body: Any) -> None:
    """What is no list, as a whole secret where a table was asked for, is an error that does not repeat it."""
    data = json.dumps(body).encode()
    reads = (lambda: codec.page(data), lambda: list(codec.events([data, b"\n"])), lambda: codec.identity(Raw(data)))

    assert not any("hunter2" in said(read) for read in reads)


def said(read: Callable[[], Any]) -> str:
    """Return the error that reading raises, "" if it raises none."""
    try:
        read()
    except WireError as error:
        return str(error)
    return ""
