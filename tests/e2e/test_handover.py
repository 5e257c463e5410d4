"""Scaling a StatefulSet of real processes: no series is missing at any scrape, and none needs a restart for it."""

from collections.abc import Iterator

import pytest

from tests.e2e.api import Api, simulated
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, HEADER, Tell, scale_restart_and_kill
from tests.e2e.statefulset import Fleet

STAYING = 600


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet of no shards yet on the simulator."""
    with simulated() as url, Api(url) as api, Fleet(api, [f"--apiserver={url}"], Load(api, STAYING, CHANGES)) as made:
        yield made


def test_no_series_is_missing_while_a_fleet_is_scaled_and_restarted(fleet: Fleet, record_property: Tell) -> None:
    """2 -> 3 -> 10 -> 4, then a rolling restart: zero missing; only a kill costs the killed shard's series until it is back."""
    record_property("measured", HEADER)

    scale_restart_and_kill(fleet, record_property)
