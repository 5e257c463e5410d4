"""Bodies in chunks, taken apart wherever the network cut them."""

import io
from contextlib import suppress
from http.client import HTTPException, IncompleteRead

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.cluster.chunked import MAX_LINE, Dechunked

CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


class Pieces(io.BufferedIOBase):
    """A file whose reads bring pieces of a given size, as a socket does."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._data, self._size = io.BytesIO(data), size

    def read1(self, size: int = -1, /) -> bytes:
        return self._data.read(self._size)


def encoded(chunks: list[bytes], end: bytes = b"0\r\n\r\n") -> bytes:
    """Return a body in those chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end


@given(
    CHUNKS, st.integers(1, 60), st.sampled_from([b"0\r\n\r\n", b"000;last=yes\r\n\r\n", b"0\r\nA: b\r\nC: d\r\n\r\n"])
)
def test_whole(chunks: list[bytes], size: int, end: bytes) -> None:
    """The body is what the chunks hold, with line breaks of its own, whatever comes in one read."""
    body = Dechunked(Pieces(encoded(chunks, end), size))

    assert body.read() == b"".join(chunks)
    assert body.read1() == b""


@given(CHUNKS, st.integers(1, 60), st.data())
def test_cut_short(chunks: list[bytes], size: int, data: st.DataObject) -> None:
    """What ends before its end is no whole body."""
    whole = encoded(chunks)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]

    with pytest.raises(IncompleteRead):
        Dechunked(Pieces(part, size)).read()


def test_many_chunks_a_read() -> None:
    """What one read brings is handed on at once: many chunks, and the beginning of another."""
    body = Dechunked(Pieces(encoded([b"ab", b"cd"])[:-5] + b"5\r\nefghi\r\n0\r\n\r\n", 20))

    assert [body.read1(), body.read1(), body.read1()] == [b"abcdefg", b"hi", b""]


@pytest.mark.parametrize(
    "garbage",
    [
        b"x\r\n",
        b"0x5\r\nabcde",
        b"-5\r\nabcde",
        b"1_0\r\n",
        b"\r\n",
        b"3\r\nabcde\r\n",
        b"<html>\r\n",
        b"1" * (MAX_LINE + 1),
    ],
)
def test_garbage(garbage: bytes) -> None:
    """What is no body in chunks is an error that says so."""
    with pytest.raises(HTTPException, match="chunk"):
        Dechunked(Pieces(garbage, 1 << 20)).read()


@given(st.binary(max_size=200), st.integers(1, 60))
def test_anything(data: bytes, size: int) -> None:
    """Whatever comes, it ends, with a body or an error."""
    with suppress(HTTPException):
        Dechunked(Pieces(data, size)).read()
