"""Converts API times to Unix seconds.

An unknown time has no sample; an impossible time is an error. A time is unknown if it is absent or Go's zero time, encoded as
empty, which the kubelet writes for a container that it lost sight of. Fractions of a second are ignored.
"""

from typing import Final

from ksm_shard.wire.messages.meta_v1_pb2 import MicroTime, Time

# Go's zero time, and the last second that RFC 3339 can write (end of the year 9999).
YEAR_ONE: Final = -62135596800
LAST: Final = 253402300799


def seconds(moment: Time | MicroTime) -> int | None:
    """Return whole seconds since the epoch, or None for an unknown time.

    Raises:
        ValueError: the time is before the year 1 or after the year 9999; `convert` makes such a time of JSON like 30 February.
    """
    value = moment.seconds
    if 0 < value <= LAST:
        return value
    if value == 0:
        return 0 if moment.HasField("seconds") else None
    if YEAR_ONE < value < 0:
        return value
    if value == YEAR_ONE:
        return None
    raise ValueError(f"expected a time of the years 1 to 9999, got {value} seconds since 1970")


def seconds_or_year_one(moment: Time | MicroTime) -> int:
    """Return whole seconds since the epoch, or Go's zero time for an unknown time.

    kube-state-metrics exports the zero time for times that are expected to be there, such as the last change of a condition.
    """
    value = seconds(moment)
    return YEAR_ONE if value is None else value
