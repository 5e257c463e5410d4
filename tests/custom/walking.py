"""What a file makes of an object by walking its paths, as slowly as one reads the rules: what is compiled is held against it."""

from collections.abc import Iterator
from typing import Any

from ksm_shard.custom.entries import CustomMetric, LabelPath
from ksm_shard.custom.labels import copied_name
from ksm_shard.custom.paths import Child, Equal, Find, Path
from ksm_shard.custom.values import found, label, numeric

Labels = dict[str, str]
# An element with its labels, and its value: a number, "nil", or None for what is no number.
Sample = tuple[Labels, Any]


def walk(value: Any, path: Path) -> Any:
    """Return what is at a path."""
    for step in path:
        if isinstance(step, Find):
            value = found(value, step.key, step.text, step.number, step.flag)
        elif isinstance(value, dict):
            assert isinstance(step, Child | Equal)
            value = step.text if isinstance(step, Equal) and value.get(step.key) == step.text else value.get(step.name)
        elif (
            isinstance(value, list)
            and isinstance(step, Child)
            and step.index is not None
            and -len(value) <= step.index < len(value)
        ):
            value = value[step.index]
        else:
            value = None
    return value


def labels_at(value: Any, paths: tuple[LabelPath, ...]) -> Labels:
    """Return the labels that an object or an element has."""
    labels: Labels = {}
    for one in paths:
        at = walk(value, one.path)
        if one.star and isinstance(at, dict):
            labels.update({copied_name(one.name, key): label(at[key]) for key in sorted(at)})
        elif not one.star and at is not None:
            labels[one.name] = label(at)
    return labels


def samples(metric: CustomMetric, own: Labels, obj: dict[str, Any]) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """Return the values of each series of an object: several, where the reference repeats it."""
    base = {**{name: text for name, text in own.items() if name not in metric.overriding}, **metric.constants}
    base |= {name: text for name, text in own.items() if name not in metric.overriding}
    base |= labels_at(obj, metric.base)
    series: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for labels, value in {"gauge": _gauge, "info": _info, "stateset": _stateset}[metric.type](
        metric, walk(obj, metric.path)
    ):
        series.setdefault(tuple(sorted({**base, **labels}.items())), []).append(value)
    return series


def _gauge(metric: CustomMetric, value: Any) -> Iterator[Sample]:
    def number(at: Any) -> float | None:
        return 0 if at is None and metric.nil_is_zero else numeric(at)

    if value is None:
        if metric.nil_is_zero:
            yield {}, 0
        return
    for key, one in (
        value.items()
        if isinstance(value, dict)
        else [(None, one) for one in (value if isinstance(value, list) else [value])]
    ):
        only = metric.value_from[0] if len(metric.value_from) == 1 else None
        itself = isinstance(only, Child) and only.name == key and "," not in only.name
        amount = number(one if itself else walk(one, metric.value_from))
        if amount is None:
            continue
        labels = {metric.label_from_key: key} if key and metric.label_from_key else {}
        labels |= {} if itself else labels_at(one, metric.labels)
        yield {**labels, **(labels_at(value, metric.labels) if isinstance(value, dict) else {})}, amount


def _info(metric: CustomMetric, value: Any) -> Iterator[Sample]:
    for one in value if isinstance(value, list) else [value]:
        if labels := labels_at(one, metric.labels):
            yield labels, 1
    for key, one in value.items() if isinstance(value, dict) else ():
        labels = {metric.label_from_key: key} if metric.label_from_key else {}
        if labels := labels | labels_at(one, metric.labels):
            # An empty label is none.
            yield {name: text for name, text in labels.items() if text or name != metric.label_from_key}, 1


def _stateset(metric: CustomMetric, value: Any) -> Iterator[Sample]:
    for one in value if isinstance(value, list) else [value]:
        now = walk(one, metric.value_from)
        if isinstance(now, str):
            for state in metric.states:
                yield {metric.label_name: state, **labels_at(one, metric.labels)}, int(state == now)
