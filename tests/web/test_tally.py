"""What the tally of a resource makes of what its follower tells. What only counts up is seen in test_telemetry.py."""

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


def test_what_is_broken_off_has_not_failed() -> None:
    """Each hand-over breaks a watch of every resource off to list: alerts on errors must not see it."""
    tally = Tally()
    tally.on_watch("ok")
    tally.on_watch_end("cancelled")
    tally.on_watch("cancelled")
    tally.on_list("cancelled")

    assert {"success": 1, "error": 0} == dict(tally.watches)
    assert {"success": 0, "error": 0} == dict(tally.lists)
    assert (0, 1) == (tally.errors, tally.watch_restarts)


def test_a_watch_is_counted_as_kube_state_metrics_does() -> None:
    """When it is opened, or could not be; what ends it is among the errors of watches only."""
    tally = Tally()
    tally.on_watch("ok")
    tally.on_watch_end("gone")
    tally.on_watch("unavailable")

    assert {"success": 1, "error": 1} == dict(tally.watches)
    assert {"gone": 1, "unavailable": 1} == dict(tally.failures)
    assert 2 == tally.watch_restarts
