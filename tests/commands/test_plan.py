"""What `plan` says of a change, and of a size. Excludes asking running shards (tests/e2e)."""

import re
from dataclasses import replace

import pytest

from ksm_shard import cli
from ksm_shard.commands.plan import FleetSize, advice, movement
from ksm_shard.fleet.strays import strays
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ranges import SERVER_SIDE
from tests.commands.test_check import fleet


def test_growing_by_one_moves_slots_to_the_new_shard_only() -> None:
    """From 3 to 4 a quarter moves, and nobody but the new shard gains."""
    first, *shards = movement(MMH3, 3, 4, FleetSize(objects=40_000, series=2_000_000, deflated=50_000_000)).splitlines()

    assert first.startswith("3 -> 4 shards: 16384 of 65536 slots move, 25.0%, about 10000 objects, 500000 series")
    assert ["+0", "+0", "+0", "+16384"] == [line.split()[2] for line in shards]


def test_a_shard_that_ends_loses_all_it_had() -> None:
    """From 2 to 1 the first takes everything."""
    lines = movement(MMH3, 2, 1, None).splitlines()

    assert "shard 0: +32768 -0 slots, then 65536 (100.00% of all)" in lines[1]
    assert "shard 1: +0 -32768 slots, then 0 (ends)" in lines[2]


def test_what_moves_is_without_the_process_and_what_a_shard_is_then_with_it() -> None:
    """20,000 pods of 22 MB of pages are 44 MB of memory, and 80 MB are there before the first."""
    size = FleetSize(objects=20_000, series=1_000_000, deflated=22_000_000)
    first, *shards = movement(MMH3, 1, 2, size).splitlines()

    assert first.endswith("about 10000 objects, 500000 series, 11.0 MB of pages, 22.0 MB of memory")
    assert all(line.endswith("11.0 MB of pages, 102 MB of memory") for line in shards)


@pytest.mark.parametrize(
    ("objects", "shards", "server_side"),
    [(100, 1, 1), (20_000, 1, 1), (70_000, 1, 1), (100_000, 2, 2), (500_000, 8, 8), (800_000, 12, 12), (850_000, 13, 13),
     (860_000, 13, 13), (10_000_000, 143, 143)],
)  # fmt: skip
def test_a_size_needs_so_many_shards(objects: int, shards: int, server_side: int) -> None:
    """One for every 70,000 objects, by memory: from a test cluster to the largest, without a jump."""
    for ring, expected in (MMH3, shards), (SERVER_SIDE, server_side):
        said = advice(objects, ring)
        assert said.startswith(f"{objects} objects, {ring.name}: {expected} shard"), said
        assert int(re.search(r"(\d+) of at most 256 MB", said)[1]) == expected  # type: ignore[index]


def test_a_limit_has_room_for_clients_that_do_not_read() -> None:
    """The bound of web/limits.py, whatever the size: 76 MB, beside 1.3 times what the share takes, twice in a fleet of two."""
    assert advice(1000).endswith("limit of memory: 183 MB, of which 75.5 MB are for clients that do not read")
    assert (
        "limit of memory: 504 MB, of which 75.5 MB are for clients that do not read, to load the share of a shard that restarts"
    ) in advice(100_000)


def test_a_limit_has_room_for_connections_of_tls(capsys: pytest.CaptureFixture[str]) -> None:
    """62 kB for each of 1,024, when told."""
    assert "limit of memory: 246 MB, of which 139 MB are for clients that do not read over TLS" in advice(
        1000, tls=True
    )
    assert cli.main(["plan", "--objects=1000", "--tls"]) == 0
    assert capsys.readouterr().out == advice(1000, tls=True) + "\n"


def test_a_size_beyond_all_shards_is_told() -> None:
    """A thousand is the most there can be, and then each needs more memory."""
    said = advice(100_000_000)

    assert said.startswith("100000000 objects, mmh3: 1000 shards, each with 100000 objects, 330 MB of memory")
    assert "there are 1000 shards at most, which need more memory each" in said


def test_a_huge_cluster_is_told_what_more_shards_cannot_help() -> None:
    """Beyond some size passing over other shards' objects is the larger part of a start, unless the server filters."""
    filtered, here = advice(2_000_000, SERVER_SIDE), advice(2_000_000)

    assert "CPU: 9 to load what they own within 30 s, at 125 us an object" in filtered
    assert "passing over" not in filtered
    assert "48 s of a start are passing over the others' objects, at 25 us, which more shards do not help" in here
    assert "do not help" not in advice(500_000)


def test_a_part_of_a_fleet_is_not_taken_for_all_of_it() -> None:
    """One shard of three has a third of the objects: whoever forgets a URL is told which."""
    reports = fleet()

    assert [] == strays(reports, 3) == strays(reports, 0) == strays([], 3)
    assert ["--url: give it once for each of the 3 shards; missing: 1, 2"] == strays(reports[:1], 3)
    assert ["--url: given more than once for shard 0"] == strays([*reports, reports[0]], 3)
    assert ["--from=4: the shards that --url names are of 3"] == strays(reports, 4)
    assert ["--url: these shards are not of one fleet: ['mmh3'], of [3, 4] shards"] == strays(
        [*reports[:2], replace(reports[2], total=4)], 3
    )
