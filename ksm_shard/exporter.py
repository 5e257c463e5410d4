"""The exporter: follows the enabled resources into their stores, and answers what the web room asks of it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from ksm_shard import kinds
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import Refused, RequestError
from ksm_shard.cluster.lookup import uid_of
from ksm_shard.cluster.reader import Reader, Target
from ksm_shard.cluster.reflector import Reflector
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.informer import Informer, StatsObserver
from ksm_shard.collector.status import reported, resident, status_of
from ksm_shard.collector.targets import Scope, path_of, targets
from ksm_shard.collector.timestamps import Handover
from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ring import Ring
from ksm_shard.sharding.state import State
from ksm_shard.status.model import ConfigFile, NoAnswer, Owner, Readiness, Sibling, Slots, Status
from ksm_shard.status.report import Report
from ksm_shard.store.pages import Body
from ksm_shard.web.scrapers import Scrapers
from ksm_shard.web.source import Scrape
from ksm_shard.wire.frames import WireError

LOG: Final = logging.getLogger(__name__)
# Seconds that threads may take to end; they are daemons, so that one that hangs, as in a connection to an API server that does
# not answer, keeps the process no longer than that.
LAST_WAIT: Final = 0.3
# Hand-over periods within which those come again who are waited for: one of 45 s would leave out who scrapes once a minute.
WAITED: Final = 2


class Exporter:
    """What a process does; the web room's Source. Nothing runs before `start`."""

    def __init__(
        self,
        exported: Sequence[Collector],
        ownership: Ownership,
        server: ApiServer,
        scope: Scope,
        state: State,
        *,
        version: str,
        settings: str,
        pod: str = "",
        config: ConfigFile | None = None,
        timestamps: bool = False,
        period: float = 45.0,
    ) -> None:
        """Make a reflector for each resource, or several where the scope names namespaces or nodes.

        Args:
            exported: the enabled resources, in the order of a scrape.
            ownership: the slots that are served.
            server: where the objects are.
            scope: which of them.
            state: of the membership, as it is now.
            version: of the package.
            settings: digest of the settings that must be the same in all shards.
            pod: name of the own pod, "" outside a StatefulSet.
            config: the file that some of the settings are from.
            timestamps: whether samples of what is about to go have timestamps.
            period: seconds between two scrapes of one Prometheus, at the most.
        """
        self._exported = {one.resource.plural: one for one in exported}
        self._ownership = ownership
        self._server = server
        self._object_limit = scope.object_limit
        self._version = version
        self._settings = settings
        self._pod = pod
        self._config = config
        self._started = time.time()
        self._complete = False  # whether all was there once; from then on what is known is served
        self._served: set[str] = set()
        self._loops: list[threading.Thread] = []
        self._closing: list[Callable[[], None]] = []
        self._state, self._phase_since = state, time.monotonic()
        self._lost = state.lost
        self.siblings: Sequence[Sibling] = ()
        self.membership: dict[str, Reflector] = {}
        self.on_news: Callable[[], None] = lambda: None
        self.scrapers = Scrapers(WAITED * period, self._scraped)
        self._handover = Handover(exported, ownership, server.clock, period, on=timestamps)
        self._followed = [
            self._follow(one, server, target) for one in exported for target in targets(one.resource, scope)
        ]
        ownership.on_change(self._take)

    @property
    def ring(self) -> Ring:
        """How slots are divided."""
        return self._ownership.ring

    def start(self) -> None:
        """Start following."""
        for one in self._followed:
            self.watch_over(one.thread)
        for one in self._followed:
            one.thread.start()

    def watch_over(self, thread: threading.Thread) -> None:
        """Call this process not alive should that thread end."""
        self._loops.append(thread)

    def on_close(self, end: Callable[[], None]) -> None:
        """Call `end` when it is time to stop."""
        self._closing.append(end)

    def become(self, state: State) -> None:
        """Put another state of the membership into force."""
        if state.phase != self._state.phase:
            LOG.info("hand-over: %s -> %s, %d slots held", self._state.phase, state.phase, state.held.count(1))
            self._phase_since = time.monotonic()
        if state.gained != NONE or state.lost != NONE:
            self._lost = state.lost
        self._state = state
        self._ownership.change(state.held)
        self._handover.change(state.leaving, state.gained)
        self._handover.forget_farewells(self.scrapers.heard(time.monotonic()))

    def loaded(self) -> bytes:
        """Return the slots whose objects have been listed, of every resource that can be read."""
        versions = [one.sink.listed_version for one in self._followed if not one.exempt]
        self._ownership.confirm(min(versions, default=self._ownership.version))
        return self._ownership.loaded()

    def scrape(self, scrape: Scrape) -> list[Body] | None:
        """See Source. A resource whose first list is under way is left out rather than shown in part."""
        self.readiness()
        if not self._complete:
            return None
        listed = self._listed()
        shown = [one for name, one in self._exported.items() if name in listed and scrape.wanted(name)]
        if scrape.draining:
            self._handover.drain()
        self._handover.forget_farewells(self.scrapers.heard(time.monotonic()))
        return self._handover.bodies(shown, scrape)

    def scraped(self) -> float:
        """Return the latest moment, by the monotonic clock, since which all who scrape have begun a scrape that they completed."""
        return self.scrapers.scraped(time.monotonic())

    def retired(self) -> int:
        """See Source."""
        return sum(one.store.retired for one in self._exported.values())

    def known(self, resource: str) -> bool:
        """See Source."""
        return resource in self._exported

    def exists(self, resource: str) -> bool:
        """See Source."""
        return resource in kinds.resources()

    def readiness(self) -> Readiness:
        """See Source. Once all was there it stays ready, unless others hand over to it faster than it loads."""
        known = self._state.shard is not None
        problems = [] if known else [self._state.problem or "the StatefulSet of this pod has not been read yet"]
        notes = []
        for one in self._followed:
            name, state = one.exported.resource.plural, one.reflector.state
            if one.exempt:
                notes.append(f"{name}: {state} (not waited for)")
            elif one.sink.listed_version == 0:
                problems.append(f"{name}: {state}" + (f": {error}" if (error := one.reflector.last_error) else ""))
        if notes and len(notes) == len(self._followed):
            problems.append("nothing that is followed can be read")
        # A list may have begun before the map changed: others rely on all that is held (`State.serving`).
        unloaded = difference(self._state.held, self._ownership.loaded()).count(1) if self._pod else 0
        if unloaded and not self._state.serving:
            problems.append(f"{unloaded} slots are not loaded")
        self._complete = self._complete or not problems
        if not self._complete:
            return Readiness(ready=False, problems=problems, notes=notes)
        unready = [self._state.unready] if self._state.unready else []
        return Readiness(not unready, unready, notes)

    def liveness(self) -> list[str]:
        """See Source."""
        return [f"{loop.name}: its thread has ended" for loop in self._loops if not loop.is_alive()]

    def objects(self) -> int:
        """See Source."""
        return sum(len(one.store) for one in self._exported.values())

    def status(self) -> Status:
        """See Source."""
        state, ring = self._state, self._ownership.ring
        gained = difference(state.held, self.loaded())
        return Status(
            shard=state.shard,
            total=state.total,
            pod=self._pod,
            version=self._version,
            started=self._started,
            ring=ring.name,
            digest=ring.digest(state.total) if state.total else "",
            phase=state.phase,
            phase_seconds=time.monotonic() - self._phase_since,
            slots=Slots(
                own=state.own, gained=gained, lost=self._lost, held=state.held_for_others, covering=state.covering
            ),
            siblings=self.siblings,
            resources=[status_of(one, self._followed) for one in self._exported.values()],
            object_limit=self._object_limit,
            problem=state.problem,
            membership=self._membership(),
            config=self._config,
        )

    def owner(self, uid: str) -> Owner:
        """See Source."""
        return self._owner(uid, self._ownership.ring.slot_of(uid))

    def find(self, resource: str, namespace: str, name: str) -> Owner | None:
        """See Source."""
        slot = self._exported[resource].store.slot_of(f"{namespace}/{name}")
        if slot is not None:
            return self._owner("", slot)
        path = path_of(self._exported[resource].resource, namespace)
        try:
            uid = uid_of(self._server, path, name) if path else None
        except (RequestError, WireError) as error:
            raise NoAnswer(
                f"not served here, and not found out: {error}", refused=isinstance(error, Refused)
            ) from error
        return self.owner(uid) if uid else None

    def report(self) -> str:
        """See Source."""
        state = self._state
        return Report(
            pod=self._pod,
            shard=state.shard,
            total=state.total,
            ring=self.ring.name,
            digest=self.ring.digest(state.total) if state.total else "",
            version=self._version,
            settings=self._settings,
            phase=state.phase,
            ready=self.readiness().ready,
            own=state.own,
            held=state.held,
            memory=resident(),
            resources={name: reported(one, self._followed) for name, one in self._exported.items()},
            problem=state.problem,
            membership=self._membership(),
        ).to_json()

    def close(self) -> None:
        """See Source."""
        for end in [*self._closing, *(one.reflector.stop for one in self._followed)]:
            end()
        deadline = time.monotonic() + LAST_WAIT
        for loop in self._loops:
            loop.join(max(0.0, deadline - time.monotonic()))

    def _follow(self, exported: Collector, server: ApiServer, target: Target) -> Informer:
        sink = exported.sink(self._news)
        reflector = Reflector(target, Reader(server, target), sink, StatsObserver(exported.stats, self._news))
        return Informer(exported, reflector, sink)

    def _news(self) -> None:
        self.on_news()

    def _scraped(self) -> None:
        """Wake who waits for scrapes of what is about to go."""
        if self._handover.leaving != NONE:
            self._news()

    def _take(self, gained: bytes, lost: bytes) -> None:
        """Drop what belongs to lost slots, and list once more for gained ones."""
        if lost != NONE:
            for one in self._followed:
                one.sink.forget(lost)
            for exported in self._exported.values():
                exported.store.release(lost)
        if gained != NONE:
            for one in self._followed:
                if one.thread.is_alive():
                    one.reflector.relist_soon("gained")

    def _listed(self) -> set[str]:
        """Return the resources to show: listed in full wherever they can be read; and once shown, always."""
        for name in self._exported.keys() - self._served:
            mine = [one for one in self._followed if one.exported.resource.plural == name]
            listed = [one.sink.listed_version > 0 for one in mine]
            if any(listed) and all(done or one.exempt for done, one in zip(listed, mine, strict=True)):
                self._served.add(name)
        return self._served

    def _owner(self, uid: str, slot: int) -> Owner:
        state = self._state
        if state.shard is None:
            raise NoAnswer("the StatefulSet of this pod has not been read yet, so that the shards are not known")
        if not state.total:
            raise NoAnswer("there is no shard: spec.replicas of the StatefulSet is 0")
        shard = self._ownership.ring.target_map(state.total)[slot]
        pod = f"{self._pod.rpartition('-')[0]}-{state.start + shard}" if self._pod else ""
        return Owner(uid, slot, shard, state.total, pod, held=self._ownership.mask[slot] == 1)

    def _membership(self) -> dict[str, str]:
        return {name: reflector.state for name, reflector in self.membership.copy().items()}
