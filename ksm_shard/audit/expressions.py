"""Expressions of rules and dashboards, with their places, and the families and labels that they use."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ksm_shard.audit.promql import UnclearError, Uses, uses

NOTHING: Final = Uses((), frozenset())


@dataclass(frozen=True)
class Expression:
    """An expression of PromQL, as somebody wrote it.

    Attributes:
        place: file, and group, rule or panel, as text.
        text: the expression.
        record: name of the series that a recording rule makes of it; "" for others.
        shown: labels that texts beside it show, such as annotations and legends.
    """

    place: str
    text: str
    record: str = ""
    shown: frozenset[str] = field(default=frozenset())

    @cached_property
    def fault(self) -> str:
        """The reason why the expression cannot be read; "" if it can."""
        try:
            uses(self.text)
        except UnclearError as error:
            return str(error)
        return ""

    @cached_property
    def uses(self) -> Uses:
        """Selectors and labels; nothing of an expression that cannot be read."""
        return NOTHING if self.fault else uses(self.text)

    def labels_of(self, family: str) -> set[str]:
        """Return the labels that the expression reads of a family, and perhaps of others."""
        matched = {label for selector in self.uses.selectors if selector.selects(family) for label in selector.labels}
        return matched | self.uses.labels | self.shown


class Expressions:
    """All expressions of the rules and dashboards that were given."""

    def __init__(self, expressions: Iterable[Expression]) -> None:
        """Take the expressions; the same one at the same place counts once."""
        self.all: Sequence[Expression] = list(dict.fromkeys(expressions))

    @property
    def unclear(self) -> list[Expression]:
        """Expressions that cannot be read."""
        return [one for one in self.all if one.fault]

    def of(self, families: Iterable[str]) -> Mapping[str, list[Expression]]:
        """Return for each family the expressions that select it; families that none selects are left out."""
        exact: dict[str, list[Expression]] = defaultdict(list)
        others: list[Expression] = []
        for one in self.all:
            names = {named[0][1] if len(named) == 1 and named[0][0] == "=" else "" for named in _names(one)}
            for name in names - {""}:
                exact[name].append(one)
            if "" in names:
                others.append(one)
        found = {}
        for family in families:
            mine = exact.get(family, []) + [one for one in others if _selects(one, family)]
            if mine:
                found[family] = list(dict.fromkeys(mine))
        return found

    def through(self, direct: Iterable[Expression]) -> Mapping[Expression, str]:
        """Return the expressions that use a recording rule among the direct ones, however far, and its record."""
        found: dict[Expression, str] = {}
        direct = list(direct)
        records = {one.record for one in direct if one.record}
        done: set[str] = set()
        while records - done:
            users = self.of(fresh := records - done)
            done |= fresh
            for record, by in users.items():
                for one in by:
                    if one not in direct and one not in found:
                        found[one] = record
                        records |= {one.record} if one.record else set()
        return found


def _names(expression: Expression) -> list[tuple[tuple[str, str], ...]]:
    return [selector.names for selector in expression.uses.selectors]


def _selects(expression: Expression, family: str) -> bool:
    return any(selector.selects(family) for selector in expression.uses.selectors)
