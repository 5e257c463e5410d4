"""Selects the families that are on, by allowlist or denylist and by the opt-in list.

Others are never compiled.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from ksm_shard.metrics.families import Family
from ksm_shard.metrics.patterns import compiled

# Text of the user -> compiled pattern.
Patterns = Mapping[str, re.Pattern[str]]


class Filters:
    """The three lists of families.

    Entries are names or regular expressions, unanchored as in kube-state-metrics.
    """

    def __init__(self, allow: Sequence[str] = (), deny: Sequence[str] = (), opt_in: Sequence[str] = ()) -> None:
        """Compile the lists.

        Raises:
            ValueError: a pattern is not a regular expression, or both `allow` and `deny` are given.
        """
        if allow and deny:
            raise ValueError("--metric-allowlist and --metric-denylist exclude each other: give one of them")
        self._allow = _compiled("--metric-allowlist", allow)
        self._deny = _compiled("--metric-denylist", deny)
        self._opt_in = _compiled("--metric-opt-in-list", opt_in)

    def on(self, families: Iterable[Family]) -> list[Family]:
        """Return the families that are on."""
        return [family for family in families if self._is_on(family)]

    def without_effect(self, families: Iterable[Family]) -> list[str]:
        """Return a warning for each pattern that turns no given family on or off."""
        families = list(families)
        lists = (
            ("--metric-allowlist", self._allow, self._fault_of_allowed),
            ("--metric-denylist", self._deny, lambda _: ""),
            ("--metric-opt-in-list", self._opt_in, self._fault_of_opted_in),
        )
        found = []
        for flag, patterns, fault_of in lists:
            for text, pattern in patterns.items():
                matched = [family for family in families if pattern.search(family.name)]
                if fault := fault_of(matched) if matched else "no family of the enabled resources":
                    found.append(f"{flag}: {text} matches {fault}")
        return found

    def _fault_of_allowed(self, matched: list[Family]) -> str:
        return "" if self.on(matched) else "only opt-in families, which --metric-opt-in-list has to name too"

    def _fault_of_opted_in(self, matched: list[Family]) -> str:
        matched = [family for family in matched if family.opt_in]
        if not matched:
            return "no opt-in family: docs/metrics.md marks those"
        if self.on(matched):
            return ""
        return f"only families that {'--metric-denylist names' if self._deny else '--metric-allowlist leaves out'}"

    def _is_on(self, family: Family) -> bool:
        if family.opt_in and not _matches(self._opt_in, family.name):
            return False
        if self._allow:
            return _matches(self._allow, family.name)
        return not _matches(self._deny, family.name)


def _matches(patterns: Patterns, name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns.values())


def _compiled(flag: str, texts: Iterable[str]) -> Patterns:
    patterns = {}
    for text in texts:
        try:
            patterns[text] = compiled(text)
        except re.error as error:
            raise ValueError(f"{flag}: {text!r} is neither a name nor a regular expression: {error}") from None
    return patterns
