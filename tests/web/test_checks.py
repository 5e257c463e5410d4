"""Checks of credentials: how many at a time, and what goes past them. Passwords and tokens themselves are in files of their own."""

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from ksm_shard.web.access import GRANTED, TOO_MANY, UNTOLD, CredentialCheck, Verdict
from ksm_shard.web.checks import MOST, MOST_OF_ONE, Checks
from tests.web.serving import PATIENCE


class World:
    """Checks whose main thread is the test's, and that hang until they are let go."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self.checks = Checks(lambda function, *arguments: self._calls.put(lambda: function(*arguments)))
        self.go = threading.Event()
        self.told: list[Verdict] = []
        self._made = 0

    def hang(self, address: str) -> None:
        """Add a check that hangs."""
        self._made += 1
        self.checks.add(CredentialCheck(b"%d" % self._made, self._hanging), address, self.told.append)

    def _hanging(self) -> Verdict:
        self.go.wait(PATIENCE)
        return GRANTED

    def until(self, count: int) -> list[Verdict]:
        """Return what was told, once that are so many verdicts."""
        while len(self.told) < count:
            self._calls.get(timeout=PATIENCE)()
        return self.told


@pytest.fixture
def world() -> Iterator[World]:
    """No check yet."""
    made = World()
    yield made
    made.go.set()
    made.checks.close()


def test_few_of_one_address(world: World) -> None:
    """An address has two at most, others have theirs."""
    for _ in range(MOST_OF_ONE + 3):
        world.hang("10.0.0.1")
    assert world.told == [TOO_MANY] * 3
    world.hang("10.0.0.2")
    assert len(world.told) == 3
    world.go.set()

    assert world.until(3 + MOST_OF_ONE + 1)[3:] == [GRANTED] * (MOST_OF_ONE + 1)


def test_renewals_go_past_a_flood(world: World) -> None:
    """Who was let in before is asked about at once, whatever waits, be it from the same address; and takes no place of others."""
    for number in range(MOST + 1):
        world.hang(f"10.0.0.{number}")
    assert world.told == [TOO_MANY]
    world.checks.add(CredentialCheck(b"renewal", lambda: GRANTED, renews=True), "10.0.0.1", world.told.append)
    assert world.until(2) == [TOO_MANY, GRANTED]
    world.go.set()

    assert world.until(2 + MOST)[2:] == [GRANTED] * MOST


def test_once_for_all_who_wait(world: World) -> None:
    """One question is asked, however many wait for its answer."""
    asked: list[int] = []

    def ask() -> Verdict:
        asked.append(1)
        world.go.wait(PATIENCE)
        return GRANTED

    check = CredentialCheck(b"same", ask)
    for _ in range(5):
        world.checks.add(check, "10.0.0.1", world.told.append)
    world.go.set()

    assert world.until(5) == [GRANTED] * 5
    assert asked == [1]


def test_a_check_that_fails_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is let in by it, and the log has the reason."""

    def fail() -> Verdict:
        raise TypeError("odd")

    world.checks.add(CredentialCheck(b"", fail), "10.0.0.1", world.told.append)

    assert [UNTOLD] == world.until(1)
    assert ["TypeError('odd')"] == [repr(record.exc_info and record.exc_info[1]) for record in caplog.records]
