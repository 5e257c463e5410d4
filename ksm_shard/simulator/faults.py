"""Injected faults: failures of a real API server, or of the network in front of it.

fault          effect
-------------  -------------------------------------------------------------------------------------
drop           open watches are cut, in the middle of whatever they send
stall          watches stay open and send nothing
410            history is compacted; watches get an ERROR event, requests that resume are answered 410
expire         pages after the first are answered 410: their continue token has expired
403 429 500    requests are answered with this code, 403 even where no such API exists; 429 has a
503            Retry-After of `retry_after` seconds
unreadable     the next watch event is a valid frame whose object does not parse
slow           answers are sent at `rate` bytes a second
truncate       the next frame of a watch, or the next body of a list, ends half-way
content-type   requests are answered with a page of HTML, like the login of a proxy
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

KINDS: Final = (
    "drop", "stall", "410", "expire", "403", "429", "500", "503", "slow", "truncate", "content-type", "unreadable",
)  # fmt: skip
# These faults affect the watches that are open now. All others last until they are used up.
ENDING: Final = ("drop", "410")


@dataclass(slots=True)
class Fault:
    """An injected fault.

    Attributes:
        fault: one of KINDS.
        resource: plural of the affected resource; "" affects all.
        count: number of requests to affect; 0 means any number while the fault lasts.
        seconds: duration; 0 means until the count is used up or the fault is cleared.
        rate: for slow: bytes a second.
        retry_after: for 429: seconds.
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
    """The faults that are active now."""

    def __init__(self, changed: Callable[[], None], compact: Callable[[], None]) -> None:
        """Take a function that wakes the watches and one that compacts the history."""
        self._changed = changed
        self._compact = compact
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._endings: list[Fault] = []

    def add(self, fault: str, resource: str = "", **options: Any) -> Fault:
        """Inject a fault; the options are attributes of Fault.

        Raises:
            ValueError: the fault or an option is unknown, or an option is not a number.
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
            made.count = 1  # once is enough for the others; forever is seldom intended
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
        """Return the active faults as JSON objects, for people."""
        self._expire()
        left = [asdict(fault) for fault in self._faults]
        return [{name: value for name, value in fault.items() if name not in {"until", "order"}} for fault in left]

    def find(self, resource: str, *kinds: str, use: bool = True) -> Fault | None:
        """Return the first active fault of these kinds for a resource.

        `use` counts the request as affected.
        """
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
        """Return the first fault that ends watches of a resource.

        The first `since` endings are skipped: they came before the watch began.
        """
        for fault in self._endings[since:]:
            if fault.resource in {"", resource}:
                return fault
        return None

    @property
    def endings(self) -> int:
        """Number of faults so far that end watches.

        A watch notes the number when it begins.
        """
        return len(self._endings)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._faults = [fault for fault in self._faults if fault.until > now]
