"""Frames of a watch stream, wherever the network cut them. What is in them is tested with the codecs that read it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.wire.frames import MAX_FRAME, WireError, frame, split_frames

PAYLOADS = st.lists(st.binary(max_size=40), max_size=8)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return the data in chunks that end at those places."""
    return [
        data[start:end] for start, end in pairwise([0, *sorted(place % (len(data) + 1) for place in places), len(data)])
    ]


@given(PAYLOADS, st.lists(st.integers(0, 500), max_size=8))
def test_whole(payloads: list[bytes], places: list[int]) -> None:
    """Each payload comes out as it went in, whatever comes in one chunk, nothing included."""
    assert list(split_frames(cut(b"".join(map(frame, payloads)), places))) == payloads


@given(PAYLOADS, st.binary(min_size=1, max_size=40), st.lists(st.integers(0, 500), max_size=8), st.data())
def test_cut_short(payloads: list[bytes], last: bytes, places: list[int], data: st.DataObject) -> None:
    """A stream that ends inside a frame is an error, after the frames before it."""
    part = frame(last)[: data.draw(st.integers(1, len(last) + 3))]
    found = split_frames(cut(b"".join(map(frame, payloads)) + part, places))

    assert [next(found) for _ in payloads] == payloads
    with pytest.raises(WireError, match=f"ends {len(part)} bytes into one"):
        next(found)


def test_endless() -> None:
    """A length that no object has is not waited for."""
    with pytest.raises(WireError, match=str(MAX_FRAME + 1)):
        list(split_frames([(MAX_FRAME + 1).to_bytes(4, "big")]))
