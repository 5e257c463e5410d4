"""Exporter: all collectors under one membership; the Source of the web room."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ksm_shard import kinds
from ksm_shard.cluster.client import ApiServer
from ksm_shard.cluster.errors import Refused, RequestError
from ksm_shard.cluster.lookup import uid_of
from ksm_shard.collector.ahead import RenderAhead
from ksm_shard.collector.collector import Collector
from ksm_shard.collector.collectors import Collectors
from ksm_shard.collector.freshness import catch_up
from ksm_shard.collector.recipe import Recipe
from ksm_shard.collector.status import reported, resident, rights_problems, status_of
from ksm_shard.collector.targets import path_of
from ksm_shard.collector.timestamps import Handover
from ksm_shard.collector.undeclared import NoCustomResources
from ksm_shard.membership.protocol import Membership
from ksm_shard.settings.live import LiveSettings
from ksm_shard.sharding.masks import NONE, difference
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.sharding.ring import Ring
from ksm_shard.sharding.state import State
from ksm_shard.status.custom import DeclaredStatus
from ksm_shard.status.model import NoAnswer, Owner, Readiness, Slots, Status
from ksm_shard.status.report import Report
from ksm_shard.status.setup import Setup, SetupLog
from ksm_shard.store.pages import Body
from ksm_shard.web.scrapers import Scrapers
from ksm_shard.web.source import Scrape
from ksm_shard.wire.frames import WireError

if TYPE_CHECKING:
    from ksm_shard.collector.custom import CustomResources, RecipeOf
    from ksm_shard.collector.declared import Declared

LOG: Final = logging.getLogger(__name__)
# Seconds that threads may take to end. They are daemons, so a thread that hangs, as in a connection to an API server that
# does not answer, keeps the process no longer.
LAST_WAIT: Final = 0.3
# Hand-over periods within which a regular scraper comes again: one of 45 s would leave out scrapers with an interval of a
# minute.
WAITED: Final = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """Demands of the settings on an exporter that may change at run time.

    Attributes:
        recipes: of the collectors of built-in resources, in the order of a scrape.
        settings: digest of the settings that must be the same in all shards.
        filters: options that decide which series there are, by flag, where they are not the default.
        object_limit: number of objects to list of each resource at most; 0 for all.
        period: seconds between two scrapes of one Prometheus, at most.
        drain: seconds to serve on after SIGTERM.
    """

    recipes: Sequence[Recipe] = ()
    settings: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    object_limit: int = 0
    period: float = 45.0
    drain: float = 0.0


class Exporter:
    """A process: its collectors, and the slots that the membership gives it.

    Nothing runs before `start`.

    Attributes:
        server: the API server.
        scrapers: the clients that scrape this process.
    """

    def __init__(
        self,
        make: Callable[[Recipe], Collector],
        terms: Terms,
        ownership: Ownership,
        membership: Membership,
        server: ApiServer,
        *,
        version: str,
        custom: "CustomResources | None" = None,
        live: LiveSettings | None = None,
        timestamps: bool = False,
    ) -> None:
        """Take the parts.

        Args:
            make: makes a collector.
            terms: those of the start.
            ownership: the slots to serve.
            membership: decides the slots to serve.
            server: asked for the owner of objects of other shards.
            version: of the package.
            custom: brings the recipes of custom resources.
            live: follows the file that some of the settings come from.
            timestamps: whether samples of leaving slots have timestamps.
        """
        self._terms = terms
        self._custom: CustomResources | NoCustomResources = custom or NoCustomResources()
        self._followed: Sequence[Recipe] = ()  # of custom resources
        self._collectors = Collectors(make, self._begin)
        self._changing = threading.Lock()  # held while collectors change
        self._ownership = ownership
        self._membership = membership
        self.server = server
        self._version = version
        self._live = live
        self._reloaded: float | None = None  # when other terms came into force, by the monotonic clock
        self._started_at = time.time()
        self._following = False  # whether this pod's slots are known
        self._complete = False  # whether everything was loaded once; from then on the store is served
        self._closed = False
        self._setup_log = SetupLog()
        self.scrapers = Scrapers(WAITED * terms.period, self._scraped)
        self._ahead = RenderAhead(self._collectors.all, self.scrapers)
        self._handover = Handover(self._collectors.all, ownership, server.clock, terms.period, on=timestamps)
        self._collectors.arrange(terms.recipes, complete=False)
        ownership.on_change(self._take)

    @property
    def ring(self) -> Ring:
        """The ring that divides the slots."""
        return self._ownership.ring

    def start(self) -> None:
        """Start the membership, and the collectors once the slots are known."""
        self._membership.start(self)
        self._custom.start(self)

    def follow(self, recipes: Sequence[Recipe]) -> None:
        """Export these custom resources beside the built-in ones from now on."""
        with self._changing:
            self._collectors.arrange((*self._terms.recipes, *recipes), complete=self._complete)
            self._followed = recipes
        self.notice()

    def loading(self, name: str) -> bool:
        """Return whether an exported resource has yet to be listed, be it for the first time or with other settings."""
        if name in self._collectors.loading:
            return True
        one = self._collectors.exported.get(name)
        return one is not None and not one.settled

    def obey(self, terms: Terms) -> None:
        """Export what other terms ask for from now on, without a gap."""
        with self._changing:
            before = self._collectors.exported
            made = self._collectors.arrange((*terms.recipes, *self._followed), complete=self._complete)
            gone = before.keys() - self._collectors.exported.keys()
            self._terms = terms
            self._reloaded = time.monotonic()
            self.scrapers.period, self._handover.period = WAITED * terms.period, terms.period
        LOG.info("loaded anew: %s; exported no longer: %s", _listed(made), _listed(gone))
        self.notice()

    def bring(self, custom: "CustomResources | None") -> None:
        """Have custom resources brought by another source from now on, or by none."""
        former, self._custom = self._custom, NoCustomResources()
        former.stop()  # calls `follow` no more
        self.follow(())
        with self._changing:  # or a probe could find a thread that has yet to start
            if custom is not None and not self._closed:
                custom.start(self)
                self._custom = custom

    def redeclare(self, declared: "Declared", recipe_of: "RecipeOf") -> None:
        """Have the same source bring custom resources by other entries, or by other recipes."""
        self._custom.redeclare(declared, recipe_of)

    def _begin(self, made: Collector) -> None:
        """Begin with a collector that was made."""
        self._handover.join(made)
        if self._following and not self._closed:
            made.start(self.notice)

    def loaded(self) -> bytes:
        """Return the mask of loaded slots, for the membership."""
        return self._ownership.loaded()

    def changed(self, state: State) -> None:
        """Apply a new state of the membership to timestamps and farewells."""
        self._handover.change(state.leaving)
        self._handover.forget_farewells(self.scrapers.heard(time.monotonic()))
        self._setup_log.tell(self._setup())

    def placed(self) -> None:
        """Start the collectors: this pod's slots are known."""
        with self._changing:
            if self._closed:
                return
            self._following = True
            self._ahead.thread.start()
            for one in self._collectors.all():
                one.start(self.notice)
        self.notice()  # for a process without collectors nobody else does

    def scrape(self, scrape: Scrape) -> list[Body] | None:
        """Return the bodies of a scrape; None before everything is loaded.

        A resource whose first list is in progress is left out rather than shown in part.
        """
        if not self._complete:
            return None
        catch_up(self._collectors.all())
        # Only scrapes show the difference, and a replacement catches up without news. One that is being made takes its time.
        if self._collectors.loading and self._changing.acquire(blocking=False):
            try:
                self._collectors.swap()
            finally:
                self._changing.release()
        shown = [one for name, one in self._collectors.exported.items() if one.shown and scrape.wanted(name)]
        if scrape.draining:
            self._handover.drain()
        self._handover.forget_farewells(self.scrapers.heard(time.monotonic()))
        return self._handover.bodies(shown, scrape)

    def scraped(self) -> float:
        """Return the time since which every regular scraper has completed a scrape.

        A scrape does not count if it began after a decision to let slots go, but before the decision was carried out.
        """
        moment = self.scrapers.scraped(time.monotonic())
        return moment if moment > self._handover.since else -math.inf

    def retired(self) -> int:
        """Return the bytes of pages replaced since the start."""
        return self._collectors.retired()

    def drain_period(self) -> float:
        """Return the seconds to serve on after SIGTERM."""
        return self._terms.drain

    def known(self, resource: str) -> bool:
        """Return whether a resource of that name is exported, or would be if the API server had it."""
        return bool(self.named(resource)) or self._custom.declares(resource)

    def exists(self, resource: str) -> bool:
        """Return whether a resource of that name could be enabled."""
        return resource in kinds.names() or self.known(resource)

    def named(self, resource: str) -> set[str]:
        """Return the names of the exported resources that go by a name: plural, or plural.group of custom ones."""
        if resource in self._collectors.exported:
            return {resource}
        return {
            name
            for name, one in self._collectors.exported.items()
            if name != one.resource.plural
            and resource in {one.resource.plural, f"{one.resource.plural}.{one.resource.group}"}
        }

    def readiness(self) -> Readiness:
        """Return the readiness.

        A loaded process stays ready, unless it loads slots more slowly than others hand them over.
        """
        state, notes = self._membership.state(), []
        for one in self._collectors.exported.values():
            notes += [f"{one.resource.name}: {word} (not waited for)" for word in one.exemptions()]
        notes += [f"{name}: is being loaded with other settings" for name in self._collectors.loading]
        notes += self._custom.notes()
        if not self._complete:
            return Readiness(ready=False, problems=self._problems(), notes=notes)
        unready = [state.unready] if state.unready else []
        return Readiness(not unready, unready, notes)

    def liveness(self) -> list[str]:
        """Return a line for each thread that has ended."""
        if all(thread.is_alive() for thread in self._threads()):
            return []
        with self._changing:  # collectors that are being made are known before their threads start
            return [f"{thread.name}: its thread has ended" for thread in self._threads() if not thread.is_alive()]

    def objects(self) -> int:
        """Return the number of objects in all stores."""
        return sum(one.objects for one in self._collectors.all())

    def status(self) -> Status:
        """Return the state for the status page and the telemetry."""
        state, ring = self._membership.state(), self._ownership.ring
        gained = difference(state.held, self._ownership.loaded())
        return Status(
            shard=state.shard,
            total=state.total,
            pod=self._membership.pod,
            version=self._version,
            started=self._started_at,
            ring=ring.name,
            digest=ring.digest(state.total) if state.total else "",
            phase=state.phase,
            phase_seconds=self._membership.phase_seconds(),
            slots=Slots(
                own=state.own,
                gained=gained,
                lost=self._membership.lost(),
                held=state.held_for_others,
                covering=state.covering,
            ),
            siblings=self._membership.siblings(),
            resources=status_of(self._collectors.exported.values()),
            object_limit=self._terms.object_limit,
            problem=state.problem,
            membership=self._membership.watches(),
            config=self._live.status() if self._live is not None else None,
            custom=self._custom.status(),
            setup=self._setup(),
            settings=self._terms.settings,
        )

    def owner(self, uid: str) -> Owner:
        """Return the shard that serves the object with a uid."""
        return self._owner(uid, self._ownership.ring.slot_of(uid))

    def find(self, resource: str, namespace: str, name: str, *, search: bool = True) -> Owner | None:
        """Return the shard that serves a named object; None if there is none.

        Objects of other shards are looked up in the API server, if `search` says so.
        """
        exported = self._collectors.exported
        among = [exported[one] for one in sorted(self.named(resource) & exported.keys())]
        found = (self._find(one, namespace, name, search=search) for one in among)
        return next((owner for owner in found if owner is not None), None)

    def _find(self, collector: Collector, namespace: str, name: str, *, search: bool) -> Owner | None:
        """Return the shard that serves a named object of one collector's resource."""
        catch_up([collector])
        collector.flush()
        slot = collector.store.slot_of(f"{namespace}/{name}")
        if slot is not None:
            return self._owner("", slot)
        path = path_of(collector.resource, namespace)
        if not (search and path and collector.covers(path, namespace)):
            return None
        try:
            uid = uid_of(self.server, path, name)
        except (RequestError, WireError) as error:
            raise NoAnswer(
                f"not served here, and not found out: {error}", refused=isinstance(error, Refused)
            ) from error
        return self.owner(uid) if uid else None

    def report(self) -> str:
        """Return the report for `ksm-shard check` and `plan`, as JSON."""
        state = self._membership.state()
        declared = self._custom.status()
        custom = declared.file if declared is not None else None
        return Report(
            pod=self._membership.pod,
            shard=state.shard,
            total=state.total,
            ring=self.ring.name,
            digest=self.ring.digest(state.total) if state.total else "",
            version=self._version,
            settings=self._terms.settings,
            settings_problem=self._live.status().problem if self._live is not None else "",
            reloaded=self._since_reload(custom),
            phase=state.phase,
            ready=self.readiness().ready,
            own=state.own,
            held=state.held,
            memory=resident(),
            resources=reported(self._collectors.exported.values(), self._collectors.loading),
            custom="" if custom is None else f"{custom.hash:012x}",
            problem=state.problem,
            membership=self._membership.watches(),
            setup={str(check): line for check, line in self._setup().items()},
            filters=self._terms.filters,
        ).to_json()

    def _since_reload(self, custom: DeclaredStatus | None) -> float | None:
        """Return the seconds since other settings or entries came into force; None where those of the start are."""
        settings = [] if self._reloaded is None else [time.monotonic() - self._reloaded]
        entries = [time.time() - custom.read] if custom is not None and custom.read > self._started_at else []
        return min([*settings, *entries], default=None)

    def close(self) -> None:
        """Stop all threads, and wait for LAST_WAIT seconds at most."""
        threads = self._threads()
        with self._changing:
            self._closed = True
        self._ahead.stop()
        self._membership.stop()
        if self._live is not None:
            self._live.stop()
        self._custom.stop()
        for one in self._collectors.all():
            one.stop()
        deadline = time.monotonic() + LAST_WAIT
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def notice(self) -> None:
        """Note lists that have ended, and swap in collectors that have loaded.

        Called on the threads of informers and of custom resources.
        """
        with self._changing:
            self._collectors.swap()
            versions = [one.listed_version() for one in self._collectors.exported.values()]
            listed = min((version for version in versions if version is not None), default=self._ownership.version)
            self._ownership.confirm(listed)
            self._complete = self._complete or not self._problems()
        self._setup_log.tell(self._setup())
        self._membership.notice()

    def _setup(self) -> Setup:
        """Return what is wrong with how this process was set up."""
        return {**self._membership.setup(), **rights_problems(self._collectors.exported.values())}

    def _problems(self) -> list[str]:
        """Return a line for each resource the first scrape waits for.

        Empty once everything is loaded.
        """
        state, collectors = self._membership.state(), self._collectors.exported.values()
        problems = (
            [] if state.shard is not None else [state.problem or "the StatefulSet of this pod has not been read yet"]
        )
        problems += self._custom.awaited()
        for one in collectors:
            problems += [f"{one.resource.name}: {line}" for line in one.awaited()]
        if collectors and all(one.exempt for one in collectors):
            problems.append("nothing that is followed can be read")
        # A list may have begun before the map changed: other pods rely on all slots held here (`State.serving`).
        unloaded = self._unloaded(state) if self._membership.pod else 0
        if unloaded and not state.serving:
            problems.append(f"{unloaded} slots are not loaded")
        return problems

    def _unloaded(self, state: State) -> int:
        return difference(state.held, self._ownership.loaded()).count(1)

    def _threads(self) -> list[threading.Thread]:
        ahead, collectors = ([self._ahead.thread], self._collectors.all()) if self._following else ([], [])
        live = self._live.threads() if self._live is not None else []
        return [
            *self._membership.threads(),
            *live,
            *self._custom.threads(),
            *ahead,
            *(thread for one in collectors for thread in one.threads()),
        ]

    def _scraped(self) -> None:
        """Wake the membership if it waits for scrapes of leaving slots."""
        if self._handover.leaving != NONE:
            self._membership.notice()

    def _take(self, gained: bytes, lost: bytes) -> None:
        """Drop the objects of lost slots, and list once more for gained ones."""
        if gained != NONE:
            self._handover.gain(gained)
            # The list interrupts the watches: what is in their sockets would come after it.
            catch_up(self._collectors.all())
        for one in self._collectors.all():
            if lost != NONE:
                one.lose(lost)
            if gained != NONE:
                one.gain()
        self.notice()

    def _owner(self, uid: str, slot: int) -> Owner:
        state, pod = self._membership.state(), self._membership.pod
        if state.shard is None:
            raise NoAnswer("the StatefulSet of this pod has not been read yet, so that the shards are not known")
        if not state.total:
            raise NoAnswer("there is no shard: spec.replicas of the StatefulSet is 0")
        shard = self._ownership.ring.target_map(state.total)[slot]
        name = f"{pod.rpartition('-')[0]}-{state.start + shard}" if pod else ""
        return Owner(uid, slot, shard, state.total, name, held=self._ownership.mask[slot] == 1)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
