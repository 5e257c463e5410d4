"""What is decoded of an object: no more than its metrics need, and no less, so that the text is that of the whole object."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from ksm_shard.custom import needs
from ksm_shard.custom.file import read
from ksm_shard.custom.resolve import Followed, Served, resolve, resource_of
from ksm_shard.custom.tree import MetadataShape
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Resource
from ksm_shard.wire.codec import ProtobufCodec
from ksm_shard.wire.convert import fill
from ksm_shard.wire.frames import WireError
from ksm_shard.wire.json import JsonCodec
from ksm_shard.wire.messages.metadata_v1_pb2 import Metadata
from ksm_shard.wire.reading import Reading
from tests.custom.test_any import OBJECTS, files
from tests.custom.test_metrics import gauge, info, states

THING = Served("example.org", "v1", "Thing", "things")
JSON, PROTOBUF = JsonCodec(), ProtobufCodec()
OBJECT = {
    "apiVersion": "example.org/v1",
    "kind": "Thing",
    "metadata": {"name": "n", "namespace": "s", "managedFields": [{"manager": "m"}], "labels": {"a": "b"}},
    "spec": {"a": {"x": 1, "y": 2}, "list": [{"id": 1, "n": 2, "z": 3}], "t": "text"},
    "status": {"conditions": [{"type": "Ready", "status": "True", "message": "long"}]},
}


def followed(metrics: str, entry: str = "labelsFromPath: {name: [metadata, name]}") -> Followed:
    """Return the one resource of a file with these metrics."""
    entries, problems = read(
        f"spec:\n  dialect: ksm-shard/v1\n  resources:\n  - groupVersionKind: {{group: example.org}}\n    {entry}\n    metrics: {metrics}\n"
    )
    assert [] == problems
    (found,) = resolve(entries, [THING])
    return found


def render(resource: Resource, parsed: Any) -> list[str]:
    """Return the texts of an object."""

    def failed(family: object, error: Exception) -> None:
        raise error

    return compile_resource(resource, resource.families, failed=failed, duplicated=lambda _: None).render(parsed)


@pytest.mark.parametrize(
    ("metric", "spec", "status"),
    [
        (gauge("path: [spec, a, x]"), {"a": {"x": 1}}, None),
        (gauge("path: [spec, t, x]"), {"t": "text"}, None),
        (gauge("path: [spec, a], valueFrom: [x]"), {"a": {"x": 1, "y": 2}}, None),
        (gauge("path: [spec, list], valueFrom: [n], labelsFromPath: {id: [id]}"), {"list": [{"id": 1, "n": 2}]}, None),
        (gauge("path: [spec, list, '0', n]"), {"list": [{"id": 1, "n": 2, "z": 3}]}, None),
        (gauge("path: [spec, a, 'x=1']"), {"a": {"x": 1, "y": 2}}, None),
        (gauge("path: [spec, '*', x]"), OBJECT["spec"], None),
        (gauge("path: [status, conditions, '[type=Ready]', status]"), None, {"conditions": [{"type": "Ready", "status": "True"}]}),
        (states("path: [status, conditions, '[type=Ready]'], valueFrom: [status], labelName: s, list: [x]"), None, {"conditions": [{"type": "Ready", "status": "True"}]}),
        (info("path: [spec], labelsFromPath: {t: [t]}"), OBJECT["spec"], None),
    ],
)  # fmt: skip
def test_decoded(metric: str, spec: Any, status: Any) -> None:
    """Decoded are the fields that a path leads to, of lists those of the elements, of maps that may be iterated all."""
    parsed = resource_of(followed(metric)).shape.parse(JSON, Raw(json.dumps(OBJECT).encode()))

    assert {"name": "n", "namespace": "s"} == parsed["metadata"]
    assert (spec, status) == (parsed.get("spec"), parsed.get("status"))


@given(st.booleans().flatmap(lambda dialect: files(dialect=dialect)), OBJECTS)
def test_enough(file: str, item: dict[str, Any]) -> None:
    """What is decoded gives the same text as the whole object, whatever the object has where something else is looked for."""
    entries, problems = read(file)
    if any(problem.fatal for problem in problems):
        return
    data = json.dumps(item).encode()
    for one in resolve(entries, [THING]):
        resource = resource_of(one)
        whole = {**msgspec.json.decode(data), "apiVersion": "example.org/v1", "kind": "Thing"}

        assert render(resource, whole) == render(resource, resource.shape.parse(JSON, Raw(data)))


@pytest.mark.parametrize(
    ("metric", "reading"),
    [
        (gauge("path: [metadata, generation]"), Reading.METADATA),
        (gauge("path: [metadata, annotations, 'a/b'], nilIsZero: true"), Reading.METADATA),
        (gauge("path: [metadata, annotations], labelFromKey: key"), Reading.METADATA),
        (gauge("path: [metadata, ownerReferences, '0'], valueFrom: [controller]"), Reading.METADATA),
        (info("path: [metadata], labelsFromPath: {'label_*': [labels], uid: [uid]}"), Reading.METADATA),
        (info("path: [metadata], labelFromKey: key"), Reading.JSON),
        (gauge("path: [metadata, managedFields, '0', time]"), Reading.JSON),
        (gauge("path: [metadata, selfLink]"), Reading.JSON),
        (gauge("path: [spec, n]"), Reading.JSON),
        (info("labelsFromPath: {kind: [kind]}"), Reading.JSON),
        (gauge("path: [metadata], valueFrom: [generation], labelsFromPath: {all: []}"), Reading.JSON),
    ],
)
def test_metadata_alone(metric: str, reading: Reading) -> None:
    """Where all paths are in the metadata, and managedFields are nothing to them, no more is asked for."""
    assert reading is resource_of(followed(metric)).reading


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)
MOMENTS = st.integers(0, 253402300799).map(lambda at: f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}")
OWNERS = st.fixed_dictionaries(
    dict.fromkeys(["apiVersion", "kind", "name", "uid"], TEXT),
    optional={"controller": st.booleans(), "blockOwnerDeletion": st.booleans()},
)
METADATA = st.fixed_dictionaries(
    {"name": TEXT, "creationTimestamp": MOMENTS},
    optional={
        "namespace": TEXT,
        "uid": TEXT,
        "generation": st.integers(1, 2**60),
        "deletionTimestamp": MOMENTS,
        "deletionGracePeriodSeconds": st.integers(0, 2**60),
        "labels": st.dictionaries(TEXT, TEXT, min_size=1),
        "annotations": st.dictionaries(TEXT, TEXT, min_size=1),
        "ownerReferences": st.lists(OWNERS, min_size=1),
        "finalizers": st.lists(TEXT, min_size=1),
    },
)


@given(METADATA)
def test_metadata_as_protobuf(metadata: dict[str, Any]) -> None:
    """Metadata in protobuf are what they are in JSON."""
    message = Metadata()
    fill(message, {"metadata": metadata})
    found = MetadataShape("Thing", "example.org/v1", lambda: msgspec.json.Decoder(dict[str, Any]))
    parsed = found.parse(PROTOBUF, message.SerializeToString())

    assert {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": metadata} == parsed
    assert parsed == found.parse(
        JSON, Raw(json.dumps({"kind": "PartialObjectMetadata", "metadata": metadata}).encode())
    )
    assert f"{metadata.get('namespace', '')}/{metadata['name']}" == found.key(parsed)


def test_whole_objects_are_json() -> None:
    """Whole custom resources are read as JSON, and what is something else is an error of that object."""
    shape = resource_of(followed(gauge("path: [spec]"))).shape

    with pytest.raises(WireError, match="expected custom resources as JSON"):
        shape.parse(PROTOBUF, b"")
    with pytest.raises(WireError, match="expected an object with metadata"):
        shape.key(shape.parse(JSON, Raw(b'{"metadata":[]}')))


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800x"', '"\xff"', "NaN", "1e999"])
def test_what_is_no_json(text: str) -> None:
    """What msgspec does not take costs nothing but itself: a text that is no UTF-8 is written with what stands for that."""
    resource = resource_of(
        followed("[{name: i, each: {type: Info, info: {path: [spec], labelsFromPath: {t: [t], u: [u]}}}}]")
    )
    data = b'{"metadata":{"name":"n"},"spec":{"t":%s,"u":"fine"}}' % text.encode("latin-1")
    try:
        (sample,) = render(resource, resource.shape.parse(JSON, Raw(data)))
    except WireError:
        assert '"\xff"' == text
    else:
        assert 'u="fine"' in sample.encode().decode()


def test_nothing_but_what_names_it() -> None:
    """Of an entry without metrics, the name is needed."""
    assert {"metadata"} == set(needs.of([]).fields)
