"""Which slot and which shard: both rings, against what docs/sharding.md publishes. Not here: selectors, changes of the fleet."""

import itertools
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from operator import ne
from pathlib import Path

import pytest

from ksm_shard.sharding.masks import ALL, NONE, SLOTS, difference, intersection, union
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ranges import SERVER_SIDE
from ksm_shard.sharding.ring import MAX_SHARDS, Ring

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sharding.md").read_text()
RINGS = [MMH3, SERVER_SIDE]
# Slots that are compared at one look.
BLOCK = 256
both_rings = pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.name)


def table(heading: str) -> list[list[str]]:
    """Rows of the first table below a heading of the document."""
    lines = itertools.dropwhile(lambda line: line != heading, DOCUMENT.splitlines())
    rows = itertools.takewhile(
        lambda line: line.startswith("|"), itertools.dropwhile(lambda line: not line.startswith("|"), lines)
    )
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows][2:]


UIDS, DIGESTS = table("### Slots and shards of some uids"), table("### Digests of some maps")


@pytest.mark.parametrize("row", UIDS, ids=lambda row: row[0])
def test_published_uids(row: list[str]) -> None:
    """A uid has the slot, and the shard of 10 and of 1,000, that were published for it, as text and as bytes."""
    uid, *expected = row
    for ring, vector in zip(RINGS, (expected[:3], expected[3:]), strict=True):
        slot = ring.slot_of(uid)

        assert vector == [str(slot), str(ring.target_map(10)[slot]), str(ring.target_map(1000)[slot])]
        assert slot == ring.slot_of(uid.encode())


@both_rings
@pytest.mark.parametrize("uid", ["", "\ud800", "a\udfffb", "\x00", "\u00e9\U0001f600"])
def test_odd_uids(ring: Ring, uid: str) -> None:
    """Any text has a slot, one that no UTF-8 can hold as well: JSON spells such, and it must not end the process."""
    assert ring.slot_of(uid) == ring.slot_of(uid.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("row", DIGESTS, ids=lambda row: row[0])
def test_published_digests(row: list[str]) -> None:
    """The whole map is the published one."""
    total, *expected = row

    assert expected == [ring.digest(int(total)) for ring in RINGS]


def test_vectors_are_there() -> None:
    """The document was found and parsed: an empty table would pass the tests above."""
    assert len(UIDS) == 8
    assert [row[0] for row in DIGESTS] == ["1", "2", "3", "10", "50", "100", "1000"]


def differing(before: "array[int]", after: "array[int]") -> Iterator[int]:
    """Yield the slots whose owners differ: most blocks are equal at one look, 65,536 looks took 4 ms for each of 1,000 maps."""
    for first in range(0, SLOTS, BLOCK):
        block = slice(first, first + BLOCK)
        if before[block] != after[block]:
            yield from itertools.compress(itertools.count(first), map(ne, before[block], after[block]))


def begins(owners: "array[int]", slot: int) -> bool:
    """Tell whether a range of one owner begins at a slot."""
    return slot == 0 or owners[slot] != owners[slot - 1]


@both_rings
def test_growth(ring: Ring) -> None:
    """For every total to 1,000: balance within 5 %, and a new shard takes at most its fair share, from the others only.

    (The ring of ranges further keeps to 24 ranges a shard, so that selectors stay short.)
    """
    maps = ring.growth()
    before = next(maps)[:]
    sizes, ranges = Counter(before), Counter({0: 1})
    assert sizes == {0: SLOTS}
    for total, owners in enumerate(maps, 2):
        changed = list(differing(before, owners))
        for slot in {at for one in changed for at in (one, one + 1) if at < SLOTS}:
            ranges[before[slot]] -= begins(before, slot)
            ranges[owners[slot]] += begins(owners, slot)
        for slot in changed:
            assert owners[slot] == total - 1
            sizes[before[slot]] -= 1
        sizes[total - 1] = len(changed)
        assert len(changed) <= SLOTS / total
        assert max(sizes.values()) <= 1.05 * SLOTS / total
        assert min(sizes.values()) >= 0.95 * SLOTS / total
        if ring is SERVER_SIDE:
            assert max(ranges.values()) <= 24
        before = owners[:]
    assert total == MAX_SHARDS
    assert sizes == Counter(before)
    assert ranges == Counter(owner for slot, owner in enumerate(before) if begins(before, slot))


@both_rings
def test_masks_cover(ring: Ring) -> None:
    """The masks of all shards hold every slot exactly once, and `select` joins them."""
    masks = [ring.mask(shard, 7) for shard in range(7)]

    assert sum(mask.count(1) for mask in masks) == SLOTS
    assert ring.select(7, bytes([1] * 7)) == ALL
    assert ring.select(7, bytes([0, 1, 0, 0, 0, 1, 0])) == union(masks[1], masks[5])


@pytest.mark.parametrize(
    ("shard", "total", "message"),
    [
        (0, 0, "total shards is 0: it must be from 1 to 1000"),
        (0, 1001, "total shards is 1001: it must be from 1 to 1000"),
        (0, -1, "total shards is -1: it must be from 1 to 1000"),
        (3, 3, "shard is 3: with total shards 3 it must be from 0 to 2"),
        (-1, 3, "shard is -1: with total shards 3 it must be from 0 to 2"),
    ],
)
def test_wrong_pairs(shard: int, total: int, message: str) -> None:
    """A shard that cannot be is refused with one line that says what would be right."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MMH3.mask(shard, total)


def test_set_operations() -> None:
    """Masks are sets of slots."""
    low, high = b"\1" * 40_000 + bytes(SLOTS - 40_000), bytes(30_000) + b"\1" * (SLOTS - 30_000)

    assert union(low, high) == ALL
    assert intersection(low, high) == bytes(30_000) + b"\1" * 10_000 + bytes(SLOTS - 40_000)
    assert difference(low, high) == b"\1" * 30_000 + bytes(SLOTS - 30_000)
    assert difference(low, low) == NONE
