"""Times of the API become Unix seconds."""

import pytest

from ksm_shard.metrics.time import YEAR_ONE, seconds, seconds_or_year_one
from ksm_shard.wire.messages.meta_v1_pb2 import MicroTime, Time


@pytest.mark.parametrize("message", [Time, MicroTime])
def test_a_time_is_its_whole_seconds(message: type[Time] | type[MicroTime]) -> None:
    """Fractions are cut off, as kube-state-metrics does; before 1970 they are negative."""
    assert 1714979289 == seconds(message(seconds=1714979289, nanos=999999999))
    assert -1 == seconds(message(seconds=-1))


@pytest.mark.parametrize("message", [Time, MicroTime])
def test_an_absent_time_is_none(message: type[Time] | type[MicroTime]) -> None:
    """Go's zero time is encoded as an empty message, which is no time either."""
    assert seconds(message()) is None


def test_the_epoch_is_a_time() -> None:
    """Zero seconds that were said differ from none."""
    assert 0 == seconds(Time(seconds=0))


def test_a_moment_that_must_be_said_is_gos_zero_time_if_absent() -> None:
    """The first of January of the year one, as in kube-state-metrics; the epoch is itself."""
    assert YEAR_ONE == seconds_or_year_one(Time()) == -62135596800
    assert 0 == seconds_or_year_one(Time(seconds=0))
