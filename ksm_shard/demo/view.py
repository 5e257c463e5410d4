"""The result of a query, held against one exporter of the same cluster.

Two scrapes of a cluster that changes are never of the same moment. So a series is missing if a query does not see it, though all
scrapes of the exporter alone have it: those of some seconds before the query, and one after it. It is too many if a query has
seen it for some seconds, though none of them has it, and its object is there: `count by (uid) (kube_pod_info) > 1` finds such.
What a query sees of objects that are gone is neither.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

# Kinds have a family `_created`, with one series for each object; of those that have none, another one is counted.
ONE_EACH: Final = frozenset({"kube_lease_owner", "kube_user_cpu_total"})
NOTHING: Final = frozenset[str]()
UID: Final = re.compile(r'[{,]uid="([^"]+)"')


@dataclass(frozen=True)
class Sight:
    """The result of a query.

    Attributes:
        moved: objects that another shard has than at the last look.
        shares: how many objects each shard has, by pod.
    """

    objects: int
    series: int
    missing: int
    twice: int
    moved: int
    shares: Mapping[str, int]

    @property
    def right(self) -> bool:
        """True if every series is there, and once."""
        return not self.missing and not self.twice


class View:
    """Looks at the fleet again and again, once a second."""

    def __init__(self, late: float) -> None:
        """Doubt changes that are less than so many seconds old."""
        self._late = late
        self._alone: deque[tuple[float, frozenset[str]]] = deque()
        self._doubted: dict[str, float] = {}
        self._owners: dict[str, str] = {}
        self._known: frozenset[str] = frozenset()
        self._of_objects: set[str] = set()

    def alone(self, began: float, series: frozenset[str]) -> None:
        """Take a scrape of the exporter alone."""
        self._alone.append((began, series))

    def knows(self, at: float) -> bool:
        """Return True if the exporter alone was scraped after that time, or never."""
        return not self._alone or self._alone[-1][0] > at

    def look(self, at: float, visible: Iterable[str], tracked: Mapping[str, frozenset[str]]) -> Sight:
        """Judge a query of that time.

        Args:
            at: seconds since 1970.
            visible: the series in its result.
            tracked: the series that each pod wrote without timestamps then.
        """
        there = frozenset(visible)
        while len(self._alone) > 1 and self._alone[1][0] <= at - self._late:
            self._alone.popleft()
        recent = [series for _, series in self._alone]
        long = bool(recent) and self._alone[0][0] <= at - self._late
        expected = recent[0].intersection(*recent[1:]) if long else frozenset()
        doubted = there.difference(*recent) if long else frozenset()
        self._of_objects = {series for series in there - self._known if _is_object(series)} | self._of_objects & there
        self._known = there
        objects = self._of_objects
        moved = self._move(objects, tracked)
        return Sight(
            objects=len(objects),
            series=len(there),
            missing=len(expected - there),
            twice=self._twice(at, doubted, recent[-1] if long else ()),
            moved=moved,
            shares=Counter(self._owners[one] for one in objects if one in self._owners),
        )

    def _twice(self, at: float, doubted: Iterable[str], alone: Iterable[str]) -> int:
        self._doubted = {series: self._doubted.get(series, at) for series in doubted}
        long = [series for series, since in self._doubted.items() if at - since >= self._late]
        uids = {_uid(series) for series in alone} if long else set()
        return sum(_uid(series) in uids for series in long)

    def _move(self, objects: set[str], tracked: Mapping[str, frozenset[str]]) -> int:
        """Note the owners of the objects; return the number of moved ones.

        While two shards have an object, it is still the first one's.
        """
        before = self._owners
        self._owners = {one: before[one] for one in objects if one in before}
        moved = 0
        for pod, series in tracked.items():
            for one in objects & series:
                owner = before.get(one, pod)
                if owner == pod or one not in tracked.get(owner, NOTHING):
                    self._owners[one] = pod
                    moved += owner != pod
        return moved


def _is_object(series: str) -> bool:
    name = series.partition("{")[0]
    return name.endswith("_created") or name in ONE_EACH


def _uid(series: str) -> str:
    """Return the uid in a series; "" if there is none."""
    found = UID.search(series)
    return found[1] if found else ""
