"""Families as scrapes have them: those of one name stand together, whichever collectors they are of.

Built-in families have names of their own. Those of custom resources may be of several kinds, or called as a built-in one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from ksm_shard.metrics.families import Family
from ksm_shard.store.distinct import distinct
from ksm_shard.store.pages import Body


class Exposed(NamedTuple):
    """One family of a collector: its header and its samples."""

    family: Family
    header: Body
    samples: Body


def joined(families: Iterable[Exposed]) -> list[Body]:
    """Return the bodies of a scrape: each name has one header, that of the first, and all its samples below."""
    by_name: dict[str, list[Exposed]] = {}
    for one in families:
        by_name.setdefault(one.family.name, []).append(one)
    return [body for same in by_name.values() for body in (same[0].header, *_samples(same)) if body.length]


def _samples(same: list[Exposed]) -> list[Body]:
    if len(same) == 1 or not any(one.family.repeats for one in same):
        return [one.samples for one in same]
    return [distinct(Body.of(page for one in same for page in one.samples.pages))[0]]
