"""Known families, and the resources that they are of."""

from collections.abc import Mapping
from functools import cache

from ksm_shard import kinds
from ksm_shard.metrics.families import Family, Resource

Identity = tuple[str, ...]


@cache
def families() -> Mapping[str, tuple[Resource, Family]]:
    """Return resource and declaration of each built-in family, by name."""
    return {family.name: (one, family) for one in kinds.resources().values() for family in one.families}


def identity(resource: Resource, labels: Mapping[str, str]) -> Identity:
    """Return what tells an object from all others: its resource and its identity labels."""
    return (resource.name, *(labels.get(label, "") for label in resource.labels))
