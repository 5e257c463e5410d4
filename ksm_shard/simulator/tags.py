"""Merge strategies and zero values, from the tags of Kubernetes' Go types (1.36).

For each message, tags.json has `merge`: fields -> `strategies:key` (patchStrategy and patchMergeKey), and `zeros`: scalars that are
pointers or have no omitempty, so that their "", 0 and false are written.
"""

import json
from functools import cache
from importlib import resources
from typing import Any


def merging(message: str, field: str) -> tuple[frozenset[str], str]:
    """Return the patch strategies of a list field (merge, replace, retainKeys) and the key that identifies its items."""
    strategies, _, key = _facts().get(message, {}).get("merge", {}).get(field, "").partition(":")
    return frozenset(filter(None, strategies.split(","))), key


def shows_zero(message: str, field: str) -> bool:
    """Return whether JSON distinguishes the zero value of a scalar from its absence."""
    return field in _facts().get(message, {}).get("zeros", ())


@cache
def _facts() -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = json.loads(resources.files(__package__).joinpath("tags.json").read_text())
    return facts
