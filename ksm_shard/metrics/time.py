"""Times of the API as Unix seconds. A time that is unknown has no sample, one that is impossible is an error.

Absent times are unknown, and so is Go's zero time, which is encoded as empty: what the kubelet writes of a container that it
lost sight of. Fractions of a second are not read.
"""

from typing import Final

from ksm_shard.wire.messages.meta_v1_pb2 import MicroTime, Time

# Go's zero time, and the last second of the last year that RFC 3339 can write.
YEAR_ONE: Final = -62135596800
LAST: Final = 253402300799


def seconds(moment: Time | MicroTime) -> int | None:
    """Return whole seconds since the epoch, or None for an absent time.

    Raises:
        ValueError: the time is before the year 1 or after the year 9999, as JSON's 30 February becomes.
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
    """Return whole seconds since the epoch, Go's zero time for an absent one.

    kube-state-metrics writes it for times that are never absent, and so do we: of a condition's change, say.
    """
    value = seconds(moment)
    return YEAR_ONE if value is None else value
