"""Scaling a StatefulSet of real processes: no series is missing at any scrape, and none needs a restart for it."""

from collections.abc import Callable, Iterator

import pytest

from ksm_shard.simulator.simulator import Simulator
from tests.e2e.statefulset import Api, Fleet, timed

STAYING = 600
CHANGES = 200.0


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet of no shards yet on the simulator."""
    with (
        Simulator() as simulator,
        Fleet(Api(simulator.url), [f"--apiserver={simulator.url}"], STAYING, CHANGES) as made,
    ):
        yield made


def test_no_series_is_missing_while_a_fleet_is_scaled_and_restarted(fleet: Fleet) -> None:
    """2 -> 3 -> 10 -> 4, then a rolling restart: zero missing; only a kill costs the killed shard's series until it is back."""
    fleet.scale(2)
    steps: list[tuple[str, Callable[[], None]]] = [
        ("2 -> 3", lambda: fleet.scale(3)),
        ("3 -> 10", lambda: fleet.scale(10)),
        ("10 -> 4", lambda: fleet.scale(4)),
        ("rolling restart", lambda: fleet.roll(4)),
    ]

    missing = {what: timed(what, fleet, act)[0] for what, act in steps}
    killed, _ = timed("kill", fleet, lambda: fleet.kill(1))

    assert dict.fromkeys(missing, 0) == missing
    assert killed < STAYING / 2
