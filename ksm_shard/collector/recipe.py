"""The inputs of collectors, and which collectors differ when the settings do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ksm_shard.collector.targets import Scope
from ksm_shard.metrics.families import Resource


@dataclass(frozen=True, slots=True)
class Recipe:
    """Input of a collector: equal recipes make collectors that export the same.

    Attributes:
        resource: the resource.
        declaration: equal for equal resources: the built-in one itself, or what a custom one is made of.
        families: names of the enabled ones.
        labels_allowlist, annotations_allowlist: patterns of keys; empty where no enabled family has use for them.
        scope: as far as it concerns the resource.
    """

    resource: Resource = field(compare=False)
    declaration: object
    families: tuple[str, ...]
    labels_allowlist: tuple[str, ...]
    annotations_allowlist: tuple[str, ...]
    scope: Scope

    @property
    def name(self) -> str:
        """The name of the resource."""
        return self.resource.name


@dataclass(frozen=True, slots=True)
class Changes:
    """The fate of each collector, by name of the resource.

    Attributes:
        kept: exported already with the wanted recipe; not touched.
        awaited: loading already with the wanted recipe.
        made: to be made.
    """

    kept: frozenset[str]
    awaited: frozenset[str]
    made: frozenset[str]


def changes(wanted: Iterable[Recipe], exported: Mapping[str, Recipe], loading: Mapping[str, Recipe]) -> Changes:
    """Return the fate of each collector; those in no set of the result end.

    Args:
        wanted: the recipes of the collectors to be exported.
        exported: of those that scrapes show, by name.
        loading: of those that will replace some of the exported ones, by name.
    """
    wanted = list(wanted)
    kept = frozenset(one.name for one in wanted if exported.get(one.name) == one)
    awaited = frozenset(one.name for one in wanted if loading.get(one.name) == one) - kept
    return Changes(kept, awaited, frozenset(one.name for one in wanted) - kept - awaited)
