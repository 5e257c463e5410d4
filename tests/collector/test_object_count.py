"""What one shard counts as shown to it with server-side filtering. Without, and with lists and watches: test_intake.py."""

import pytest

from ksm_shard.collector.object_count import ObjectCount, number
from ksm_shard.sharding.masks import SLOTS
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ranges import MAX_RANGES, SERVER_SIDE


def listed(seen: ObjectCount, *slots: int) -> None:
    """List an object of each of these slots."""
    seen.begin()
    for slot in slots:
        seen.add(slot, "1")
    seen.commit()


def mask(*slots: int) -> bytes:
    """Return the mask of these slots."""
    return bytes(slot in slots for slot in range(SLOTS))


def test_what_was_handed_over_is_counted_by_its_new_owner_only() -> None:
    """The list that asked for the slot is not repeated when it is lost, and the watch goes on telling of it."""
    ownership = Ownership(SERVER_SIDE, mask(1, 2))
    seen = ObjectCount(ownership)
    listed(seen, 1, 2, 2)

    ownership.change(mask(1))
    after = seen.mine()
    seen.add(2, "5")
    seen.add(1, "6")
    seen.add(2, "7", -1)

    assert (1, 2, 4) == (after, seen.mine(), seen.all)


def test_what_lies_between_the_ranges_is_not_counted() -> None:
    """Gaps are closed to ask for 64 ranges, of equals the last: what is sent because of that is for another shard."""
    every_other = range(0, 4 * MAX_RANGES, 2)
    seen = ObjectCount(Ownership(SERVER_SIDE, mask(*every_other)))
    listed(seen, every_other[-2], every_other[-1] - 1, every_other[-1])

    assert (2, 3) == (seen.mine(), seen.all)


def test_what_was_never_asked_for_is_counted() -> None:
    """A server that sends slots to the wrong shard hashes in another way: that these objects are nobody's has to show."""
    seen = ObjectCount(Ownership(SERVER_SIDE, mask(1, 2)))
    listed(seen, 1, 40_000)

    assert seen.mine() == 2


@pytest.mark.parametrize(
    ("text", "version"),
    [("12", 12), ("9" * 19, 10**19 - 1), ("9" * 20, 0), ("1" * 5000, 0), ("", 0), ("x1", 0), ("-1", 0)],
)
def test_a_resource_version_is_a_number_of_64_bits_or_unknown(text: str, version: int) -> None:
    """It fits into a row of the store whatever a server sends."""
    assert version == number(text) < 2**64
