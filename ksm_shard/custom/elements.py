"""Iterate lists and maps as each type of metric does.

Generated statements call these functions.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ksm_shard.custom.labels import Noted
from ksm_shard.custom.values import sample
from ksm_shard.metrics.families import Family


def elements(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the elements of a list or map, or the value itself."""
    if value.__class__ is dict:
        items: Iterable[tuple[Any, Any]] = value.items()
        return items
    return [(None, one) for one in value] if value.__class__ is list else ((None, value),)


def members(value: Any) -> Iterable[tuple[Any, Any]]:
    """Return the elements as `elements` does, a map before its values."""
    return ((None, value), *value.items()) if value.__class__ is dict else elements(value)


def children(value: Any) -> Iterable[tuple[str, Any]]:
    """Return the elements of a list or map with number or key."""
    if value.__class__ is dict:
        items: Iterable[tuple[Any, Any]] = value.items()
        return items
    return [(str(at), one) for at, one in enumerate(value)] if value.__class__ is list else ()


def lone(value: Any, zero: bool, family: Family, noted: Noted, duplicated: Callable[[int], None]) -> str | None:
    """Return the one sample of a list, a map or nothing.

    All elements would be of one series. The reason why there is no sample is noted.
    """
    if value.__class__ is not list and value.__class__ is not dict:
        if value is None and zero:
            return "0"
        noted(family, "nil" if value is None else "not_a_number")
        return None
    ones = [one for _, one in elements(value)]
    samples = [text for one in ones if (text := sample(one)) is not None]
    missing = sum(one is None for one in ones)
    if value.__class__ is list:
        for _ in range(0 if zero else missing):
            noted(family, "nil")
        for _ in range(len(ones) - len(samples) - missing):
            noted(family, "not_a_number")
    duplicated(max(0, len(samples) - 1))
    return samples[0] if samples else "0" if zero and missing else None
