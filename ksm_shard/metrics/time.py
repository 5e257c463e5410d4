"""Times of the API as Unix seconds."""

from typing import Final

from ksm_shard.wire.messages.meta_v1_pb2 import MicroTime, Time

# Go's zero time, which the reference writes for some moments that are absent.
YEAR_ONE: Final = -62135596800


def seconds(moment: Time | MicroTime) -> int | None:
    """Return whole seconds since the epoch, or None for an absent time or Go's zero time, which is encoded as empty."""
    value = moment.seconds
    return value if value or moment.HasField("seconds") else None


def seconds_or_year_one(moment: Time | MicroTime) -> int:
    """Return whole seconds since the epoch, Go's zero time for an absent one."""
    value = seconds(moment)
    return YEAR_ONE if value is None else value
