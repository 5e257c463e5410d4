"""What `plan` says of a change. Excludes asking running shards (tests/e2e)."""

from ksm_shard.fleet.plan import Size, advice, movement
from ksm_shard.sharding.ring import MMH3


def test_growing_by_one_moves_slots_to_the_new_shard_only() -> None:
    """From 3 to 4 a quarter moves, and nobody but the new shard gains."""
    first, *shards = movement(MMH3, 3, 4, Size(objects=40_000, series=2_000_000, deflated=50_000_000)).splitlines()

    assert first.startswith("3 -> 4 shards: 16384 of 65536 slots move, 25.0%, about 10000 objects, 500000 series")
    assert ["+0", "+0", "+0", "+16384"] == [line.split()[2] for line in shards]


def test_a_shard_that_ends_loses_all_it_had() -> None:
    """From 2 to 1 the first takes everything."""
    lines = movement(MMH3, 2, 1, None).splitlines()

    assert "shard 0: +32768 -0 slots, then 65536 (100.00% of all)" in lines[1]
    assert "shard 1: +0 -32768 slots, then 0 (ends)" in lines[2]


def test_a_small_cluster_needs_one_shard() -> None:
    """A thousand objects fit anywhere."""
    assert advice(1000).startswith("1000 objects: 1 shards, each with 1000 objects")


def test_a_huge_cluster_is_told_what_more_shards_cannot_help() -> None:
    """Beyond some size passing over other shards' objects is the larger part of a start."""
    assert "--sharding-mode server-side" in advice(2_000_000)
