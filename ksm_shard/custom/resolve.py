"""Resolve entries to resources of the API server.

Each group, version and kind has the metrics of all its entries.

Entries add up. Of kube-state-metrics' file, the last entry of a kind would replace the others without a word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from ksm_shard.custom import needs
from ksm_shard.custom.compiler import Statements
from ksm_shard.custom.entries import ANY, CustomMetric, Entry
from ksm_shard.custom.labels import given
from ksm_shard.custom.paths import Child
from ksm_shard.custom.tree import MetadataShape, TreeShape
from ksm_shard.metrics.families import Family, Resource
from ksm_shard.wire.reading import Reading

NAMES: Final = {"uid": (Child("metadata"), Child("uid")), "name": (Child("metadata"), Child("name"))}
# A metric that says what its objects are of may say the same of two kinds.
OWN: Final = frozenset({"customresource_group", "customresource_kind", "customresource_version"})
NAMESPACE: Final = (Child("metadata"), Child("namespace"))


@dataclass(frozen=True, slots=True, order=True)
class Served:
    """A resource that the API server has, in one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True


@dataclass(frozen=True, slots=True)
class Followed:
    """A resource to follow, with selectors and metrics."""

    served: Served
    label_selector: str
    field_selector: str
    metrics: tuple[CustomMetric, ...]


def resolve(entries: Sequence[Entry], served: Iterable[Served]) -> list[Followed]:
    """Return the resources to follow, sorted, one for each selector."""
    found: dict[tuple[Served, str, str], list[CustomMetric]] = {}
    for one in sorted(set(served)):
        for entry in entries:
            if matches(entry, one):
                found.setdefault((one, entry.label_selector, entry.field_selector), []).extend(entry.metrics)
    return [Followed(*key, tuple(metrics)) for key, metrics in found.items()]


def unserved(entries: Sequence[Entry], served: Iterable[Served]) -> list[Entry]:
    """Return the entries without any served resource."""
    served = list(served)
    return [entry for entry in entries if not any(matches(entry, one) for one in served)]


def matches(entry: Entry, served: Served) -> bool:
    """Return whether an entry is about a resource."""
    return entry.group == served.group and entry.version in {ANY, served.version} and entry.kind in {ANY, served.kind}


def resource_of(followed: Followed) -> Resource:
    """Return the resource with a family for each name.

    The help is that of the first metric of the name.
    """
    served = followed.served
    metrics: dict[str, list[CustomMetric]] = {}
    for metric in followed.metrics:
        metrics.setdefault(metric.name, []).append(metric)
    own = {
        "customresource_group": served.group,
        "customresource_kind": served.kind,
        "customresource_version": served.version,
    }
    need = needs.of(followed.metrics)
    api_version = f"{served.group}/{served.version}" if served.group else served.version
    decoder = partial(needs.decoder, need)
    shape: MetadataShape | TreeShape
    if needs.metadata_only(need):
        shape, reading = MetadataShape(served.kind, api_version, decoder), Reading.METADATA
    else:
        shape, reading = TreeShape(served.kind, api_version, decoder), Reading.JSON
    selectors = {"labelSelector": followed.label_selector, "fieldSelector": followed.field_selector}
    resource = Resource(
        api_version,
        served.plural,
        shape,
        labels=None,
        kind=served.kind,
        namespaced=served.namespaced,
        default=False,
        reading=reading,
        name=name_of(followed),
        selectors={name: text for name, text in selectors.items() if text},
        source=partial(Statements, metrics, own),
    )
    selected = bool(resource.selectors)  # objects that other selectors of the file may select as well
    resource.families += [
        family_of(name, same, namespaced=served.namespaced, selected=selected) for name, same in metrics.items()
    ]
    return resource


def name_of(followed: Followed) -> str:
    """Return the name, such as `things.v1.example.org`, with selectors if any."""
    served = followed.served
    name = f"{served.plural}.{served.version}.{served.group}".rstrip(".")
    selectors = "&".join(filter(None, (followed.label_selector, followed.field_selector)))
    return f"{name}?{selectors}" if selectors else name


def family_of(name: str, metrics: Sequence[CustomMetric], *, namespaced: bool = True, selected: bool = False) -> Family:
    """Return the family of metrics of one name."""
    return Family(
        name,
        metrics[0].help,
        "",
        "source",
        _nothing,
        repeats=selected
        or any(_disguises(metric) or not identifies(metric, namespaced=namespaced) for metric in metrics),
    )


def identifies(metric: CustomMetric, *, namespaced: bool) -> bool:
    """Return whether the labels tell objects apart.

    They do with name and namespace, or with the uid.
    """
    certain = _certain(metric)
    paths: Mapping[str, Any] = {
        one.name: one.path for one in metric.base if not one.star
    }  # the last of a name is the strongest
    found = {path for name, path in paths.items() if name in certain}
    return NAMES["uid"] in found or (NAMES["name"] in found and (not namespaced or NAMESPACE in found))


def _disguises(metric: CustomMetric) -> bool:
    """Return whether labels may replace those of group, kind or version: two resources may share a series then."""
    labels = (*metric.base, *metric.labels)
    prefixes = tuple(one.name for one in labels if one.star)
    names = {*metric.overriding, *given(metric), *(one.name for one in labels if not one.star)}
    return bool(OWN & names) or (bool(prefixes) and any(name.startswith(prefixes) for name in OWN))


def _certain(metric: CustomMetric) -> set[str]:
    """Return the names of object labels that no element replaces."""
    replaced = {*given(metric), *(one.name for one in metric.labels if not one.star)}
    prefixes = tuple(one.name for one in metric.labels if one.star)
    return {
        one.name for one in metric.base if one.name not in replaced and not (prefixes and one.name.startswith(prefixes))
    }


def _nothing(parsed: Any) -> None:
    del parsed
