"""Differences of two sides of scrapes, and which of them persist.

What is scraped changes all the time: only what is the same in all rounds of scrapes is a difference.

in all rounds                                               then
----------------------------------------------------------  --------------------------------------
a series is on one side only                                missing, or surplus
a series has the same two values, which differ              of another value
a series has values that differ, others in each round       changing: nothing is known of it
a series is in several scrapes of the new side              twice, unless it is being handed over
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ksm_shard.audit.digest import Digest, FamilyDigest

# How far two writers of one number may be apart: a second in a time of today is 6e-10.
NEAR: Final = 1e-12

Values = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FamilyDifference:
    """The difference of one family.

    Attributes:
        old, new: number of series on each side; None where the family is not known.
        missing, surplus: numbers of the series that are on one side only.
        changed: values of series that have others on the new side.
        changing: series of which the values differed in each round, but were never the same.
        twice: series that several sources of the new side have.
        handed: number of series that several sources of the new side have, because a hand-over is under way.
        repeated: series that the old side has several times.
        types: types of the old and new side, if they differ.
    """

    old: int | None
    new: int | None
    missing: frozenset[int] = frozenset()
    surplus: frozenset[int] = frozenset()
    changed: Mapping[int, Values] = field(default_factory=dict)
    changing: frozenset[int] = frozenset()
    twice: frozenset[int] = frozenset()
    handed: int = 0
    repeated: frozenset[int] = frozenset()
    types: tuple[str, str] | None = None

    @property
    def vanishes(self) -> bool:
        """True if the family is known to the old side and not to the new one, with or without series."""
        return self.old is not None and self.new is None

    @property
    def size(self) -> int:
        """Number of series that differ."""
        return len(self.missing) + len(self.surplus) + len(self.changed) + len(self.twice)

    @property
    def is_none(self) -> bool:
        """True if there is no difference that might persist."""
        return not (self.size or self.vanishes)

    def persisting(self, later: "FamilyDifference") -> "FamilyDifference":
        """Return the part of this difference that a later round has as well."""
        both = self.changed.keys() & later.changed.keys()
        changed = {one: later.changed[one] for one in both if _alike(self.changed[one], later.changed[one])}
        return FamilyDifference(
            later.old,
            later.new,
            self.missing & later.missing,
            self.surplus & later.surplus,
            changed,
            frozenset((both - changed.keys()) | (self.changing & later.changed.keys())),
            self.twice & later.twice,
            later.handed,
            later.repeated,
            later.types,
        )


Differences = Mapping[str, FamilyDifference]


def differences(old: Digest, new: Digest) -> Differences:
    """Return the difference of each family of either side, in the order of the old side."""
    return {name: _of_family(old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])}


def persisting(earlier: Differences, later: Differences) -> Differences:
    """Return the differences that both an earlier and a later round have, with the counts of the later one."""
    return {
        name: earlier[name].persisting(difference)
        if name in earlier
        else FamilyDifference(difference.old or 0, difference.new or 0)  # a family that came meanwhile
        for name, difference in later.items()
    }


def _of_family(old: FamilyDigest | None, new: FamilyDigest | None) -> FamilyDifference:
    before, after = ((one or FamilyDigest()).by_series() for one in (old, new))
    both = {
        one: (before.values[one], value)
        for one, value in after.values.items()
        if one in before.values and not _any_near(before.of(one), after.of(one))
    }
    types = (old.type, new.type) if old and new and old.type != new.type and old.type and new.type else None
    return FamilyDifference(
        None if old is None else len(before.values),
        None if new is None else len(after.values),
        frozenset(before.values.keys() - after.values.keys()),
        frozenset(after.values.keys() - before.values.keys()),
        both,
        frozenset(),
        after.shared - after.handed - before.shared,
        len(after.handed),
        frozenset(before.repeated),
        types,
    )


def _any_near(some: Sequence[float], others: Sequence[float]) -> bool:
    return any(near(one, other) for one in some for other in others)


def near(one: float, other: float) -> bool:
    """Tell whether two values are the same number, written by different exporters."""
    return one == other or (one != one and other != other) or math.isclose(one, other, rel_tol=NEAR)  # noqa: PLR0124  NaN


def _alike(one: Values, other: Values) -> bool:
    return near(one[0], other[0]) and near(one[1], other[1])
