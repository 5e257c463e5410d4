"""Collectors of custom resources: one for each resource that the file names and the API server has.

what happens                                    what follows
----------------------------------------------  ---------------------------------------------------------------------
a definition comes, changes or goes             discovery is asked at once, and thrice more: it lags behind
a minute passes                                 discovery is asked: APIs of other servers, or no right to definitions
the file changes                                resources with other metrics are loaded beside the former ones
a version goes, and another one comes           the former one is exported until the other one has listed
discovery does not answer                       everything stays, and it is asked again

Only what differs is touched; the other collectors keep their store and their watch.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ksm_shard.cluster.calls import Call
from ksm_shard.cluster.errors import RequestError
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.declared import Declared
from ksm_shard.collector.definitions import Definitions
from ksm_shard.custom.resolve import Followed, Served, name_of, resolve, unserved
from ksm_shard.status.custom import CustomStatus

LOG: Final = logging.getLogger(__name__)
# Seconds from a signal to each look at discovery: a definition is served some time after its last event.
LOOKS: Final = (0.1, 1.0, 3.0, 10.0)
# Seconds between looks without a signal.
REGULAR: Final = 60.0
# Seconds until discovery is asked again that has never answered.
RETRY: Final = 1.0
# Seconds between looks at the file: one system call.
FILE: Final = 1.0
# Seconds between looks at whether a successor has listed: for so long a scrape may have both.
SUCCESSION: Final = 0.1

Discover = Callable[[frozenset[Served], Call], frozenset[Served]]
Make = Callable[[Followed], Collector | None]


class Listener(Protocol):
    """Exports collectors."""

    def follow(self, collectors: Sequence[Collector]) -> None:
        """Export these custom resources from now on."""

    def notice(self) -> None:
        """Look again at what is awaited."""


@dataclass(frozen=True, slots=True)
class _Made:
    followed: Followed
    collector: Collector | None

    @property
    def kind(self) -> tuple[str, str]:
        """The group and kind, which several versions share."""
        return self.followed.served.group, self.followed.served.kind

    @property
    def loading(self) -> bool:
        """True until the objects have been listed."""
        return self.collector is not None and not self.collector.settled


class CustomResources:
    """Keeps the collectors equal to what file and API server say; runs in a thread."""

    def __init__(self, declared: Declared, discover: Discover, make: Make, definitions: Definitions) -> None:
        """Take the parts.

        Args:
            declared: the entries.
            discover: returns the resources that the API server has; takes those known.
            make: returns the collector of a resource; None if none of its families is on.
            definitions: tells of changes of CustomResourceDefinitions.
        """
        self._declared = declared
        self._discover = discover
        self._make = make
        self._definitions = definitions
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._due = [0.0]
        self._call = Call()
        self._closed = False
        self._served: frozenset[Served] = frozenset()
        self._made: dict[str, _Made] = {}
        self._leaving: dict[str, _Made] = {}  # not wanted, but exported until others of their kind have listed
        self._answered = False
        self._problem = "discovery has not been asked yet"
        self._thread = threading.Thread(target=self._run, name="custom resources", daemon=True)
        self._listener: Listener

    def start(self, listener: Listener) -> None:
        """Begin; the listener is called from the thread."""
        self._listener = listener
        self._thread.start()
        self._definitions.start(self._signal)

    def stop(self) -> None:
        """End without waiting."""
        with self._lock:
            self._closed = True
            self._call.cancel()
        self._wake.set()
        self._definitions.stop()

    def threads(self) -> list[threading.Thread]:
        """Return the threads that must be alive."""
        return [self._thread, self._definitions.thread]

    def awaited(self) -> list[str]:
        """Return why it is not known yet what is to be exported."""
        return [] if self._answered else [f"custom resources: {self._problem}"]

    def declares(self, name: str) -> bool:
        """Return whether a name such as things.example.org, or with a version, may be of an entry, served or not."""
        return any(entry.group and name.endswith(f".{entry.group}") for entry in self._declared.entries)

    def notes(self) -> list[str]:
        """Return a line for each entry without a resource, and for each problem that keeps nothing from being served."""
        problems = [self._declared.status().problem, self._definitions.problem, self._problem if self._answered else ""]
        lines = [line for problem in problems for line in problem.splitlines()]
        return lines + ([f"{one}: not served (not waited for)" for one in self._unserved()] if self._answered else [])

    def status(self) -> CustomStatus:
        """Return the state for page and telemetry."""
        definitions = self._definitions
        return CustomStatus(
            self._declared.status(),
            self._unserved(),
            definitions.count,
            dict(definitions.events),
            self._problem or definitions.problem,
        )

    def _unserved(self) -> list[str]:
        return [f"{one.group}/{one.version}/{one.kind}" for one in unserved(self._declared.entries, self._served)]

    def _signal(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._due = [now + later for later in LOOKS]
        self._wake.set()

    def _run(self) -> None:
        while not self._closed:
            self._wake.clear()
            try:
                changed = self._declared.changed()
                looked = self._look() if self._is_due() else False
                if self._answered and (changed or looked):
                    self._apply()
                elif looked:
                    self._apply()
                    self._answered = True
                    self._listener.notice()
                if self._leaving != (leaving := _awaiting(self._leaving, self._made)):
                    self._leaving = leaving
                    self._follow()
            except Exception:
                LOG.exception("custom resources stay as they are")
                self._after(REGULAR)
            self._wake.wait(self._pause())

    def _is_due(self) -> bool:
        now = time.monotonic()
        with self._lock:
            due = [at for at in self._due if at <= now]
            self._due = [at for at in self._due if at > now]
        return bool(due)

    def _pause(self) -> float:
        with self._lock:
            pauses = [SUCCESSION if self._leaving else FILE, *(at - time.monotonic() for at in self._due)]
            return max(0.0, min(pauses))

    def _after(self, seconds: float) -> None:
        with self._lock:
            self._due = self._due or [time.monotonic() + seconds]

    def _look(self) -> bool:
        """Ask discovery; return whether it has answered something new."""
        with self._lock:
            if self._closed:
                return False
            self._call = Call()
        try:
            found = self._discover(self._served, self._call)
        except RequestError as error:
            self._problem = f"discovery: {error}"
            self._after(REGULAR if self._answered else RETRY)
            return False
        self._problem = ""
        self._after(REGULAR)
        before, self._served = self._served, found
        return not self._answered or found != before

    def _apply(self) -> None:
        known, made = self._leaving | self._made, dict[str, _Made]()
        for followed in resolve(self._declared.entries, self._served):
            name = name_of(followed)
            before = known.get(name)
            made[name] = before if before and before.followed == followed else _Made(followed, self._make(followed))
        if made != self._made or not self._answered:
            self._told(made)
            gone = {name: one for name, one in known.items() if name not in made}
            self._made, self._leaving = made, _awaiting(gone, made)
            self._follow()

    def _follow(self) -> None:
        """Have all collectors exported, those of former versions last."""
        collectors = (one.collector for one in (*self._made.values(), *self._leaving.values()))
        self._listener.follow([one for one in collectors if one is not None])

    def _told(self, made: dict[str, _Made]) -> None:
        for name in sorted(made.keys() - self._made.keys()):
            LOG.info("%s is followed", name)
        for name in sorted(self._made.keys() - made.keys()):
            LOG.info("%s is followed no longer", name)


def _awaiting(gone: dict[str, _Made], made: dict[str, _Made]) -> dict[str, _Made]:
    """Return the resources of which another version, or other objects, are still loading."""
    loading = {one.kind for one in made.values() if one.loading}
    return {name: one for name, one in gone.items() if one.kind in loading}
