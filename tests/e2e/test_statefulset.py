"""Other ways of a StatefulSet than more or fewer pods: a start from nothing, ordinals, OrderedReady, a change of mind."""

from collections.abc import Iterator

import pytest

from tests.e2e.api import Api, simulated
from tests.e2e.load import Load
from tests.e2e.measured import CHANGES, HEADER, Tell, complete, measured, watched
from tests.e2e.statefulset import Fleet

STAYING = 300
# `spec.ordinals.start`: the pods of the three shards are 5, 6 and 7.
START = 5
RESOURCES = 2


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet of no shards yet on the simulator, whose ordinals do not begin at 0."""
    with (
        simulated() as url,
        Api(url) as api,
        Fleet(api, [f"--apiserver={url}"], Load(api, STAYING, CHANGES), start=START) as made,
    ):
        yield made


def test_a_fleet_starts_from_nothing_and_changes_in_any_order(fleet: Fleet, record_property: Tell) -> None:
    """No shard loads more than its share at the start; OrderedReady, and 3 -> 10 -> 2 before all are Ready, lose nothing."""
    record_property("measured", HEADER)
    fleet.scale(3)
    fleet.settled()
    names = [name for name, *_ in fleet.targets()]
    lists, held = fleet.counts()["kube_state_metrics_list_total"], fleet.held_most
    fleet.expect()

    def change_of_mind() -> None:
        fleet.scale(10)
        fleet.until_ready(START + 3)
        fleet.scale(2)

    steps = [
        measured("3 -> 4, OrderedReady", fleet, lambda: fleet.scale(4, ordered=True), record_property),
        measured("4 -> 3, OrderedReady", fleet, lambda: fleet.scale(3, ordered=True), record_property),
        measured("3 -> 10 -> 2", fleet, change_of_mind, record_property),
    ]

    assert sorted(names) == [f"ksm-shard-{START + shard}" for shard in range(3)]
    # Each shard listed each resource once, and never held a slot for another.
    assert (lists, held) == (3 * RESOURCES, 0)
    complete(steps)
    watched(steps)
