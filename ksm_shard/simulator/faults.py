"""Trouble on command: what a real API server, or the way to it, does to its clients on a bad day.

fault          what happens
-------------  -------------------------------------------------------------------------------------
drop           watches are cut now, in the middle of whatever they send
stall          watches stay open and say nothing
410            history is compacted; watches get an ERROR event, requests that resume are answered 410
expire         pages after the first are answered 410: their continue token has expired
403 429 500    requests are answered so, 403 also where there is no such API; 429 has a Retry-After of
503            `retry_after` seconds
unreadable     the object of the next event of a watch is bytes that do not parse, in a frame that does
slow           answers come at `rate` bytes a second
truncate       the next frame of a watch, or the next body of a list, ends half-way
content-type   requests are answered by a page of HTML, as a proxy's login is
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

KINDS: Final = (
    "drop", "stall", "410", "expire", "403", "429", "500", "503", "slow", "truncate", "content-type", "unreadable",
)  # fmt: skip
# These happen to the watches that are open at this moment; for the others a fault is there until it is used up.
ENDING: Final = ("drop", "410")


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        fault: one of KINDS.
        resource: plural of the resource that it befalls; "" is all of them.
        count: how many requests it befalls; 0 is any number while it lasts.
        seconds: how long it lasts; 0 is until the count is used up, or until it is cleared.
        rate: for slow, bytes a second.
        retry_after: for 429, seconds.
    """

    fault: str
    resource: str = ""
    count: int = 0
    seconds: float = 0
    rate: int = 10_000
    retry_after: int = 1
    until: float = float("inf")
    order: int = 0


class Faults:
    """The faults that are there now."""

    def __init__(self, changed: Callable[[], None], compact: Callable[[], None]) -> None:
        """Take what wakes the watches, and what compacts the history."""
        self._changed = changed
        self._compact = compact
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._endings: list[Fault] = []

    def add(self, fault: str, resource: str = "", **options: Any) -> Fault:
        """Inject a fault; the options are the attributes of Fault.

        Raises:
            ValueError: there is no such fault or option, or it is no number.
        """
        if fault not in KINDS:
            raise ValueError(f"fault {fault!r}: expected one of {', '.join(KINDS)}")
        unknown = options.keys() - {"count", "seconds", "rate", "retry_after"}
        if unknown:
            raise ValueError(f"fault {fault!r}: no option {', '.join(sorted(unknown))}")
        if not all(isinstance(value, int | float) and value >= 0 for value in options.values()):
            raise ValueError(f"fault {fault!r}: expected options that are numbers and not negative, got {options}")
        made = Fault(fault, resource, **options)
        if made.seconds:
            made.until = time.monotonic() + made.seconds
        elif fault not in {"stall", "slow"} and not made.count:
            made.count = 1  # of the others once is enough, and for ever is seldom meant
        if fault == "410":
            self._compact()
        with self._lock:
            if fault in ENDING:
                made.order = len(self._endings) + 1
                self._endings.append(made)
            if fault != "drop":
                self._faults.append(made)
        self._changed()
        return made

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults.clear()
        self._changed()

    def listed(self) -> list[dict[str, Any]]:
        """The faults that are there now, for people."""
        self._expire()
        left = [asdict(fault) for fault in self._faults]
        return [{name: value for name, value in fault.items() if name not in {"until", "order"}} for fault in left]

    def find(self, resource: str, *kinds: str, use: bool = True) -> Fault | None:
        """The first fault of these kinds that befalls the resource; it counts as used up once more if `use`."""
        self._expire()
        with self._lock:
            for fault in self._faults:
                if fault.fault in kinds and fault.resource in {"", resource}:
                    if use and fault.count:
                        fault.count -= 1
                        if not fault.count:
                            self._faults.remove(fault)
                    return fault
        return None

    def ending(self, resource: str, since: int) -> Fault | None:
        """The first fault after `since` endings (see `endings`) that ends watches of the resource."""
        for fault in self._endings[since:]:
            if fault.resource in {"", resource}:
                return fault
        return None

    @property
    def endings(self) -> int:
        """How many faults that end watches there have been: a watch remembers it when it begins."""
        return len(self._endings)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.until > now]
