"""What the tally of a resource makes of what its follower tells; what only counts up is seen in test_telemetry.py."""

from ksm_shard.web.tally import Tally


def test_bytes_of_lists_are_told_apart() -> None:
    """What comes between the beginning and the end of a list is of the list, the first and one that fails among them."""
    tally = Tally()
    for reason, result in ("start", "ok"), ("gone", "unavailable"):
        tally.on_relist(reason)
        tally.on_bytes(10)
        tally.on_list(result)
        tally.on_bytes(1)

    assert (22, 20) == (tally.received, tally.listed)


def test_the_first_list_is_no_relist() -> None:
    """Only those that should not have been needed are counted."""
    tally = Tally()
    for reason in "start", "gained", "gone":
        tally.on_relist(reason)

    assert {"gained": 1, "gone": 1} == tally.relists
