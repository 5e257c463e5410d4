"""The thread that keeps custom resources equal to entries and discovery; what it follows is a list of names here.

What users see of kinds that come and go is in tests/e2e/test_custom.py.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from ksm_shard.collector.custom import CustomResources
from ksm_shard.collector.declared import Declared
from ksm_shard.collector.recipe import Recipe
from ksm_shard.collector.targets import Scope
from ksm_shard.custom.resolve import Followed, Served, resource_of
from tests.processes import eventually

FILE = """
spec:
  resources:
  - groupVersionKind: {group: example.org, version: v1, kind: Pot}
    metrics: [{name: litres, each: {type: Gauge, gauge: {path: [spec, litres]}}}]
"""
POTS = Served("example.org", "v1", "Pot", "pots")


class Quiet:
    """Definitions that change when `signal` is called."""

    problem, count, events = "", 0, dict[str, int]()

    def __init__(self) -> None:
        """Make a thread, which never runs."""
        self.thread = threading.Thread()
        self.signal: Callable[[], None]

    def start(self, changed: Callable[[], None]) -> None:
        """Keep the function to call."""
        self.signal = changed

    def stop(self) -> None:
        """Do nothing."""


class Broken:
    """A listener that fails so many times before it obeys."""

    def __init__(self, times: int) -> None:
        """Begin without having been told."""
        self.times = times
        self.followed: list[str] | None = None

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Keep the names, or fail."""
        if self.times:
            self.times -= 1
            raise RuntimeError("can't start new thread")
        self.followed = [one.name for one in recipes]

    def loading(self, name: str) -> bool:
        """Nothing ever loads."""
        del name
        return False

    def notice(self) -> None:
        """Do nothing."""


def recipe_of(followed: Followed) -> Recipe:
    """Return a recipe of all families."""
    return Recipe(resource_of(followed), followed, (), (), (), Scope())


@pytest.fixture
def quiet() -> Quiet:
    """Return definitions for a test to change."""
    return Quiet()


@pytest.fixture
def custom(quiet: Any) -> Iterator[CustomResources]:
    """Return custom resources of a cluster that serves pots."""
    made = CustomResources(Declared("", FILE), lambda *_: frozenset({POTS}), recipe_of, quiet)
    yield made
    made.stop()


def test_what_failed_is_done_again(custom: CustomResources, quiet: Quiet) -> None:
    """A resource that could not be followed is awaited, with the reason, and followed by the next attempt."""
    listener = Broken(times=1)
    custom.start(listener)
    told = """custom resources: a fault of ksm-shard: RuntimeError("can't start new thread")"""
    eventually(lambda: custom.awaited() == [told], "the failure is told")
    quiet.signal()

    eventually(lambda: listener.followed == ["pots.v1.example.org"], "pots are followed")
    eventually(lambda: not custom.awaited() and not custom.status().problem, "nothing is wrong any more")


def test_other_entries_that_failed_are_followed_later(custom: CustomResources, quiet: Quiet) -> None:
    """Entries that could not be put into force are not taken for followed, although discovery has nothing new."""
    listener = Broken(times=0)
    custom.redeclare(Declared("", FILE.replace("Pot", "Kettle")), recipe_of)
    custom.start(listener)
    eventually(lambda: listener.followed == [], "no kettles are served")
    listener.times = 1
    custom.redeclare(Declared("", FILE), recipe_of)
    eventually(lambda: not listener.times, "pots failed")
    quiet.signal()

    eventually(lambda: listener.followed == ["pots.v1.example.org"], "pots are followed")
