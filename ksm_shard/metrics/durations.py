"""Durations as Go writes them: what flags, web configurations and cron schedules have."""

import re
from typing import Final

_SYNTAX: Final = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)")
_PART: Final = re.compile(r"([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_UNITS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
# Go counts nanoseconds in 63 bits.
_MOST: Final = 2**63 - 1


def nanoseconds(text: str) -> int:
    """Read a duration such as 1h30m, as Go's `time.ParseDuration` does; `0` needs no unit.

    Raises:
        ValueError: the text is no such duration; the error says what it must be.
    """
    if _SYNTAX.fullmatch(text) is None:
        raise ValueError("must be a duration such as 30s, 1m30s or 500ms")
    total: int = sum(
        int(whole or 0) * _UNITS[unit] + int(fraction or 0) * _UNITS[unit] // 10 ** len(fraction)
        for whole, fraction, unit in _PART.findall(text)
    )
    if total > _MOST:
        raise ValueError("must be a duration of at most 2562047h")
    return -total if text.startswith("-") else total
