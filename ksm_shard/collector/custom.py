"""Collectors of custom resources: one for each resource that the file names and the API server has.

what happens                                    what follows
----------------------------------------------  ---------------------------------------------------------------------
a definition comes, changes or goes             discovery is asked at once, and thrice more: it lags behind
a minute passes                                 discovery is asked: APIs of other servers, or no right to definitions
the file changes, or others are declared        resources with other metrics are loaded beside the former ones
a version goes, and another one comes           the former one is exported until the other one has listed
discovery does not answer                       everything stays, and it is asked again
something unexpected fails                      everything stays, a problem is told, and all is done again a minute later

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
from ksm_shard.collector.declared import Declared
from ksm_shard.collector.definitions import Definitions
from ksm_shard.collector.recipe import Recipe
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
RecipeOf = Callable[[Followed], Recipe | None]


class Listener(Protocol):
    """Exports collectors."""

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Export these custom resources from now on."""

    def loading(self, name: str) -> bool:
        """Return whether the objects of an exported resource have yet to be listed."""

    def notice(self) -> None:
        """Look again at what is awaited."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    followed: Followed
    recipe: Recipe | None

    @property
    def kind(self) -> tuple[str, str]:
        """The group and kind, which several versions share."""
        return self.followed.served.group, self.followed.served.kind


class CustomResources:
    """Keeps the collectors equal to what file and API server say; runs in a thread."""

    def __init__(self, declared: Declared, discover: Discover, recipe_of: RecipeOf, definitions: Definitions) -> None:
        """Take the parts.

        Args:
            declared: the entries.
            discover: returns the resources that the API server has; takes those known.
            recipe_of: returns the recipe of a resource; None if none of its families is on.
            definitions: tells of changes of CustomResourceDefinitions.
        """
        self._declared = declared
        self._discover = discover
        self._recipe_of = recipe_of
        self._redeclared: tuple[Declared, RecipeOf] | None = None
        self._definitions = definitions
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._due = [0.0]
        self._call = Call()
        self._closed = False
        self._served: frozenset[Served] = frozenset()
        self._wanted: dict[str, _Wanted] = {}
        self._leaving: dict[str, _Wanted] = {}  # not wanted, but exported until others of their kind have listed
        self._answered = False
        self._outdated = True  # whether entries, recipes or discovery differ from what is followed
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

    def redeclare(self, declared: Declared, recipe_of: RecipeOf) -> None:
        """Have other entries, or other recipes of them, followed from now on."""
        with self._lock:
            self._redeclared = declared, recipe_of
        self._wake.set()

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
                self._step()
                pause = self._pause()
            except MemoryError:
                raise  # ends the process, as in every thread
            except Exception as error:
                LOG.exception("custom resources stay as they are, and are tried again")
                self._problem, pause = f"a fault of ksm-shard: {error!r}", REGULAR
                with self._lock:
                    self._due = [0.0]
            self._wake.wait(pause)

    def _step(self) -> None:
        """Look at what may have changed, and follow it; what is not followed yet is so with the next step."""
        self._outdated |= self._is_redeclared() | self._declared.changed()
        looked = self._is_due() and self._look()
        if self._outdated and (looked or self._answered):
            self._apply()
            self._outdated = False
            if not self._answered:
                self._answered = True
                self._listener.notice()
        self._succeed()

    def _is_redeclared(self) -> bool:
        with self._lock:
            redeclared, self._redeclared = self._redeclared, None
        if redeclared is not None:
            self._declared, self._recipe_of = redeclared
        return redeclared is not None

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
        """Ask discovery; return whether it has answered."""
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
        self._outdated |= found != before
        return True

    def _apply(self) -> None:
        wanted = {
            name_of(one): _Wanted(one, self._recipe_of(one)) for one in resolve(self._declared.entries, self._served)
        }
        if wanted == self._wanted and self._answered:
            return
        known = self._leaving | self._wanted
        come, gone = wanted.keys() - self._wanted.keys(), self._wanted.keys() - wanted.keys()
        self._follow(wanted, {name: one for name, one in known.items() if name not in wanted})
        for name in sorted(come):
            LOG.info("%s is followed", name)
        for name in sorted(gone):
            LOG.info("%s is followed no longer", name)

    def _follow(self, wanted: dict[str, _Wanted], leaving: dict[str, _Wanted]) -> None:
        """Have all wanted resources exported, and those of former versions last."""
        recipes = (one.recipe for one in (*wanted.values(), *leaving.values()))
        with self._lock:  # or another source could have taken its place meanwhile
            if not self._closed:
                self._listener.follow([one for one in recipes if one is not None])
        self._wanted, self._leaving = wanted, leaving

    def _succeed(self) -> None:
        """End the resources of which no other version, and no other objects, are still loading."""
        loading = {one.kind for name, one in self._wanted.items() if self._listener.loading(name)}
        leaving = {name: one for name, one in self._leaving.items() if one.kind in loading}
        if leaving != self._leaving:
            self._follow(self._wanted, leaving)
