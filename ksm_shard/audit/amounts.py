"""Amounts of series, bytes and new series by family, label and namespace.

New series are counted by holding a scrape against an earlier one. Without, they are estimated: the new part of a family's series is
that of its objects which were created within the last hour.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ksm_shard.audit.catalogue import families
from ksm_shard.audit.digest import Digest
from ksm_shard.audit.distinct_values import DistinctValues
from ksm_shard.audit.exposition import Header, Sample

HOUR: Final = 3600.0
NAMESPACE: Final = b"namespace"
NOBODY: Final = b""  # the namespace of what is in none


@dataclass(slots=True)
class SeriesAmount:
    """An amount of series.

    Attributes:
        series: number of series.
        bytes: of their text.
        new: number of series an hour that were not there before.
    """

    series: int = 0
    bytes: int = 0
    new: float = 0.0

    def add(self, other: "SeriesAmount") -> None:
        """Add another amount."""
        self.series += other.series
        self.bytes += other.bytes
        self.new += other.new


@dataclass(slots=True)
class FamilyAmount:
    """The amount of one family, by namespace and by label.

    The bytes of a label are those of its name and values alone.
    """

    total: SeriesAmount = field(default_factory=SeriesAmount)
    namespaces: dict[bytes, SeriesAmount] = field(default_factory=lambda: defaultdict(SeriesAmount))
    labels: dict[bytes, SeriesAmount] = field(default_factory=lambda: defaultdict(SeriesAmount))


@dataclass(frozen=True, slots=True)
class Amounts:
    """All amounts of a scrape.

    Attributes:
        families: by name, those without series included.
        values: for each label the number of its distinct values.
    """

    families: Mapping[str, FamilyAmount]
    values: Mapping[str, int]

    def total(self, names: Iterable[str]) -> SeriesAmount:
        """Return the amount of some families together."""
        found = SeriesAmount()
        for name in names:
            found.add(self.families[name].total)
        return found

    def by_label(self) -> dict[str, SeriesAmount]:
        """Return the amounts by label."""
        return self._merged(one.labels for one in self.families.values())

    def by_namespace(self) -> dict[str, SeriesAmount]:
        """Return the amounts by namespace; "" is what is in none."""
        return self._merged(one.namespaces for one in self.families.values())

    @staticmethod
    def _merged(parts: Iterable[Mapping[bytes, SeriesAmount]]) -> dict[str, SeriesAmount]:
        merged: dict[bytes, SeriesAmount] = defaultdict(SeriesAmount)
        for part in parts:
            for key, amount in part.items():
                merged[key].add(amount)
        return {key.decode("utf-8", "replace"): amount for key, amount in merged.items()}


def amounts(
    scrapes: Sequence[Iterable[Sample | Header]], now: float, earlier: Digest | None = None, seconds: float = HOUR
) -> Amounts:
    """Count what is in the scrapes of one exporter.

    Args:
        scrapes: of all its shards.
        now: time of the scrapes, in Unix seconds.
        earlier: an earlier scrape of the same exporter; None to estimate new series from times of creation.
        seconds: time since the earlier scrape.

    Raises:
        UnreadableError: one of them is no scrape.
    """
    counted: dict[bytes, FamilyAmount] = defaultdict(FamilyAmount)
    values: dict[bytes, DistinctValues] = defaultdict(DistinctValues)
    births = _Births(now)
    known: set[int] = set()
    name = None
    for scrape in scrapes:
        for one in scrape:
            family = counted[one.name]
            if isinstance(one, Header):
                continue
            if one.name != name:
                # A scrape has its series by family: the earlier ones of one family at a time are enough.
                name = one.name
                known = set(earlier[name.decode()].series) if earlier and name.decode() in earlier else set()
            new = HOUR / seconds if earlier is not None and one.series not in known else 0.0
            namespace = _count(family, values, one, new)
            if earlier is None and name.endswith(b"_created"):
                births.note(name.decode(), namespace, one.value)
    if earlier is None:
        for key, family in counted.items():
            births.estimate(key.decode(), family)
    return Amounts(
        {key.decode(): family for key, family in counted.items()},
        {key.decode(): len(one) for key, one in values.items()},
    )


def _count(family: FamilyAmount, values: Mapping[bytes, DistinctValues], sample: Sample, new: float) -> bytes:
    """Add a sample to its family; return its namespace."""
    namespace = NOBODY
    labels = family.labels
    for pair in sample.pairs:
        label, _, value = pair.partition(b'="')
        amount = labels[label]
        amount.series += 1
        amount.bytes += len(pair) + 2
        amount.new += new
        values[label].add(value)
        if label == NAMESPACE:
            namespace = value
    for amount in (family.total, family.namespaces[namespace]):
        amount.series += 1
        amount.bytes += sample.size
        amount.new += new
    return namespace


class _Births:
    """Objects by resource and namespace, and how many of them were created within the last hour."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._all: dict[tuple[str, bytes], int] = defaultdict(int)
        self._young: dict[tuple[str, bytes], int] = defaultdict(int)

    def note(self, family: str, namespace: bytes, created: float) -> None:
        if known := families().get(family):
            key = known[0].name, namespace
            self._all[key] += 1
            self._young[key] += self._now - HOUR < created <= self._now

    def estimate(self, name: str, family: FamilyAmount) -> None:
        known = families().get(name)
        if known is None:
            return
        for namespace, amount in family.namespaces.items():
            key = known[0].name, namespace
            if young := self._young[key]:
                amount.new = amount.series * young / self._all[key]
                family.total.new += amount.new
        for amount in family.labels.values():
            amount.new = family.total.new * amount.series / family.total.series
