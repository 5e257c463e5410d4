"""Drivers of the demo: keys, or a script where there is no terminal."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from ksm_shard.demo.fleet import DemoFleet

LEGEND: Final = "+ scale out   - scale in   r restart one by one   k kill one   q quit"
# Seconds after a change until it is looked at: the series of a shard that was killed are back after a scrape.
CALM: Final = 6


# What is told, and what is done.
Step = tuple[str, Callable[[], None]]


class Driver(Protocol):
    """Decides the next change of a fleet."""

    def pause(self, seconds: float) -> bool:
        """Wait, changing the fleet meanwhile; return False at the end."""


class Keys:
    """Obeys single keys."""

    def __init__(self, fleet: DemoFleet, file: int) -> None:
        """Read them from that file, which `pressed` has prepared."""
        self._file = file
        self._keys: dict[str, Step] = {
            "+": ("scale out", fleet.grow),
            "=": ("scale out", fleet.grow),  # a plus without the shift key
            "-": ("scale in", fleet.shrink),
            "r": ("restart one by one", fleet.roll),
            "k": ("kill one", fleet.kill),
        }

    def pause(self, seconds: float) -> bool:
        """Wait for keys; return False after "q", or without a terminal."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._file], [], [], left)[0]:
                typed = os.read(self._file, 1).decode(errors="replace")
                if typed in {"q", "\x04", ""}:
                    return False
                if typed in self._keys:
                    do(self._keys[typed])
        return True


class Script:
    """Scales 2 -> 3 -> 5 -> 3, restarts and kills.

    Each step waits until the one before has settled and was looked at.
    """

    def __init__(self, fleet: DemoFleet) -> None:
        self._fleet = fleet
        self._steps: Iterator[Step] = iter(
            [
                ("scale out to 3", lambda: fleet.scale(3)),
                ("scale out to 5", lambda: fleet.scale(5)),
                ("scale in to 3", lambda: fleet.scale(3)),
                ("restart one by one", fleet.roll),
                ("kill one", fleet.kill),
            ]
        )
        self._calm = 0

    def pause(self, seconds: float) -> bool:
        """Wait, then start the next step if due; return False after the last."""
        time.sleep(seconds)
        self._calm = self._calm + 1 if self._fleet.idle else 0
        if self._calm >= CALM:
            step = next(self._steps, None)
            if step is None:
                return False
            do(step)
            self._calm = 0
        return True


def do(step: Step) -> None:
    """Print the name of a step, then do it.

    The lines of the demo come two seconds later.
    """
    what, act = step
    print(f"{'>':>6} {what}", flush=True)
    act()


@contextmanager
def driver(fleet: DemoFleet) -> Iterator[Driver]:
    """Yield the keys of the terminal if there is one, else the script."""
    if not sys.stdin.isatty():
        yield Script(fleet)
        return
    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)
    try:
        yield Keys(fleet, file)
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)
