"""Messages that lack fields of others. That families say the same of them, tests/kinds says."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.wire.messages.core_v1_pb2 import Node, Pod
from ksm_shard.wire.narrowed import narrowed

POD = Pod(
    metadata={"name": "web-0", "labels": {"app": "web"}},
    spec={
        "nodeName": "node-1",
        "containers": [{"name": "app", "image": "web:1"}],
        "initContainers": [{"image": "init:1"}],
    },
    status={"startTime": {"seconds": 7, "nanos": 8}},
)
NARROW = narrowed(Pod, {"ObjectMeta": "name", "PodSpec": "nodeName", "Container": "image", "Time": "seconds"})


def test_a_narrowed_message_is_the_message_without_the_fields() -> None:
    """Wherever they were, in messages that were imported too; all else stays, also that a message is there which is empty now."""
    found = NARROW.FromString(POD.SerializeToString())
    found.DiscardUnknownFields()

    expected = Pod(
        metadata={"labels": {"app": "web"}},
        spec={"containers": [{"name": "app"}], "initContainers": [{}]},
        status={"startTime": {"nanos": 8}},
    )
    assert expected == Pod.FromString(found.SerializeToString())


def test_a_field_that_was_left_out_cannot_be_read() -> None:
    """Not as an empty one either: whoever asks hears that it is missing."""
    found = NARROW.FromString(POD.SerializeToString())

    with pytest.raises(AttributeError, match="nodeName"):
        _ = found.spec.nodeName
    with pytest.raises(ValueError, match="image"):
        found.spec.containers[0].HasField("image")


def test_what_there_is_not_cannot_be_left_out() -> None:
    """A field that was renamed, or that another message has, is told by name."""
    with pytest.raises(ValueError, match=r"expected fields to leave out of Node, got .*'Nodespec', 'podCIDR'"):
        narrowed(Node, {"NodeSpec": "podCIDR", "Nodespec": "podCIDR"})


@given(st.binary(max_size=40) | st.integers(0, 200).map(lambda at: POD.SerializeToString()[:at]))
def test_what_a_message_parses_its_narrowed_one_parses(data: bytes) -> None:
    """An object that can be read is not lost to its template."""
    try:
        Pod.FromString(data)
    except DecodeError:
        return

    assert NARROW.FromString(data) is not None
