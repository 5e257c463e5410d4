"""Who takes over the slots of a shard that is away. When that happens is the membership's: test_membership.py, test_handover.py."""

import hashlib
import struct
from collections import Counter

import pytest

from ksm_shard.sharding.cover import covered, fallbacks
from ksm_shard.sharding.masks import ALL, NONE, intersection, union
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ring import Ring
from tests.sharding.test_map import RINGS, both_rings, table

FALLBACKS = table("### Digests of fallbacks")


def without(total: int, *away: int) -> bytes:
    """All shards but some."""
    return bytes(shard not in away for shard in range(total))


@pytest.mark.parametrize("row", FALLBACKS, ids=lambda row: row[0])
def test_published_fallbacks(row: list[str]) -> None:
    """The slots of shard 0 have the fallbacks that were published: shards of two versions must agree on them."""
    total = int(row[0])
    for ring, expected in zip(RINGS, row[1:], strict=True):
        takers = [taker for _, taker in fallbacks(ring, total, ring.mask(0, total), without(total, 0))]

        assert hashlib.sha256(struct.pack(f"<{len(takers)}H", *takers)).hexdigest()[:16] == expected


def test_vectors_are_there() -> None:
    """The document was found and parsed."""
    assert [row[0] for row in FALLBACKS] == ["3", "10", "1000"]


@both_rings
@pytest.mark.parametrize("away", [1, 5, 9], ids=lambda away: f"{away} away")
def test_spread_evenly(ring: Ring, away: int) -> None:
    """However many of 10 shards are away, those that are left take the same load, give or take 10 %; none is taken by one away."""
    available = without(10, *range(away))
    slots = ring.select(10, without(10, *range(away, 10)))

    takers = Counter(taker for _, taker in fallbacks(ring, 10, slots, available))

    fair = slots.count(1) / (10 - away)
    assert sorted(takers) == list(range(away, 10))
    assert all(0.9 * fair < count < 1.1 * fair for count in takers.values())


def test_spread_when_nearly_all_are_away() -> None:
    """Where 32 places name nobody who is there, those who are left share evenly as well."""
    available = without(1000, *range(10, 1000))

    takers = Counter(taker for _, taker in fallbacks(MMH3, 1000, ALL, available))

    assert sorted(takers) == list(range(10))
    assert all(5000 < count < 8000 for count in takers.values())


def test_few_change() -> None:
    """When one more goes away, only what it took over moves; when a shard is added, at most what that one gets."""
    slots = MMH3.mask(5, 11)
    one = dict(fallbacks(MMH3, 10, slots, without(10, 5)))
    two = dict(fallbacks(MMH3, 10, slots, without(10, 5, 7)))
    grown = dict(fallbacks(MMH3, 11, slots, without(11, 5)))

    assert all(two[slot] == taker for slot, taker in one.items() if taker != 7)
    assert all(grown[slot] == taker for slot, taker in one.items() if grown[slot] != 10)


def test_covered_once() -> None:
    """The masks of all that are available hold each slot once; one that is not available covers nothing, and nobody is no error."""
    slots = MMH3.mask(2, 3)
    zero, one = (covered(MMH3, without(3, 2), shard, slots) for shard in (0, 1))

    assert (union(zero, one), intersection(zero, one)) == (slots, NONE)
    assert covered(MMH3, without(3, 2), 2, slots) == NONE
    assert covered(MMH3, bytes(3), 0, slots) == NONE
    assert list(fallbacks(MMH3, 3, slots, bytes(3))) == []
