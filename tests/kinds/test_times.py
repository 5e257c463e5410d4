"""Times that are unknown or impossible, in every field of every kind. What a good one becomes, the goldens tell."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from ksm_shard.kinds import resources
from ksm_shard.metrics.time import YEAR_ONE
from ksm_shard.wire.messages.meta_v1_pb2 import MicroTime, Time
from tests.kinds.rendering import Renderer, objects

RESOURCES = resources()
# What the API server, or whoever sets a condition, always states: where it is missing, these say so as kube-state-metrics does.
STATED: Final = {
    "kube_networkpolicy_created",
    "kube_pod_status_container_ready_time",
    "kube_pod_status_initialized_time",
    "kube_pod_status_ready_time",
    "kube_pod_status_scheduled_time",
    "kube_pod_status_unscheduled_time",
}


def times(message: Any) -> Iterator[Time | MicroTime]:
    """Yield every time that is set in a message, at any depth."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Time | MicroTime):
                yield one
            else:
                yield from times(one)


@pytest.mark.parametrize("plural", RESOURCES)
def test_an_unknown_time_has_no_sample(plural: str) -> None:
    """Go's zero time is in no scrape: `time() - x` would be 2026 years, and an alert on what is late would fire for ever."""
    renderer = Renderer(RESOURCES[plural])
    messages = objects(renderer.resource)
    for message in messages:
        for time in list(times(message)):
            time.Clear()

    samples = renderer.samples(*messages)

    assert [] == renderer.failures
    assert {family.name for family, text in samples.items() if f"{YEAR_ONE:.8e}" in text} <= STATED


@pytest.mark.parametrize("year", [0, 10_000])
@pytest.mark.parametrize("plural", RESOURCES)
def test_an_impossible_time_costs_the_families_that_read_it(plural: str, year: int) -> None:
    """They have no sample of that object and are counted; all others say what they said before."""
    renderer = Renderer(RESOURCES[plural])
    for message in objects(renderer.resource):
        before = renderer.samples(message)
        for time in list(times(message)):
            time.seconds = (year - 1970) * 31_556_952
        after = renderer.samples(message)

        failed = {name for name, error in renderer.failures if type(error) is ValueError}
        assert len(failed) == len(renderer.failures)
        assert {family.name for family, text in after.items() if text != before[family]} <= failed
        assert not any(text for family, text in after.items() if family.name in failed)
        renderer.failures.clear()
