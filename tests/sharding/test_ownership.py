"""The mask that all threads share: what is owned, what is heard of changes, what is loaded."""

import threading

from ksm_shard.sharding.masks import NONE, difference, union
from ksm_shard.sharding.murmur import MMH3
from ksm_shard.sharding.ownership import Ownership

UID = "8d41b2b1-97df-4f7e-be2b-51d7dcd4874f"
LEFT, RIGHT = MMH3.mask(0, 2), MMH3.mask(1, 2)


def test_one_shard_owns_an_object() -> None:
    """Of the shards of a static fleet exactly the one of the map owns an object."""
    owners = [shard for shard in range(10) if Ownership(MMH3, MMH3.mask(shard, 10)).owns(UID)]

    assert owners == [MMH3.target_map(10)[MMH3.slot_of(UID)]]


def test_changes_are_told_after_they_hold() -> None:
    """A listener hears what was gained and lost, in order, and finds the new mask in place."""
    ownership = Ownership(MMH3, LEFT)
    heard = []
    ownership.on_change(lambda gained, lost: heard.append((gained, lost, ownership.mask, ownership.version)))

    ownership.change(union(LEFT, RIGHT))
    ownership.change(RIGHT)

    assert heard == [(RIGHT, NONE, union(LEFT, RIGHT), 2), (NONE, LEFT, RIGHT, 3)]


def test_no_change() -> None:
    """The same mask again is no change: nobody relists."""
    ownership = Ownership(MMH3, LEFT)
    heard = []
    ownership.on_change(lambda gained, lost: heard.append((gained, lost)))

    ownership.change(bytes(LEFT))

    assert (heard, ownership.version) == ([], 1)


def test_loaded() -> None:
    """Slots count as loaded once a list with their version, or a later one, is confirmed."""
    ownership = Ownership(MMH3, LEFT)
    assert ownership.loaded() == NONE

    ownership.confirm(1)
    ownership.change(union(LEFT, RIGHT))
    assert ownership.loaded() == LEFT

    ownership.confirm(1)
    assert ownership.loaded() == LEFT

    ownership.confirm(2)
    assert ownership.loaded() == union(LEFT, RIGHT)


def test_loaded_is_answered_during_a_change() -> None:
    """Whoever drops what was lost takes a second, in which scrapes of other threads must not wait."""
    ownership = Ownership(MMH3, LEFT)
    ownership.confirm(1)
    seen = []

    def slow(gained: bytes, lost: bytes) -> None:
        del gained, lost
        other = threading.Thread(target=lambda: seen.append(ownership.loaded()), daemon=True)
        other.start()
        other.join(20)

    ownership.on_change(slow)
    ownership.change(union(LEFT, RIGHT))

    assert seen == [LEFT]


def test_lost_and_gained_again() -> None:
    """A list that was begun before a slot was lost says nothing about it when it is gained again."""
    ownership = Ownership(MMH3, LEFT)
    ownership.change(difference(LEFT, MMH3.mask(0, 3)))
    ownership.change(LEFT)

    ownership.confirm(1)

    assert ownership.loaded() == difference(LEFT, MMH3.mask(0, 3))
