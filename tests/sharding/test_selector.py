"""The selector that is sent to a server that filters. Not here: what a real server makes of it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksm_shard.sharding.masks import ALL, NONE, SLOTS
from ksm_shard.sharding.ranges import MAX_RANGES, SERVER_SIDE, asked, selector

# One range, written exactly as k8s.io/apimachinery/pkg/sharding writes it back.
RANGE = r"shardRange\(object\.metadata\.uid, '0x([0-9a-f]{16})', '0x([0-9a-f]{16}|10000000000000000)'\)"


def ranges(text: str) -> list[tuple[int, int]]:
    """First value and the one behind the last of each range."""
    assert re.fullmatch(rf"{RANGE}( \|\| {RANGE})*", text)
    return [(int(first, 16), int(end, 16)) for first, end in re.findall(RANGE, text)]


def test_everything() -> None:
    """The one shard of a fleet of one asks for all 2**64 hashes."""
    assert selector(ALL) == "shardRange(object.metadata.uid, '0x0000000000000000', '0x10000000000000000')"


def test_nothing() -> None:
    """The server refuses an empty selector, so that a shard without slots asks for a single hash."""
    assert selector(NONE) == "shardRange(object.metadata.uid, '0x0000000000000000', '0x0000000000000001')"


def test_shards_of_a_map() -> None:
    """The ranges of all shards together are all hashes, each once."""
    parts = sorted(part for shard in range(10) for part in ranges(selector(SERVER_SIDE.mask(shard, 10))))

    assert [0, *(end for _, end in parts)] == [*(first for first, _ in parts), 2**64]


@given(st.lists(st.integers(0, SLOTS - 1), max_size=400, unique=True))
def test_never_less(slots: list[int]) -> None:
    """Whatever the mask, its slots are asked for, in at most MAX_RANGES ranges, and exactly them if these suffice."""
    mask = bytearray(SLOTS)
    for slot in slots:
        mask[slot] = 1

    parts = ranges(selector(bytes(mask)))

    covered = bytearray(SLOTS)
    for first, end in parts:
        covered[first >> 48 : end >> 48] = b"\1" * ((end >> 48) - (first >> 48))
    assert covered == asked(bytes(mask))
    assert len(parts) <= MAX_RANGES
    assert all(covered[slot] for slot in slots)
    runs = len(re.findall(b"\1+", bytes(mask)))
    assert covered == mask or runs > MAX_RANGES


@pytest.mark.parametrize(
    ("text", "value"), [("", 0xCBF29CE484222325), ("a", 0xAF63DC4C8601EC8C), ("foobar", 0x85944171F73967E8)]
)
def test_fnv(text: str, value: int) -> None:
    """The hash is FNV-1a, by the vectors of its authors."""
    assert SERVER_SIDE.slot_of(text) == value >> 48
