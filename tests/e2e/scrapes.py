"""What is missing and what is there twice, by the scrapes of a whole fleet, one round a second."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Series of what stays: the last label before the name's value tells the kind of object.
STAYS = '"stays-'
OBJECT = re.compile(r'[{,](pod|configmap|pot)="(stays-\d+)"')


@dataclass(frozen=True)
class Round:
    """One scrape of every shard, at the same time as nearly as can be.

    Attributes:
        at: when it began.
        ended: when the last shard had answered.
        missing: series that were in none.
        twice: how many were in more than one.
    """

    at: float
    ended: float
    missing: frozenset[str]
    twice: int


class Scrapes:
    """All rounds, against every series of the objects that stay; before these are known, rounds are not kept.

    Attributes:
        rounds: all so far.
        series: that there should be, each once; `expect` makes it.
    """

    def __init__(self) -> None:
        self.rounds: list[Round] = []
        self.series: frozenset[str] = frozenset()

    def expect(self, texts: Sequence[str]) -> None:
        """Take the series of these scrapes for those that there are to be."""
        self.series = frozenset(_series(texts))

    def add(self, at: float, ended: float, texts: Sequence[str]) -> None:
        """Take a round."""
        if self.series:
            found = Counter(_series(texts))
            twice = sum(found[name] > 1 for name in self.series)
            self.rounds.append(Round(at, ended, self.series - found.keys(), twice))

    def since(self, began: float) -> list[Round]:
        """Return the rounds that began since then."""
        return [one for one in self.rounds if one.at >= began]


def objects(series: Iterable[str]) -> set[tuple[str, str]]:
    """Return kind and name of the objects that series are of."""
    return {match.groups() for one in series if (match := OBJECT.search(one))}  # type: ignore[misc]  # two groups


def _series(texts: Iterable[str]) -> list[str]:
    """Return the series of the objects that stay, without their values and timestamps."""
    return [
        line[: line.rindex("}") + 1] for text in texts for line in text.splitlines() if STAYS in line and line[0] != "#"
    ]
