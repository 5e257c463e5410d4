"""What time it is, by the own clock and by the Date of answers."""

from email.utils import formatdate

import pytest

from ksm_shard.cluster.server_clock import ServerClock

NOON = 1_764_158_400.0


class Clocks:
    """The own clock, which is off by some seconds, a server's, and the time that passes."""

    def __init__(self, off: float) -> None:
        self.passed = 0.0
        self.off = off
        self.clock = ServerClock(lambda: NOON + self.passed + self.off, lambda: 5.0 + self.passed)

    def ask(self, seconds: float = 0.01) -> None:
        """Ask a server, which takes so long to answer."""
        asked = 5.0 + self.passed
        self.passed += seconds
        self.clock.heard(formatdate(int(NOON + self.passed - seconds / 2), usegmt=True), asked)

    @property
    def error(self) -> float:
        """How far the time that is told is ahead of the server's."""
        return self.clock.now() - NOON - self.passed


@pytest.mark.parametrize("off", [0.0, 0.02, -0.02])
def test_the_own_clock_is_taken_as_long_as_it_may_be_right(off: float) -> None:
    """A server's Date is no better than a clock that agrees with it."""
    clocks = Clocks(off)
    for _ in range(20):
        clocks.passed += 0.45
        clocks.ask()

    assert clocks.error == pytest.approx(off, abs=1e-6)


@pytest.mark.parametrize("off", [-3600.0, -5.0, 5.0, 3600.0])
def test_a_wrong_clock_is_found_out(off: float) -> None:
    """A few answers at different moments tell the time to a tenth of a second, and never too early."""
    clocks = Clocks(off)
    for _ in range(20):
        clocks.passed += 0.17
        clocks.ask()

    assert 0 <= clocks.error <= 0.1


def test_without_a_date_the_own_clock_is_all_there_is() -> None:
    """Neither no answer nor one without a date, or with something else in its place, says anything."""
    clocks = Clocks(5.0)
    for date in ("", "yesterday", "Thu, 99 Nov 2026 00:00:00 GMT"):
        clocks.clock.heard(date, 5.0)

    assert clocks.error == 5.0


def test_clocks_may_drift() -> None:
    """After a day with one answer an hour, clocks that run apart still tell the time."""
    clocks = Clocks(-5.0)
    for _ in range(24 * 60):
        clocks.passed += 59.3
        clocks.ask()

    assert abs(clocks.error) <= 0.1


def test_a_clock_that_is_set_is_followed() -> None:
    """The server's clock is corrected by an hour: what it said before does not count."""
    clocks = Clocks(0.0)
    for _ in range(10):
        clocks.passed += 0.17
        clocks.ask()
    clocks.clock.heard(formatdate(int(NOON + 3600 + clocks.passed), usegmt=True), 5.0 + clocks.passed)

    assert clocks.error == pytest.approx(3600, abs=1.1)
