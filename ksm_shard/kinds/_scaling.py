"""Target and current metrics of a horizontal pod autoscaler.

Several metrics may have the same name: one for each queue, with different selectors, or one for each ingress, with different
described objects. Such metrics get additional labels, but only the labels in which they differ; all other metrics keep the labels
of kube-state-metrics. Targets and current values get the same additional labels, even while only one of several current values is
known.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ksm_shard.metrics.families import Rows
from ksm_shard.metrics.quantity import quantity
from ksm_shard.wire.messages.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from ksm_shard.wire.messages.meta_v1_pb2 import LabelSelector

# Labels that are added to metrics of the same name.
DISTINCTION: Final = "metric_selector metric_object metric_source"
# Type of a metric -> field that describes the metric. A metric without the field of its type is skipped.
SOURCES: Final = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
BY_CONTAINER: Final = "containerResource"
# Values of the DISTINCTION labels for a metric whose name is unique: the labels are left out.
ALONE: Final = (None, None, None)
Needed = Mapping[tuple[str, str], tuple[bool, ...]]
WORDS: Final = {"In": "in", "NotIn": "notin"}


class Metric(NamedTuple):
    """A metric and its source.

    Metrics with the same name and container need distinction.
    """

    name: str
    container: str
    kind: str
    source: Any

    def distinction(self) -> tuple[str, str, str]:
        """Return the values of the DISTINCTION labels: selector, described object, type."""
        selector = described = ""
        if self.kind in {"External", "Object", "Pods"}:
            selector = canonical(self.source.metric.selector)
        if self.kind == "Object":
            described = self.source.describedObject.kind + "/" + self.source.describedObject.name
        return selector, described, self.kind


class ScalerView:
    """An autoscaler with its metrics looked up, once for both families of metrics.

    Attributes:
        targets: metrics as specified.
        values: current metrics.
    """

    __slots__ = ("_needed", "targets", "values")

    def __init__(self, scaler: HorizontalPodAutoscaler) -> None:
        """Look up the metrics of an autoscaler."""
        self.targets = _metrics(scaler.spec.metrics[:])
        self.values = _metrics(scaler.status.currentMetrics[:])
        self._needed: Needed | None = None

    @property
    def needed(self) -> Needed:
        """Flags of the DISTINCTION labels to write, by name and container of a metric.

        Only for names and containers that occur several times. A label is written if these metrics differ in it, among the targets
        or among the current values.
        """
        if self._needed is None:
            self._needed = _needed(self.targets, self.values)
        return self._needed


def targets(scaler: ScalerView) -> Rows:
    """Return the rows of all targets: name, type, container, DISTINCTION, number."""
    return _rows(((metric, metric.source.target) for metric in scaler.targets), scaler.needed)


def values(scaler: ScalerView) -> Rows:
    """Return the rows of all current values: name, type, container, DISTINCTION, number."""
    return _rows(((metric, metric.source.current) for metric in scaler.values), scaler.needed)


def canonical(selector: LabelSelector) -> str:
    """Return a selector as kubectl writes it, with sorted terms: `app=web,!canary,tier in (a,b)`."""
    terms = [(key, key + "=" + value) for key, value in selector.matchLabels.items()]
    for one in selector.matchExpressions:
        among = f"({','.join(sorted(set(one.values)))})"
        presence = {"Exists": one.key, "DoesNotExist": "!" + one.key}.get(one.operator)
        terms.append((one.key, presence or one.key + " " + WORDS.get(one.operator, one.operator) + " " + among))
    return ",".join(term for _, term in sorted(terms))


def _metrics(given: Iterable[Any]) -> list[Metric]:
    metrics = []
    for metric in given:
        kind = metric.type
        field = SOURCES.get(kind)
        if field is not None and metric.HasField(field):
            source = getattr(metric, field)
            name = source.name if field in {"resource", BY_CONTAINER} else source.metric.name
            metrics.append(Metric(name, source.container if field == BY_CONTAINER else "", kind, source))
    return metrics


def _needed(*lists: list[Metric]) -> Needed:
    needed: dict[tuple[str, str], tuple[bool, ...]] = {}
    for metrics in lists:
        if len({metric[:2] for metric in metrics}) == len(metrics):
            continue
        named = defaultdict(set)
        for metric in metrics:
            named[metric[:2]].add(metric.distinction())
        for key, distinctions in named.items():
            differ = [len(set(column)) > 1 for column in zip(*distinctions, strict=True)]
            needed[key] = tuple(map(max, differ, needed.get(key, (False, False, False))))
    return needed


def _rows(metrics: Iterable[tuple[Metric, Any]], needed: Needed) -> Rows:
    """Return up to three rows for each metric: value, average and utilization."""
    rows: list[tuple[Any, ...]] = []
    for metric, given in metrics:
        name, container = metric[:2]
        apart: tuple[str | None, ...] = ALONE
        if needed and (flags := needed.get((name, container))) is not None:
            apart = tuple(text if flag else None for text, flag in zip(metric.distinction(), flags, strict=True))
        if given.HasField("value"):
            rows.append((name, "value", container, *apart, quantity(given.value.string)))
        if given.HasField("averageValue"):
            rows.append((name, "average", container, *apart, quantity(given.averageValue.string)))
        if given.HasField("averageUtilization"):
            rows.append((name, "utilization", container, *apart, given.averageUtilization))
    return rows
