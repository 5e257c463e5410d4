"""Timestamps of what leaves, whatever the history of a store, in both formats, deflated or not. Excludes who leaves when."""

import gzip
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from ksm_shard.sharding.masks import SLOTS
from ksm_shard.store.column import ROWS
from ksm_shard.store.pages import Body, gzip_length, gzip_pieces, text_length, text_pieces
from ksm_shard.store.stamps import DRAFT, HOLE, PROOF, STAMPED_LINE, Holed, Stamp
from ksm_shard.store.store import Store

FAMILIES = 3
NOW = 1_764_117_440.123
# What a label value may have in it: bytes of the draft and the proof too, and more than one byte a letter.
VALUES = st.text(st.sampled_from('abé\x01\x02\x03\x04\x0e4680 {}"\\'), max_size=12)
LEAVING = bytes(slot % 3 == 0 for slot in range(SLOTS))


def written(store: Store, stamp: Stamp | None = None) -> str:
    """Return the text of a store, the same in both forms and of the length that was announced."""
    bodies = store.bodies(stamp)
    packed, text = b"".join(gzip_pieces(bodies)), b"".join(text_pieces(bodies))
    assert gzip.decompress(packed) == text  # which also looks at the CRC
    assert (gzip_length(bodies), text_length(bodies)) == (len(packed), len(text))
    return text.decode()


def sample(family: int, key: int, value: str, times: int) -> str:
    """Return the lines of one object."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(f'f{family}{{key="{key}",n="{n}",v="{escaped}"}} {n}\n' for n in range(times))


@pytest.mark.parametrize(("openmetrics", "expected"), [(False, b"1764117440123"), (True, b"1764117440.12")])
def test_a_timestamp_is_written_as_the_format_has_it(openmetrics: bool, expected: bytes) -> None:
    """Milliseconds in text, seconds with a fraction in OpenMetrics; both have the same length."""
    assert Stamp(NOW, openmetrics=openmetrics).text == expected


def test_no_timestamp_of_another_length_is_written() -> None:
    """A clock that is decades off is no reason for an answer that cannot be read."""
    with pytest.raises(ValueError, match="2001"):
        Stamp(5.0, openmetrics=False)


def test_draft_and_proof_differ_everywhere() -> None:
    """A byte that a page has of the draft would be the wrong one in the proof."""
    assert all(one != other for one, other in zip(DRAFT, PROOF, strict=True))


OBJECTS = st.lists(st.tuples(st.integers(0, 3 * ROWS), VALUES, st.integers(0, 3)), max_size=60)


@settings(max_examples=60)
@given(OBJECTS, OBJECTS, st.booleans())
def test_exactly_what_leaves_has_the_timestamp(
    before: list[tuple[int, str, int]], after: list[tuple[int, str, int]], openmetrics: bool
) -> None:
    """Whatever was put before and after slots began to leave, and otherwise the text is that of a store where nothing does."""
    store, plain = Store(FAMILIES), Store(FAMILIES)
    stamp = Stamp(NOW, openmetrics=openmetrics)
    # The series of an object stay the same: what ends is said elsewhere.
    texts: dict[int, list[str]] = {}

    def put(key: int, value: str, times: int) -> None:
        texts.setdefault(key, [sample(family, key, value, times) for family in range(FAMILIES)])
        for one in (store, plain):
            one.put(str(key), key, [re.sub(r"(\d)\n", rf"\g<1>{times}\n", text) for text in texts[key]])

    for change in before:
        put(*change)
    store.leave(LEAVING)
    store.make_ready()
    for change in after:
        put(*change)

    text = written(store, stamp)
    mark = f" {stamp.text.decode()}"
    marked = [line.endswith(mark) for line in text.splitlines()]
    keys = [int(re.search(r'key="(\d+)"', line)[1]) for line in text.splitlines()]
    assert text.replace(f"{mark}\n", "\n") == written(plain)
    assert marked == [LEAVING[key] == 1 for key in keys]
    families = list(parse_openmetrics(f"{text}# EOF\n") if openmetrics else parse_text(text))
    stamps = {float(one.timestamp) for family in families for one in family.samples if one.timestamp is not None}
    assert stamps <= {NOW, 1_764_117_440.12}

    store.leave(None)
    assert written(store, stamp) == written(plain)


@given(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=300), st.floats(1.1e9, 9e9), st.booleans())
@settings(max_examples=60)
def test_a_page_with_holes_stands_for_any_timestamp(
    lines: list[tuple[str, bool]], seconds: float, openmetrics: bool
) -> None:
    """Text, length and CRC are right for every timestamp, whatever the text."""
    marks = [f'x{{v="{value}"}} 1'.encode() + (STAMPED_LINE if hole else b"\n") for value, hole in lines]
    stamp = Stamp(seconds, openmetrics=openmetrics)
    holed = Holed.of(b"".join(marks))

    page = holed.filled(stamp) if isinstance(holed, Holed) else holed

    bodies = [Body.of([page])]
    expected = b"".join(marks).replace(HOLE, stamp.text)
    packed = b"".join(gzip_pieces(bodies))
    assert gzip.decompress(packed) == expected
    assert (gzip_length(bodies), text_length(bodies)) == (len(packed), len(expected))
