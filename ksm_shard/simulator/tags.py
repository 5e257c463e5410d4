"""What the tags of Kubernetes' Go types say besides names (1.36): how lists merge, and which zero values JSON shows.

tags.json has, for each message, `merge`: fields -> `strategies:key` (patchStrategy and patchMergeKey), and `zeros`: the scalars
that are pointers or have no omitempty, so that "", 0 and false of them are written.
"""

import json
from functools import cache
from importlib import resources
from typing import Any


def merging(message: str, field: str) -> tuple[frozenset[str], str]:
    """Return the patch strategies of a field (merge, replace, retainKeys), and the key that tells its items apart."""
    strategies, _, key = _facts().get(message, {}).get("merge", {}).get(field, "").partition(":")
    return frozenset(filter(None, strategies.split(","))), key


def shows_zero(message: str, field: str) -> bool:
    """Tell whether the zero value of a scalar is something else than its absence."""
    return field in _facts().get(message, {}).get("zeros", ())


@cache
def _facts() -> dict[str, dict[str, Any]]:
    facts: dict[str, dict[str, Any]] = json.loads(resources.files(__package__).joinpath("tags.json").read_text())
    return facts
