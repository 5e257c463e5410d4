"""Durations: what Go's time.ParseDuration takes, and what it refuses."""

import pytest

from ksm_shard.metrics.durations import nanoseconds

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-0", 0),
        ("30s", 30 * SECOND),
        ("+5s", 5 * SECOND),
        ("-1m30s", -90 * SECOND),
        ("1.5h", 5400 * SECOND),
        (".5s", SECOND // 2),
        ("1.s", SECOND),
        ("0.1ns", 0),
        ("3us", 3000),
        ("3µs3μs", 6000),
        ("2562047h47m16.854775807s", 2**63 - 1),
    ],
)
def test_read(text: str, expected: int) -> None:
    """Each part has a number, a unit, and perhaps a fraction."""
    assert expected == nanoseconds(text)


@pytest.mark.parametrize("text", ["", "s", "30", ".s", "1", "1 s", "1s ", "--1s", "1d", "1e3s", "٣s", "2562048h"])
def test_refused(text: str) -> None:
    """The error continues a sentence that begins with the text."""
    with pytest.raises(ValueError, match=r"^must be a duration (such as|of at most)"):
        nanoseconds(text)
