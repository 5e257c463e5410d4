"""Findings of a comparison: the differences that persist, as text, with reasons and examples."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from ksm_shard.audit.differences import Differences, FamilyDifference
from ksm_shard.audit.reasons import Reason, Reasons, Sort
from ksm_shard.audit.series import Labels, Series
from ksm_shard.audit.sources import StoredScrape

# Series that are shown of each finding.
EXAMPLES: Final = 2

# How a series differs, and its values on the old and the new side.
Differing = tuple[Sort, float | None, float | None]
SeriesOf = Callable[["FamilyFindings", int, float, Labels], Iterator[Differing]]


@dataclass
class Finding:
    """Series of one family that differ in one way for one reason.

    Attributes:
        sort: how they differ.
        reason: why.
        count: number of the series.
        examples: some of them.
    """

    sort: Sort
    reason: Reason
    count: int = 0
    examples: list[Series] = field(default_factory=list)

    @property
    def is_loss(self) -> bool:
        """True if a switch to the new side would lose or falsify these series."""
        return self.sort is not Sort.SURPLUS and not self.reason.harmless


@dataclass
class FamilyFindings:
    """All findings of one family.

    Attributes:
        name: of the family.
        difference: what persists.
        findings: by sort and reason.
        old_labels, new_labels: names of the labels on each side, of families with findings.
    """

    name: str
    difference: FamilyDifference
    findings: dict[tuple[Sort, Reason], Finding] = field(default_factory=dict)
    old_labels: set[str] = field(default_factory=set)
    new_labels: set[str] = field(default_factory=set)
    reason: Reason = field(default=Reason(""))  # of a family that vanishes without series

    @property
    def lost(self) -> int:
        """Number of series that a switch would lose or falsify."""
        return sum(one.count for one in self.findings.values() if one.is_loss)

    @property
    def is_loss(self) -> bool:
        """True if a switch loses anything; a family that has no series at the moment may have some later."""
        return self.lost > 0 or (self.difference.vanishes and not self.difference.missing and not self.reason.harmless)

    @property
    def lost_labels(self) -> frozenset[str]:
        """Labels that no series of the new side has."""
        return frozenset(self.old_labels - self.new_labels) if self.difference.new else frozenset()

    def add(self, sort: Sort, reason: Reason, series: Series) -> None:
        """Count a series."""
        found = self.findings.setdefault((sort, reason), Finding(sort, reason))
        found.count += 1
        if len(found.examples) < EXAMPLES:
            found.examples.append(series)


def findings(
    persistent: Differences, old: Sequence[StoredScrape], new: Sequence[StoredScrape], reasons: Reasons
) -> Mapping[str, FamilyFindings]:
    """Return the findings of all families, in their order.

    The scrapes are read once more, for the text of the series that differ.
    """
    found = {name: FamilyFindings(name, difference) for name, difference in persistent.items()}
    for family in found.values():
        if family.difference.vanishes and not family.difference.missing:
            empty = Series(family.name, {}, None, None)
            family.reason = reasons.of(Sort.MISSING, empty, vanishes=True)
    _add(found, old, reasons, _old_series)
    _add(found, new, reasons, _new_series)
    return found


def _add(
    found: Mapping[str, FamilyFindings], scrapes: Sequence[StoredScrape], reasons: Reasons, series_of: SeriesOf
) -> None:
    differing = [name for name, one in found.items() if not one.difference.is_none]
    seen: set[int] = set()  # of the series that are there several times
    for sample in chain.from_iterable(scrape.samples(differing) for scrape in scrapes):
        one, number = found[sample.name.decode()], sample.series
        labels = sample.labels()
        for sort, old, new in series_of(one, number, sample.value, labels):
            again = number in one.difference.repeated or number in one.difference.twice
            if again and number in seen:
                continue
            seen |= {number} if again else set()
            series = Series(one.name, labels, old, new, number in one.difference.repeated)
            one.add(sort, reasons.of(sort, series, vanishes=one.difference.new is None), series)


def _old_series(one: FamilyFindings, number: int, value: float, labels: Labels) -> Iterator[Differing]:
    one.old_labels.update(labels)
    if number in one.difference.missing:
        yield Sort.MISSING, value, None
    elif number in one.difference.changed:
        yield Sort.VALUE, *one.difference.changed[number]


def _new_series(one: FamilyFindings, number: int, value: float, labels: Labels) -> Iterator[Differing]:
    one.new_labels.update(labels)
    if number in one.difference.twice:
        yield Sort.TWICE, None, value
    elif number in one.difference.surplus:
        yield Sort.SURPLUS, None, value
