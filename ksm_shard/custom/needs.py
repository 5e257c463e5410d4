"""Find the fields of an object that metrics need, as a tree.

A decoder made of the tree skips all other fields; for some files metadata suffice.
"""

from collections.abc import Iterable
from typing import Any, Final, TypedDict

import msgspec

from ksm_shard.custom.entries import CustomMetric
from ksm_shard.custom.paths import Child, Each, Find, Path, around, outward
from ksm_shard.wire.json import Decoder, Tree

# Of these the message Metadata has all there is: all of the metadata but managedFields.
METADATA: Final = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
    }
)
# A function to mypy, which knows TypedDict only where names stand in the source.
FIELDS: Final[Any] = TypedDict
SCALARS: Final = str | int | float | bool | None


class Need:
    """Needed part of a value.

    Attributes:
        whole: all of it.
        map_whole: all of it, if it is a map.
        fields: if it is a map, what of its fields.
        elements: if it is a list, what of its elements; None for all.
    """

    def __init__(self) -> None:
        """Need nothing."""
        self.whole = False
        self.map_whole = False
        self.fields: dict[str, Need] = {}
        self.elements: Need | None = None

    def add(self, path: Path) -> None:
        """Need the whole value at a path."""
        self.at(path).whole = True

    def at(self, path: Path) -> "Need":
        """Return the need at the end of a path.

        It is that of a value around it where the path cannot be followed.
        """
        need = self
        for step in path:
            if isinstance(step, Child) and step.index is None:
                need = need.fields.setdefault(step.name, Need())
            elif isinstance(step, Find):
                need.elements = need.elements or Need()
                need.elements.add((Child(step.key),))
                need = need.elements
            else:
                need.whole = True
                return need
        return need

    def type(self, name: str = "object") -> Any:
        """Return the type to decode a value as.

        Scalars of any type are taken.
        """
        if self.whole:
            return Any
        fields = {key: need.type(key) for key, need in self.fields.items()}
        mapping = dict[str, Any] if self.map_whole else FIELDS(name, fields, total=False)
        elements = Any if self.elements is None else self.elements.type("element")
        return mapping | list[elements] | SCALARS  # type: ignore[valid-type]


def of(metrics: Iterable[CustomMetric]) -> Need:
    """Return the need of metrics, namespace and name included."""
    root = Need()
    for name in ("name", "namespace"):
        root.add((Child("metadata"), Child(name)))
    for metric in metrics:
        for label in metric.base:
            root.add(label.path)
        _add(root, metric)
    return root


def _add(root: Need, metric: CustomMetric) -> None:
    """Add the need of a metric, but for the labels of the object."""
    inner = [metric.value_from, *(label.path for label in metric.labels)]
    wild = next((at for at, step in enumerate(metric.path) if isinstance(step, Each)), None)
    if wild is not None:
        root.add(metric.path[:wild])
        for path in inner:
            ups, rest = outward(path)
            if ups and ups == around(metric.path):
                root.add(rest)
        return
    if metric.type == "info":
        inner = inner[1:]
    if metric.path == (Child("metadata"),) and _passes_lists(metric, inner):
        for name in METADATA:
            root.add((Child("metadata"), Child(name)))
        return
    need = root.at(metric.path)
    need.elements = need.elements or Need()
    for path in inner:
        need.elements.add(path)
        if metric.type == "stateset":
            need.add(path)
    # Any value of a map may be an element.
    need.map_whole = need.map_whole or metric.type != "stateset"


def _passes_lists(metric: CustomMetric, inner: Iterable[Path]) -> bool:
    """Return whether a metric of a map ignores the lists in it.

    Such a list are the managedFields of the metadata.
    """
    named = all(path and isinstance(path[0], Child) and path[0].index is None for path in inner)
    if metric.type == "info":
        return named and not metric.label_from_key
    return metric.type == "gauge" and not metric.nil_is_zero and not metric.aggregate and (named or not metric.labels)


def decoder(need: Need) -> Decoder:
    """Return the decoder of what is needed."""
    if need.whole or need.map_whole:
        return msgspec.json.Decoder(Tree)
    fields = {key: one.type(key) for key, one in need.fields.items()}
    return msgspec.json.Decoder(FIELDS("object", fields, total=False))


def metadata_only(need: Need) -> bool:
    """Return whether metadata suffice."""
    if need.whole or need.map_whole or not need.fields.keys() <= {"apiVersion", "kind", "metadata"}:
        return False
    metadata = need.fields["metadata"]
    return not (metadata.whole or metadata.map_whole) and metadata.fields.keys() <= METADATA
