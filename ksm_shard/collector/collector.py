"""Collector of one resource: compiled families, store, informers, bodies."""

from collections.abc import Callable, Sequence
from threading import Thread
from typing import Final

from ksm_shard.cluster.protocols import Api, Stop
from ksm_shard.cluster.reader import Target
from ksm_shard.collector.exposed import Exposed
from ksm_shard.collector.informer import Informer, StatsObserver
from ksm_shard.collector.pending import Allowance
from ksm_shard.collector.sink import RenderErrors, StoreSink
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.headers import header
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.status.custom import FamilyTally
from ksm_shard.status.stats import Stats
from ksm_shard.store.distinct import distinct
from ksm_shard.store.pages import Body, deflate, inflate
from ksm_shard.store.stamps import Stamp
from ksm_shard.store.store import Store

NO_BODY: Final = Body.of(())


def _nobody() -> None:
    """Do nothing; the callback for news before the start."""


class Collector:
    """One exported resource with its enabled families.

    Attributes:
        resource: the resource.
        families: the enabled ones, in the order of a scrape.
        store: the samples of the objects that this shard owns.
        stats: counts of events, for the telemetry.
        informers: one for each target; several where the settings name namespaces or nodes.
        repeated: number of samples that are not exposed, as another object has the same series, by index of the family.
        shown: whether scrapes include the resource: true once every readable target has been listed.
    """

    def __init__(
        self,
        resource: Resource,
        families: Sequence[Family],
        ownership: Ownership,
        clock: Callable[[], float],
        *,
        labels_allowlist: Sequence[str] = (),
        annotations_allowlist: Sequence[str] = (),
        allowance: Allowance | None = None,
    ) -> None:
        """Compile the families.

        The clock, in seconds, limits the rate of log lines and times the loss of rights. `allowance` is for the bytes of objects
        that wait, those of all collectors together.
        """
        self.resource = resource
        self.stats = Stats()
        self._clock = clock
        self._errors = RenderErrors(resource.name, self.stats, clock)
        self._ownership = ownership
        self._uncounted: set[str] = set()  # counters that had a value below zero since the process began
        self._compiled = compile_resource(
            resource,
            families,
            failed=self._failed,
            duplicated=self._errors.duplicated,
            noted=self._errors.noted,
            labels_allowlist=labels_allowlist,
            annotations_allowlist=annotations_allowlist,
        )
        self.families = self._compiled.families
        self.store = Store(len(self._compiled.live))
        self.informers: list[Informer] = []
        self._targets: list[Target] = []
        self._allowance = allowance or Allowance()
        self._sinks: list[StoreSink] = []  # each puts objects under its own source number, which is its index
        self._news: Callable[[], None] = _nobody
        self.shown = False
        repeating = [index for index in self._compiled.live if self.families[index].repeats]
        # As they were in the store and as they are exposed: what did not change since the last scrape is not looked through.
        self._distinct = dict.fromkeys(repeating, (NO_BODY, NO_BODY))
        self.repeated = dict.fromkeys(repeating, 0)
        self._headers = {
            openmetrics: [
                Body.of([deflate(header(family, openmetrics=openmetrics).encode())]) for family in self.families
            ]
            for openmetrics in (False, True)
        }

    def sink(self) -> StoreSink:
        """Return the sink of one more informer."""
        made = StoreSink(
            self.resource,
            self._compiled,
            self.store,
            self._ownership,
            self._errors,
            self._tell,
            len(self._sinks),
            self._allowance,
        )
        self._sinks.append(made)
        return made

    def follow(self, target: Target, api: Api, stop: Stop | None = None) -> Informer:
        """Add an informer of a target; `start` begins it, `stop` ends it."""
        observer = StatsObserver(self.stats, self._tell, self._clock)
        informer = Informer(target, api, self.sink(), observer, self.resource.name, stop)
        self.informers.append(informer)
        self._targets.append(target)
        return informer

    def covers(self, path: str, namespace: str) -> bool:
        """Tell whether objects of a namespace, whose list path is given, are among those to export."""
        denied = f"metadata.namespace!={namespace}"
        return any(
            target.path in {path, self.resource.path}
            and denied not in target.selectors().get("fieldSelector", "").split(",")
            for target in self._targets
        )

    def start(self, news: Callable[[], None]) -> None:
        """Start all informers.

        `news` is called on their threads when a list ends or a state changes.
        """
        self._news = news
        for informer in self.informers:
            informer.thread.start()

    def stop(self) -> None:
        """Stop all informers without waiting for them, and forget what waits to be rendered."""
        for informer in self.informers:
            informer.reflector.stop()
        for sink in self._sinks:
            sink.end()

    def threads(self) -> list[Thread]:
        """Return the thread of each informer."""
        return [informer.thread for informer in self.informers]

    @property
    def exempt(self) -> bool:
        """True if every informer is exempt: rights or the API are missing."""
        return all(informer.exempt for informer in self.informers)

    @property
    def settled(self) -> bool:
        """True if every readable target has been listed once."""
        return all(informer.exempt or informer.listed for informer in self.informers)

    @property
    def lost(self) -> bool:
        """Tell whether some of the objects could be read and may not be any more."""
        return any(informer.lost(self._clock()) for informer in self.informers)

    def exemptions(self) -> list[str]:
        """Return the state of each informer that readiness does not wait for."""
        return [informer.reflector.state for informer in self.informers if informer.exempt]

    def awaited(self) -> list[str]:
        """Return the state and last error of each informer not listed yet.

        Exempt informers are left out.
        """
        waited = [informer.reflector for informer in self.informers if not informer.exempt and not informer.listed]
        return [one.state + (f": {one.last_error}" if one.last_error else "") for one in waited]

    def listed_version(self) -> int | None:
        """Return the ownership version of the oldest list of all targets.

        None if no target is readable.
        """
        return min((one.sink.listed_version for one in self.informers if not one.exempt), default=None)

    def gain(self) -> None:
        """Ask every informer for a list of the gained slots."""
        for informer in self.informers:
            if informer.thread.is_alive():
                informer.reflector.relist_soon("gained")

    def lose(self, lost: bytes) -> None:
        """Drop the objects of lost slots. `lost` is a mask."""
        for informer in self.informers:
            informer.sink.forget(lost)
        self.store.release(lost)

    @property
    def objects(self) -> int:
        """Number of objects of this shard, those included that wait to be rendered."""
        return len(self.store) + sum(sink.waiting_added for sink in self._sinks)

    @property
    def waiting(self) -> int:
        """Number of objects that wait to be rendered."""
        return sum(sink.waiting for sink in self._sinks)

    def flush(self) -> None:
        """Render all objects that wait; any thread may call."""
        for sink in self._sinks:
            sink.flush()

    def exposed(self, *, openmetrics: bool, stamp: Stamp | None = None) -> list[Exposed]:
        """Return the header and current samples of each family, after rendering what waits.

        There are none while no object exists, as in kube-state-metrics. OpenMetrics has no counts below zero: a strict
        parser would refuse the whole scrape, so such samples are left out.

        Args:
            openmetrics: whether to write OpenMetrics rather than the text format.
            stamp: the timestamp for samples of leaving slots; None for no timestamps.
        """
        self.flush()
        if self.store.empty:
            return []
        samples = dict(zip(self._compiled.live, self.store.bodies(stamp), strict=True))
        for index, (known, _) in self._distinct.items():
            if samples[index] is not known:
                found, self.repeated[index] = distinct(samples[index])
                self._distinct[index] = samples[index], found
            samples[index] = self._distinct[index][1]
        if openmetrics and self._uncounted:
            samples |= {
                index: _counts(samples[index]) for index in samples if self.families[index].name in self._uncounted
            }
        return [
            Exposed(self.families[index], head, samples.get(index, NO_BODY))
            for index, head in enumerate(self._headers[openmetrics])
        ]

    def tallies(self) -> dict[str, FamilyTally]:
        """Return how much there is of each family that a file declares, without what waits."""
        live = ((self.families[index], at) for at, index in enumerate(self._compiled.live))
        return {family.name: FamilyTally(*self.store.tally(at)) for family, at in live if family.shape == "source"}

    def _failed(self, family: Family, error: Exception) -> None:
        if family.type == "counter":
            self._uncounted.add(family.name)
        self._errors.failed(family, error)

    def _tell(self) -> None:
        self.shown = self.shown or (self.settled and any(informer.listed for informer in self.informers))
        self._news()


def _counts(body: Body) -> Body:
    """Return the body without samples that are negative or NaN.

    Inflating costs 20 us a page; pages without such samples are kept as they are.
    """
    pages = []
    for page in body.pages:
        lines = inflate(page).splitlines(keepends=True)
        kept = [line for line in lines if not line.rpartition(b"} ")[2].startswith((b"-", b"NaN"))]
        pages.append(page if len(kept) == len(lines) else deflate(b"".join(kept)))
    return Body.of(pages)
