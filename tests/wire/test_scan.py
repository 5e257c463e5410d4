"""Scans see in protobuf bytes what messages of the same bytes say, or nothing."""

from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.wire.frames import decode, seal
from ksm_shard.wire.messages.core_v1_pb2 import Pod
from ksm_shard.wire.messages.runtime_pb2 import Identity, WatchEvent
from ksm_shard.wire.scan import CLOSINGS, scan_event, scan_identity

# Texts that look like fields: tags of the metadata, and lengths.
TEXTS = st.text(st.sampled_from('ab-2*"\n\x12\x1a\x05$\u00e9'), max_size=140)


def written(number: int, text: str) -> bytes:
    """Encode a field as Kubernetes does, which writes empty texts too."""
    data = text.encode()
    size = len(data)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + data


@st.composite
def objects(draw: st.DrawFn) -> bytes:
    """Encode an object whose metadata has some of the first six fields, and more."""
    numbers = draw(st.sets(st.integers(1, 6)) | st.just(set(range(1, 7))))
    meta = b"".join(written(number, draw(TEXTS)) for number in sorted(numbers)) + b"8\x07"
    size = len(meta)
    return b"\n" + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + meta + b"\x12\0"


@given(objects())
def test_identity_is_that_of_the_message(item: bytes) -> None:
    """A scan finds the uid and version that a message has, whatever texts come before them, or leaves it to the message."""
    found = scan_identity(item)
    meta = decode(Identity, item).metadata
    assert found is None or found == (meta.uid, meta.resourceVersion)


@given(objects(), st.data())
def test_cut_objects_are_no_errors(item: bytes, data: st.DataObject) -> None:
    """An object that is cut short raises nothing."""
    scan_identity(item[: data.draw(st.integers(0, len(item)))])


def test_usual_objects_are_recognised() -> None:
    """Objects as Kubernetes encodes them, and as the simulator does, need no message."""
    fields = ["web-0", "web-", "shop", "", "7d4f6a3e-0000-4000-8000-00000000002a", "12345"]
    meta = b"".join(written(number, text) for number, text in enumerate(fields, 1))
    assert scan_identity(b"\n" + bytes([len(meta)]) + meta) == (fields[4], fields[5])
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace, pod.metadata.uid, pod.metadata.resourceVersion = "a", "b", "u", "2"
    assert scan_identity(pod.SerializeToString()) == ("u", "2")


@given(
    st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]),
    st.binary(max_size=300),
    st.sampled_from(["v1", "apps/v1", "example.org/v1beta1"]),
    st.sampled_from(sorted(CLOSINGS)),
)
def test_events_are_recognised(kind: str, item: bytes, version: str, closing: bytes) -> None:
    """Events of any object need no message."""
    event = WatchEvent(type=kind)
    event.object.raw = seal(version, "Pod", item) + closing
    assert scan_event(event.SerializeToString()) == (kind, item)


@given(st.binary(max_size=60), st.integers(0, 80), st.integers(1, 255))
def test_odd_events_are_left_to_messages(item: bytes, at: int, change: int) -> None:
    """With one byte of an event changed, a scan finds no more than its message."""
    event = WatchEvent(type="ADDED")
    event.object.raw = seal("v1", "Pod", item)
    payload = bytearray(event.SerializeToString())
    payload[at % len(payload)] ^= change
    found = scan_event(bytes(payload))
    if found is not None:
        message = decode(WatchEvent, bytes(payload))
        assert found[0] == message.type
        assert found[1] in bytes(message.object.raw)


def test_errors_are_left_to_messages() -> None:
    """An ERROR, whose item is a Status, is not scanned."""
    event = WatchEvent(type="ERROR")
    event.object.raw = seal("v1", "Status", b"")
    assert scan_event(event.SerializeToString()) is None
