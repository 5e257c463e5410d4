"""Samples of several objects that have one series: the first is exposed."""

from ksm_shard.store.distinct import distinct
from ksm_shard.store.pages import Body, deflate, text_pieces


def body(*pages: str) -> Body:
    """Return a body of pages with those texts."""
    return Body.of(deflate(page.encode()) for page in pages)


def test_repeated() -> None:
    """Of a series that several lines have, whichever page they are on, the first line stays, and the others are counted."""
    found, repeated = distinct(body('a{x=" 1"} 1\na{x="2"} 5\n', 'a{x=" 1"} 2\n', 'a{x=" 1"} 1\n'))

    assert 'a{x=" 1"} 1\na{x="2"} 5\n' == b"".join(text_pieces([found])).decode()
    assert 2 == repeated


def test_nothing_repeated() -> None:
    """A body without a repetition is the same body, and an empty one too."""
    for one in (body('a{x="1"} 1\n', 'a{x="2"} 1\n'), body()):
        assert (one, 0) == distinct(one)


def test_timestamps() -> None:
    """A sample with a timestamp is of the same series as one without, whatever the values and labels look like."""
    found, repeated = distinct(
        body('a{x="} 1"} 1 1764117440123\n', 'a{x="} 1"} 2 1764117440123\na{x="} 1"} 1\nb 1 7\n')
    )

    assert 'a{x="} 1"} 1 1764117440123\nb 1 7\n' == b"".join(text_pieces([found])).decode()
    assert 2 == repeated
