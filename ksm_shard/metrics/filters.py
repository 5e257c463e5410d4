"""Which families are on: allowlist or denylist, and the opt-in list. A family that is off is never compiled."""

import re
from collections.abc import Iterable, Sequence

from ksm_shard.metrics.families import Family


class Filters:
    """Lists of exact names or regular expressions, which match anywhere in a name, as kube-state-metrics' do."""

    def __init__(self, allow: Sequence[str] = (), deny: Sequence[str] = (), opt_in: Sequence[str] = ()) -> None:
        """Compile the lists.

        Raises:
            ValueError: a pattern is no regular expression, or both `allow` and `deny` are given.
        """
        if allow and deny:
            raise ValueError("--metric-allowlist and --metric-denylist exclude each other: give one of them")
        self._allow = [_compile("--metric-allowlist", text) for text in allow]
        self._deny = [_compile("--metric-denylist", text) for text in deny]
        self._opt_in = [_compile("--metric-opt-in-list", text) for text in opt_in]

    def on(self, families: Iterable[Family]) -> list[Family]:
        """Return the families that are on."""
        return [family for family in families if self._is_on(family)]

    def unmatched(self, families: Iterable[Family]) -> list[str]:
        """Return a line for each pattern that matches none of these families."""
        names = [family.name for family in families]
        lists = (
            ("--metric-allowlist", self._allow),
            ("--metric-denylist", self._deny),
            ("--metric-opt-in-list", self._opt_in),
        )
        return [
            f"{flag}: {pattern.pattern} matches no family of the enabled resources"
            for flag, patterns in lists
            for pattern in patterns
            if not any(pattern.search(name) for name in names)
        ]

    def _is_on(self, family: Family) -> bool:
        if family.opt_in and not _matches(self._opt_in, family.name):
            return False
        if self._allow:
            return _matches(self._allow, family.name)
        return not _matches(self._deny, family.name)


def _matches(patterns: Iterable[re.Pattern[str]], name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns)


def _compile(flag: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"{flag}: {text!r} is neither a name nor a regular expression: {error}") from None
