"""What the stats of a resource makes of what its reflector tells. What only counts up is seen in test_telemetry.py."""

from ksm_shard.status.stats import Stats


def test_bytes_of_lists_are_told_apart() -> None:
    """What comes between the beginning and the end of a list is of the list, the first and one that fails among them."""
    stats = Stats()
    for reason, result in ("start", "ok"), ("gone", "unavailable"):
        stats.on_relist(reason)
        stats.on_bytes(10)
        stats.on_list(result)
        stats.on_bytes(1)

    assert (22, 20) == (stats.received, stats.listed)


def test_the_first_list_is_no_relist() -> None:
    """Only those that should not have been needed are counted."""
    stats = Stats()
    for reason in "start", "gained", "gone":
        stats.on_relist(reason)

    assert {"gained": 1, "gone": 1} == stats.relists


def test_what_is_broken_off_has_not_failed() -> None:
    """Each hand-over breaks a watch of every resource off to list: alerts on errors must not see it."""
    stats = Stats()
    stats.on_watch("ok")
    stats.on_watch_end("cancelled")
    stats.on_watch("cancelled")
    stats.on_list("cancelled")

    assert {"success": 1, "error": 0} == dict(stats.watches)
    assert {"success": 0, "error": 0} == dict(stats.lists)
    assert (0, 1) == (stats.errors, stats.watch_restarts)


def test_a_watch_is_counted_as_kube_state_metrics_does() -> None:
    """When it is opened, or could not be; what ends it is among the errors of watches only."""
    stats = Stats()
    stats.on_watch("ok")
    stats.on_watch_end("gone")
    stats.on_watch("unavailable")

    assert {"success": 1, "error": 1} == dict(stats.watches)
    assert {"gone": 1, "unavailable": 1} == dict(stats.failures)
    assert 2 == stats.watch_restarts
