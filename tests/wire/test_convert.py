"""JSON values that no field can hold, or that Go reads in a way of its own. Good ones are in the goldens of tests/kinds."""

from typing import Any

import pytest

from ksm_shard.metrics.time import seconds
from ksm_shard.wire.convert import fill
from ksm_shard.wire.json import JsonCodec
from ksm_shard.wire.messages.coordination_v1_pb2 import Lease
from ksm_shard.wire.messages.meta_v1_pb2 import PartialObjectMetadata

IMPOSSIBLE = [
    "2024-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:00",
    "2024-13-01T00:00:00Z",
    "2024-05-06T25:00:00Z",
    "2024-05-06T23:59:61Z",
    "\ud800",
    "yesterday",
    "",
    5,
    {},
]


def metadata(**given: Any) -> PartialObjectMetadata:
    """Return what becomes of metadata in JSON."""
    message = PartialObjectMetadata()
    fill(message, {"metadata": given})
    return message


@pytest.mark.parametrize("given", IMPOSSIBLE)
def test_an_impossible_time_is_an_error_where_it_is_read(given: Any) -> None:
    """The object is parsed all the same: its name, and all families that do not read the time, are as ever."""
    message = metadata(name="x", creationTimestamp=given)

    assert "x" == message.metadata.name
    with pytest.raises(ValueError, match="expected a time of the years 1 to 9999"):
        seconds(message.metadata.creationTimestamp)


def test_gos_zero_time_is_an_empty_one() -> None:
    """As text and as null it is none, as in protobuf."""
    assert None is seconds(metadata(creationTimestamp="0001-01-01T00:00:00Z").metadata.creationTimestamp)
    assert None is seconds(metadata(creationTimestamp=None).metadata.creationTimestamp)


def test_fractions_of_a_second_are_cut_off() -> None:
    """However many digits they have, and whatever zone the time is in."""
    lease = Lease()
    fill(lease, {"spec": {"renewTime": "2024-05-06T09:08:09.999999999+02:00"}})

    assert 1714979289 == seconds(lease.spec.renewTime)


def test_half_a_character_stays_in_its_field() -> None:
    """As a value, as a key and in a list: no message takes it as text, so it is read back as bytes, which nothing shows."""
    half = "a\ud800"
    message = metadata(name="x", uid=half, labels={"a": "b", half: half}, ownerReferences=[{"kind": half, "name": "y"}])

    assert "x" == message.metadata.name
    assert "y" == message.metadata.ownerReferences[0].name
    assert [b"a\xed\xa0\x80"] * 2 == [message.metadata.uid, message.metadata.ownerReferences[0].kind]
    assert b"b" in message.SerializeToString()


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udc00\\ud800"'])
def test_half_a_character_in_json_costs_no_list(text: str) -> None:
    """Nor do bytes that are no UTF-8: the page is read, and so is every other object of it."""
    for spelt in (text.encode(), b'"\xff"', b'"\xed\xa0\x80"'):
        body = b'{"items": [{"metadata": {"name": "x", "uid": %s}}, {"metadata": {"name": "y"}}]}' % spelt
        codec = JsonCodec()
        names = [codec.parse(item, PartialObjectMetadata).metadata.name for item in codec.page(body).items]

        assert ["x", "y"] == names
