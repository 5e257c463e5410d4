"""The uid of an object by its name: what is asked for, and that nothing else is read."""

import json

import pytest

from ksm_shard.cluster.client import connect
from ksm_shard.cluster.errors import Unsupported
from ksm_shard.cluster.lookup import uid_of
from ksm_shard.wire.frames import WireError, seal
from ksm_shard.wire.messages.runtime_pb2 import Identity, RawList
from tests.cluster.server import Request, serving

PATH = "/api/v1/namespaces/n/secrets"
PROTOBUF = "application/vnd.kubernetes.protobuf"
CANARY = b"hunter2-and-some"


def listed(kind: str, *uids: str) -> bytes:
    """Return a list of that kind as the API server sends it."""
    items = []
    for uid in uids:
        one = Identity()
        one.metadata.uid = uid
        items.append(one.SerializeToString())
    return seal("meta.k8s.io/v1", kind, RawList(items=items).SerializeToString())


@pytest.mark.parametrize(("uids", "found"), [(["u"], "u"), ([], None)])
def test_only_metadata_are_asked_for(uids: list[str], found: str | None) -> None:
    """The one form that has no place for data, of the one object that has the name."""
    body = listed("PartialObjectMetadataList", *uids)
    with serving(lambda request: request.answer(body, kind=PROTOBUF)) as server:
        assert uid_of(connect(server.url), PATH, "a,b=c\\d") == found

    assert [one.headers["Accept"] for one in server.requests] == [
        f"{PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    ]
    assert server.requests[0].query == {"fieldSelector": r"metadata.name=a\,b\=c\\d"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", json.dumps({"kind": "SecretList", "items": [{"metadata": {"uid": "u"}}]}).encode()),
        ("application/json", b'{"kind":"PartialObjectMetadataList"'),
        (PROTOBUF, listed("SecretList", "u")),
        (PROTOBUF, b"k8s"),
        ("text/html", b"<!doctype html>"),
    ],
)
def test_nothing_else_is_read(kind: str, body: bytes) -> None:
    """What a proxy made of the question is refused by its first bytes: the rest is neither awaited nor named."""

    def answer(request: Request) -> None:
        request.begin(kind=kind, Transfer_Encoding="chunked")
        request.chunk(body + CANARY * 20)
        server.over.wait(30)

    with serving(answer) as server, pytest.raises(Unsupported, match="expected ") as caught:
        uid_of(connect(server.url), PATH, "s")

    assert CANARY.decode() not in str(caught.value)


def test_cut_short() -> None:
    """An answer that ends inside its list is an error, not a name that is not there."""
    body = listed("PartialObjectMetadataList", "u")[:-3]
    with serving(lambda request: request.answer(body, kind=PROTOBUF)) as server, pytest.raises(WireError):
        uid_of(connect(server.url), PATH, "s")
