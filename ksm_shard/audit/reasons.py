"""Reasons for a difference: a documented one, a filter of the new side, an object that changed just now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ksm_shard.audit.catalogue import Identity, families, identity
from ksm_shard.audit.digest import Digest
from ksm_shard.audit.documented import Side, documented
from ksm_shard.audit.series import Labels, Series
from ksm_shard.audit.sources import StoredScrape
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.metrics.filters import Filters
from ksm_shard.status.report import Report
from ksm_shard.status.states import ReflectorState

# Seconds within which an object counts as new: what one side has heard of, the other may be about to hear.
JUST_NOW: Final = 30.0


class Sort(Enum):
    """Sorts of differences."""

    MISSING = "missing"
    SURPLUS = "surplus"
    VALUE = "of another value"
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason: its text, "" if unknown, and whether nothing is lost by it."""

    text: str
    harmless: bool = False


UNKNOWN: Final = Reason("")
# Whose series may differ so. Whichever exporter is the old one: a series tells by itself which of the two writes it.
SIDES: Final = {
    Sort.MISSING: (Side.THEIRS, Side.OURS),
    Sort.SURPLUS: (Side.OURS, Side.THEIRS),
    Sort.VALUE: (Side.BOTH,),
}


class FilteredSide:
    """Filters of the new side, by its reports, or else by its scrapes."""

    def __init__(self, reports: Sequence[Report], new: Digest) -> None:
        """Take the reports of all shards, none if the new side is no fleet of ksm-shard, and its digest."""
        self._report = reports[0] if reports else None
        self._filters: Mapping[str, Any] = self._report.filters if self._report else {}
        self._exported = {families()[name][0].name for name in new if name in families()}

    def reason(self, resource: Resource, family: Family, labels: Labels, *, vanishes: bool) -> str:
        """Return why a series is left out; "" if no filter does that."""
        given = self._filters
        if self._report and resource.name not in self._report.resources:
            named = given.get("resources", ())
            if named and resource.name not in named:
                return f"--resources of the new side leaves out {resource.name}"
            if not named and not resource.default:
                return f"{resource.name} are exported only if --resources names them"
        elif not self._report and resource.name not in self._exported:
            return f"the new side exports no {resource.name}"
        if vanishes and (filtered := self._family(family)):
            return filtered
        if self._report and (state := self._state(resource)):
            return state
        namespace = labels.get("namespace", "")
        if namespace and namespace in given.get("namespaces-denylist", ()):
            return f"--namespaces-denylist of the new side names {namespace}"
        if namespace and namespace not in given.get("namespaces", (namespace,)):
            return f"--namespaces of the new side leaves out {namespace}"
        if resource.name == "pods" and (given.get("node") or given.get("track-unscheduled-pods")):
            return "the new side exports the pods of some nodes only"
        return f"--metric-{family.allowlist}-allowlist of the new side allows others" if family.allowlist else ""

    def _family(self, family: Family) -> str:
        given = self._filters
        if not self._report:
            return "an opt-in family: --metric-opt-in-list" if family.opt_in else ""
        if family.opt_in and not Filters(opt_in=given.get("metric-opt-in-list", ())).on([family]):
            return "an opt-in family that --metric-opt-in-list of the new side does not name"
        # What has been opted in is judged by the other lists alone.
        opted = (f"^{family.name}$",)
        if not Filters(given.get("metric-allowlist", ()), (), opted).on([family]):
            return "--metric-allowlist of the new side leaves it out"
        if not Filters((), given.get("metric-denylist", ()), opted).on([family]):
            return "--metric-denylist of the new side names it"
        return ""

    def _state(self, resource: Resource) -> str:
        report = self._report.resources.get(resource.name) if self._report else None
        if report is None or report.state == ReflectorState.WATCHING:
            return ""
        hint = "; ksm-shard rbac prints the rights" if report.state == ReflectorState.FORBIDDEN else ""
        return f"the new side cannot follow {resource.name}: {report.state}{hint}"


class Moving:
    """Objects that changed just now, by what the scrapes say of them.

    Times of creation tell new objects, and resource versions those of which the sides show different states.
    """

    def __init__(self, old: Iterable[StoredScrape], new: Iterable[StoredScrape], now: float | None) -> None:
        """Read the scrapes; `now` is None for recorded ones, of which nobody knows when they were made."""
        self._live = now is not None
        versions = _versions(old)
        self._moved = {one for one, version in _versions(new).items() if versions.get(one, version) != version}
        self._created = set() if now is None else _created([*old, *new], now - JUST_NOW)

    def reason(self, resource: Resource, labels: Labels) -> Reason:
        """Return why an object differs; `UNKNOWN` if it did not change just now."""
        one = identity(resource, labels)
        if one in self._created:
            return Reason(f"the object is younger than {JUST_NOW:.0f} s", harmless=True)
        if one in self._moved:
            if self._live:
                return Reason("one side has another resource version of the object, in all rounds")
            return Reason("the object changed between the two scrapes", harmless=True)
        return UNKNOWN


def _of_objects(scrapes: Iterable[StoredScrape], ending: str) -> Iterator[tuple[Identity, float]]:
    """Yield objects, and the value that the family of that ending has for each."""
    names = [name for name in families() if name.endswith(ending)]
    for scrape in scrapes:
        for sample in scrape.samples(names):
            yield identity(families()[sample.name.decode()][0], sample.labels()), sample.value


def _versions(scrapes: Iterable[StoredScrape]) -> Mapping[Identity, float]:
    return dict(_of_objects(scrapes, "_metadata_resource_version"))


def _created(scrapes: Iterable[StoredScrape], since: float) -> set[Identity]:
    return {one for one, created in _of_objects(scrapes, "_created") if created > since}


@dataclass(frozen=True)
class Reasons:
    """All that is known about the two sides."""

    filtered: FilteredSide
    moving: Moving

    def of(self, sort: Sort, series: Series, *, vanishes: bool) -> Reason:
        """Return the reason for the difference of a series."""
        if sort is Sort.TWICE:
            return Reason("several sources have it: see ksm-shard check")
        if found := self._documented(sort, series):
            return found
        known = families().get(series.family)
        if known is None:
            return UNKNOWN
        resource, family = known
        moved = self.moving.reason(resource, series.labels)
        if moved is not UNKNOWN:
            return moved
        if sort is Sort.MISSING:
            return Reason(self.filtered.reason(resource, family, series.labels, vanishes=vanishes))
        if sort is Sort.SURPLUS and family.allowlist:
            return Reason(f"--metric-{family.allowlist}-allowlist of the new side allows others")
        return UNKNOWN

    @staticmethod
    def _documented(sort: Sort, series: Series) -> Reason | None:
        for side in SIDES[sort]:
            if found := documented(side, series):
                lost = sort is Sort.MISSING and side is Side.OURS
                return Reason(f"intended: {found.text} ({found.place})", harmless=not lost)
        return None
