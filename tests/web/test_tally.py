"""What counts as what: the words of a follower, and the numbers that alerts divide."""

from ksm_shard.web.tally import Tally


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
