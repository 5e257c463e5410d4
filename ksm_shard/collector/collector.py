"""One exported resource: its families compiled, its store, and what a scrape takes from it."""

from collections.abc import Callable, Sequence
from typing import Final

from ksm_shard.collector.sink import RenderErrors, StoreSink
from ksm_shard.metrics.compiler import compile_resource
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.headers import header
from ksm_shard.sharding.ownership import Ownership
from ksm_shard.status.stats import Stats
from ksm_shard.store.pages import Body, deflate, inflate
from ksm_shard.store.stamps import Stamp
from ksm_shard.store.store import Store

NO_BODY: Final = Body((), 0, 0)


class Collector:
    """A resource with those of its families that are on.

    Attributes:
        resource: what is exported.
        families: those that are on, in the order of a scrape.
        store: the samples of the objects that this shard owns.
        stats: what happened, for the telemetry.
        sinks: one for each reflector.
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
    ) -> None:
        """Compile the families. The clock, in seconds, spaces log lines."""
        self.resource = resource
        self.stats = Stats()
        self._troubles = RenderErrors(resource.plural, self.stats, clock)
        self._ownership = ownership
        self._uncounted: set[str] = set()  # counters that had a value below zero, since the process began
        self._compiled = compile_resource(
            resource,
            families,
            failed=self._failed,
            duplicated=self._troubles.duplicated,
            labels_allowlist=labels_allowlist,
            annotations_allowlist=annotations_allowlist,
        )
        self.families = self._compiled.families
        self.store = Store(len(self._compiled.live))
        self.sinks: list[StoreSink] = []
        self._headers = {
            openmetrics: [
                Body.of([deflate(header(family, openmetrics=openmetrics).encode())]) for family in self.families
            ]
            for openmetrics in (False, True)
        }

    def sink(self, on_listed: Callable[[], None]) -> StoreSink:
        """Make the sink of one more reflector; `on_listed` is called whenever a list of it is complete."""
        source = len(self.sinks)
        made = StoreSink(self.resource, self._compiled, self.store, self._ownership, self._troubles, on_listed, source)
        self.sinks.append(made)
        return made

    def _failed(self, family: Family, error: Exception) -> None:
        if family.type == "counter":
            self._uncounted.add(family.name)
        self._troubles.failed(family, error)

    def bodies(self, *, openmetrics: bool, stamp: Stamp | None = None) -> list[Body]:
        """Return each family's header and samples, as they are now; nothing while there is no object, as the reference does.

        OpenMetrics has no counts below zero: for one of them a strict parser refuses the whole scrape.

        Args:
            openmetrics: whether that is the format.
            stamp: the timestamp of what is about to go.
        """
        if self.store.empty:
            return []
        samples = dict(zip(self._compiled.live, self.store.bodies(stamp), strict=True))
        if openmetrics and self._uncounted:
            samples |= {
                index: _counts(samples[index]) for index in samples if self.families[index].name in self._uncounted
            }
        headers = self._headers[openmetrics]
        return [
            body for index, head in enumerate(headers) for body in (head, samples.get(index, NO_BODY)) if body.length
        ]


def _counts(body: Body) -> Body:
    """Leave out samples that are no counts. Pages without any are kept as they are: looking costs 20 us each."""
    pages = []
    for page in body.pages:
        lines = inflate(page).splitlines(keepends=True)
        kept = [line for line in lines if not line.rpartition(b"} ")[2].startswith((b"-", b"NaN"))]
        pages.append(page if len(kept) == len(lines) else deflate(b"".join(kept)))
    return Body.of(pages)
