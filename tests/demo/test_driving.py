"""Keys and the script. The fleet is none: it only remembers what it was told."""

import os
from collections.abc import Callable
from typing import Any, cast

import pytest

from ksm_shard.demo.driving import CALM, Keys, Script
from ksm_shard.demo.fleet import DemoFleet


class Told:
    """A fleet that is idle after so many looks at it."""

    def __init__(self, busy: int = 0) -> None:
        self.told: list[str] = []
        self._busy, self._left = busy, 0

    def __getattr__(self, name: str) -> Callable[..., None]:
        def tell(*words: Any) -> None:
            self.told.append(" ".join([name, *map(str, words)]))
            self._left = self._busy

        return tell

    @property
    def idle(self) -> bool:
        self._left -= 1
        return self._left < 0


@pytest.mark.parametrize(
    ("typed", "told", "goes_on"),
    [
        ("+", ["grow"], True),
        ("=", ["grow"], True),
        ("-", ["shrink"], True),
        ("r", ["roll"], True),
        ("k", ["kill"], True),
        ("x\x1b", [], True),
        ("+q-", ["grow"], False),
        ("\x04", [], False),
    ],
)
def test_keys(typed: str, told: list[str], goes_on: bool) -> None:
    """Each is obeyed at once, others mean nothing, and q or Ctrl-D is the end."""
    fleet = Told()
    read, write = os.pipe()
    os.write(write, typed.encode())
    keys = Keys(cast("DemoFleet", fleet), read)

    assert keys.pause(0.01) is goes_on
    assert told == fleet.told
    os.close(read)
    os.close(write)


def test_a_terminal_that_is_gone_is_the_end() -> None:
    """It would be read as fast as can be otherwise."""
    read, write = os.pipe()
    os.close(write)

    assert not Keys(cast("DemoFleet", Told()), read).pause(60)
    os.close(read)


def test_the_script_waits_until_each_step_has_settled() -> None:
    """Its steps, in order, and how often the fleet is looked at until it ends."""
    fleet = Told(busy=3)
    script = Script(cast("DemoFleet", fleet))
    looks = 1
    while script.pause(0):
        looks += 1

    assert ["scale 3", "scale 5", "scale 3", "roll", "kill"] == fleet.told
    assert looks == CALM + 5 * (3 + CALM)
