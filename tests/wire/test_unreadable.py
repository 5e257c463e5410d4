"""Events that are none, in frames and lines that are whole: they cost themselves, and the watch goes on.

Streams that break inside a frame are in test_frames; what a reflector makes of an unreadable event is in tests/cluster.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.wire.codec import UNREADABLE, Codec, ProtobufCodec
from ksm_shard.wire.frames import WireError, frame, seal
from ksm_shard.wire.json import JsonCodec, TableCodec
from ksm_shard.wire.messages.core_v1_pb2 import Pod
from ksm_shard.wire.messages.meta_v1_pb2 import ObjectMeta
from ksm_shard.wire.messages.runtime_pb2 import RawExtension, WatchEvent

CODECS = {"protobuf": ProtobufCodec(), "json": JsonCodec(), "table": TableCodec({"type": 1})}


def written(form: str, uid: str) -> bytes:
    """Return an event about an object, whole."""
    if form == "protobuf":
        pod = Pod(metadata=ObjectMeta(uid=uid, name=uid))
        return sealed(seal("v1", "Pod", pod.SerializeToString()))
    item: dict[str, Any] = {"metadata": {"uid": uid, "name": uid}}
    if form == "table":
        item = {"kind": "Table", "rows": [{"cells": [uid, "Opaque"], "object": partial(item)}]}
    return line(item)


def partial(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object as tables have it."""
    return {"kind": "PartialObjectMetadata", **item}


def sealed(raw: bytes) -> bytes:
    """Return a frame with an event about these bytes."""
    return frame(WatchEvent(type="MODIFIED", object=RawExtension(raw=raw)).SerializeToString())


def line(item: Any) -> bytes:
    """Return a line with an event about that object."""
    return json.dumps({"type": "MODIFIED", "object": item}).encode() + b"\n"


def read(codec: Codec, stream: bytes) -> list[str]:
    """Return the uid of each event, and for each that cannot be read, or has no identity, its place as "?"."""
    uids = []
    for event in codec.events([stream[:7], stream[7:]]):
        if event.type == UNREADABLE:
            assert isinstance(event.item, WireError)
            uids.append("?")
            continue
        try:
            uids.append(codec.identity(event.item)[0])
        except WireError:
            uids.append("?")
    return uids


ODD: dict[str, list[bytes]] = {
    "protobuf": [
        frame(b""),
        frame(b"\xff\xff\xff"),
        sealed(b""),
        sealed(b"not the magic"),
        sealed(b"k8s\0\xff\xff\xff"),
        sealed(seal("v1", "Pod", b"\x0a\x05\xff")),
        sealed(seal("v1", "Pod", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
    ],
    "json": [
        b"<html>\n",
        b"{\n",
        b"[]\n",
        b"null\n",
        b"\xff\xfe\n",
        b'{"type": "MODIFIED", "object": 1' + b"0" * 5000 + b"}\n",
        b"[" * 100_000 + b"\n",
        line("\ud800"),
        line([1]),
    ],
    "table": [
        b"<html>\n",
        line({"kind": "Table", "rows": 7}),
        line({"kind": "Table", "rows": [7]}),
        line({"kind": "Table", "rows": [None]}),
        line({"kind": "Table", "rows": [{"cells": 7, "object": {"metadata": {}}}]}),
        line({"kind": "Table", "rows": [{"cells": [], "object": None}]}),
    ],
}


@pytest.mark.parametrize(
    ("form", "odd"),
    [(form, odd) for form, every in ODD.items() for odd in every],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_between_others(form: str, odd: bytes) -> None:
    """Whatever is wrong with one event, the one before it and the one after it are read."""
    assert read(CODECS[form], written(form, "a") + odd + written(form, "b")) == ["a", "?", "b"]


@given(form=st.sampled_from(list(CODECS)), odd=st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes(form: str, odd: list[bytes]) -> None:
    """Any bytes in a frame, an envelope or a line leave the events around them as they are."""
    noise = b"".join(
        frame(data) + sealed(data) + sealed(b"k8s\0" + data) + sealed(seal("v1", "Pod", data))
        if form == "protobuf"
        else data.replace(b"\n", b" ") + b"\n" + line(data.decode("latin-1"))
        for data in odd
    )
    found = read(CODECS[form], written(form, "first") + noise + written(form, "last"))

    assert (found[0], found[-1]) == ("first", "last")


def test_a_bad_row_of_a_list() -> None:
    """A row that is none costs itself: the others are there, and in its place is what no message can be made of."""
    rows = [{"cells": ["a", "Opaque"], "object": partial({"metadata": {"uid": "a"}})}, {"cells": None}, 7]
    table = {"kind": "Table", "metadata": {"resourceVersion": "1"}, "rows": rows}
    page = CODECS["table"].page(json.dumps(table).encode())

    assert [CODECS["table"].identity(item)[0] for item in page.items] == ["a", "", ""]
    for item in page.items[1:]:
        with pytest.raises(WireError):
            CODECS["table"].parse(item, Pod)
