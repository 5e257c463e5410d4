"""Contents of a Custom Resource State file as data.

There is an entry for each item of `spec.resources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ksm_shard.custom.paths import Path

ANY = "*"


@dataclass(frozen=True, slots=True)
class LabelPath:
    """One label of `labelsFromPath`.

    Attributes:
        name: of the label; the prefix of all names for a star.
        path: where its value is, or, for a star, the map that is copied.
        star: whether it copies the keys of a map.
    """

    name: str
    path: Path
    star: bool = False


@dataclass(frozen=True, slots=True)
class CustomMetric:
    """One metric of an entry, with the labels of the entry.

    Attributes:
        name: with its prefix.
        type: gauge, info or stateset.
        constants: the labels whose values the file has; those of the metric itself are in `overriding`.
        overriding: names among the constants that even customresource_kind and the like do not replace.
        base: labels that are read from the whole object, from weak to strong.
        path: to the value, list or map that the samples are of.
        value_from: from an element to its value.
        labels: labels that are read from an element, from weak to strong.
        label_from_key: name of the label that has the key of an element, "" for none.
        labels_from_keys: the same for each wildcard of the path, from the outside in.
        nil_is_zero: whether a value that is not there is 0.
        label_name, states: of a stateset.
        aggregate: count, sum, min or max of the elements with the same labels, "" for a sample each.
        line, column: where it stands in the file.
    """

    name: str
    help: str
    type: str
    constants: Mapping[str, str]
    overriding: frozenset[str]
    base: tuple[LabelPath, ...]
    path: Path = ()
    value_from: Path = ()
    labels: tuple[LabelPath, ...] = ()
    label_from_key: str = ""
    labels_from_keys: tuple[str, ...] = ()
    nil_is_zero: bool = False
    label_name: str = ""
    states: tuple[str, ...] = ()
    aggregate: str = ""
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of `spec.resources`, for one or several kinds and versions.

    Attributes:
        group, version, kind: version and kind may be `*`.
        label_selector, field_selector: which objects, as in the API; "" for all.
        line, column: where it stands in the file.
    """

    group: str
    version: str
    kind: str
    metrics: tuple[CustomMetric, ...]
    label_selector: str = ""
    field_selector: str = ""
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem of a file, with its place.

    Attributes:
        line, column: where, from 1 on.
        text: what is wrong, and what would be right.
        fatal: whether the file cannot be used; what kube-state-metrics passes over is told, and passed over here as well.
    """

    line: int
    column: int
    text: str
    fatal: bool = True
