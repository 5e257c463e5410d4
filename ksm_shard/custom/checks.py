"""Check metrics of readable files, alone and against schemas.

Fatal is what can never give a sample; all else is advice.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ksm_shard.custom.entries import ANY, CustomMetric, Entry, Problem
from ksm_shard.custom.paths import Child, Each, Find, Path, outward
from ksm_shard.custom.resolve import identifies, matches
from ksm_shard.custom.schemas import ANYTHING, Absent, Definition, Schema, at, element, is_open
from ksm_shard.custom.values import numeric

# Labels of such fields make a new series with each change.
UNBOUNDED: Final = frozenset(
    {
        "message",
        "resourceVersion",
        "lastTransitionTime",
        "lastUpdateTime",
        "lastHeartbeatTime",
        "lastProbeTime",
        "observedGeneration",
    }
)
NUMERIC: Final = frozenset({"integer", "number", "boolean"})


def of_file(entries: Iterable[Entry]) -> Iterator[Problem]:
    """Yield the findings that need no schemas."""
    for entry in entries:
        for metric in entry.metrics:
            for text in _alone(metric):
                yield Problem(metric.line, metric.column, text, fatal=False)


def against(entries: Sequence[Entry], definitions: Sequence[Definition]) -> Iterator[Problem]:
    """Yield the findings by schema; metrics without any possible sample are fatal."""
    for entry in entries:
        found = [one for one in definitions if matches(entry, one.served)]
        if not found:
            name = "/".join((entry.group or '""', entry.version, entry.kind))
            yield Problem(entry.line, entry.column, f"there is no definition of {name}", fatal=False)
        kinds = [one.served.kind for one in found]
        for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}) if entry.version == ANY else ():
            text = f"{kinds.count(kind)} versions of {kind} are served, and each is listed with all objects: name one"
            yield Problem(entry.line, entry.column, text, fatal=False)
        for metric in entry.metrics:
            for one in found:
                where = f" ({one.served.kind} {one.served.version})" if len(found) > 1 else ""
                for text, fatal in _by_schema(metric, one.schema):
                    yield Problem(metric.line, metric.column, text + where, fatal)
                if not identifies(metric, namespaced=one.served.namespaced):
                    yield Problem(
                        metric.line, metric.column, _unnamed(namespaced=one.served.namespaced) + where, fatal=False
                    )


def _alone(metric: CustomMetric) -> Iterator[str]:
    paths = (metric.path, metric.value_from, *(label.path for label in (*metric.base, *metric.labels)))
    for step in dict.fromkeys(step for path in paths for step in path):
        if isinstance(step, Find) and step.text.lower() in {"false", "no", "unknown"}:
            yield f"[{step.key}={step.text}] finds what is False, No or Unknown, whichever comes first"
    for label in (*metric.base, *metric.labels):
        last = label.path[-1] if label.path else None
        if not label.star and isinstance(last, Child) and last.name in UNBOUNDED:
            yield f"the label {label.name} has a new value, and the metric a new series, with each change of {last.name}"
    if not identifies(metric, namespaced=False):
        yield _unnamed(namespaced=False)


def _unnamed(*, namespaced: bool) -> str:
    what = "[metadata, name] and [metadata, namespace]" if namespaced else "[metadata, name]"
    return f"no label tells objects apart, and of a series the first counts: add labelsFromPath with {what}"


def _by_schema(metric: CustomMetric, schema: Schema) -> Iterator[tuple[str, bool]]:
    for label in metric.base:
        try:
            at(schema, label.path)
        except Absent as error:
            yield f"the label {label.name}: {error}", False
    try:
        around = _around(schema, metric.path)
        found = at(schema, metric.path)
    except Absent as error:
        yield f"path: {error}", True
        return
    wild = any(isinstance(step, Each) for step in metric.path)
    elements = _elements(metric, found, wild=wild)
    # A value that may be anything may have any label, and hides what is misspelt.
    known = [*elements[:1], *(one for one in elements[1:] if not is_open(one))]
    for label in metric.labels:
        if why := _missing(known, around, label.path):
            yield f"the label {label.name}: {why}", False
    if metric.type != "info" and (why := _missing(elements, around, metric.value_from)):
        yield f"valueFrom: {why}", True
        return
    values = [value for one in elements if (value := _at(one, around, metric.value_from)) is not None]
    if metric.type == "gauge" and metric.aggregate != "count":
        yield from _gauge(metric, found, values, wild=wild)
    elif metric.type == "stateset":
        yield from _stateset(metric, values)


def _elements(metric: CustomMetric, found: Schema, *, wild: bool) -> list[Schema]:
    """Return the schemas of possible elements; a map counts as one, too."""
    if wild:
        return [found]
    if metric.aggregate or found.get("type") == "array":
        return [element(found)]
    return [found] if metric.type == "stateset" else [found, *_values(found)]


def _around(schema: Schema, path: Path) -> list[Schema]:
    """Return the schemas that `..` leads to, from the object inwards."""
    found = [at(schema, path[: place + 1]) for place, step in enumerate(path) if isinstance(step, Each)]
    return [schema, *(found[:-1] if path and isinstance(path[-1], Each) else found)]


def _values(schema: Schema) -> list[Schema]:
    """Return the schemas of the values of a map."""
    if is_open(schema):
        return [ANYTHING]
    more = schema.get("additionalProperties")
    return [*(schema.get("properties") or {}).values(), *([more] if isinstance(more, dict) else [])]


def _at(schema: Schema, around: Sequence[Schema], path: Path) -> Schema | None:
    ups, rest = outward(path)
    try:
        return at(around[-ups] if ups else schema, rest)
    except Absent:
        return None


def _missing(elements: Sequence[Schema], around: Sequence[Schema], path: Path) -> str:
    """Return why no element has a path; "" if one has."""
    errors = []
    ups, rest = outward(path)
    for one in elements:
        try:
            at(around[-ups] if ups else one, rest)
        except Absent as error:
            errors.append(str(error))
        else:
            return ""
    return errors[0] if errors else ""


def _gauge(metric: CustomMetric, found: Schema, values: Sequence[Schema], *, wild: bool) -> Iterator[tuple[str, bool]]:
    kind = found.get("type")
    if not any(_may_be_number(value) for value in values):
        told = sorted({str(value.get("type")) for value in values})
        yield f"a gauge needs a number, and there is {' or '.join(told)}{_hint(values)}", True
        return
    if (
        all(value.get("type") == "string" and "format" not in value and not _quantity(value) for value in values)
        and values
    ):
        yield "a text is a sample where it is a number, a time, a quantity or a percentage only", False
    own_labels = metric.labels or metric.label_from_key or any(metric.labels_from_keys) or metric.aggregate
    if (kind == "array" or wild) and not own_labels:
        yield "no label tells the elements apart, and of a series the first counts: add labelsFromPath", False
    if kind == "object" and not wild and not own_labels and len(values) > 1:
        yield "no label tells the values of the map apart, and of a series the first counts: add labelFromKey", False
    only = metric.value_from[0] if len(metric.value_from) == 1 else None
    if kind == "object" and not wild and isinstance(only, Child) and only.name in (found.get("properties") or {}):
        inner = [
            one for one in _values(found) if one.get("type") == "object" and _at(one, (), metric.value_from) is not None
        ]
        if inner:
            yield (
                f'"{only.name}" is read from the map and from its values, too: end the path with it to mean the map alone',
                False,
            )


def _may_be_number(schema: Schema) -> bool:
    kind = schema.get("type")
    if kind == "string":
        known = schema.get("enum")
        return schema.get("format") != "duration" and (not known or any(numeric(one) is not None for one in known))
    return kind in NUMERIC or is_open(schema) or bool(schema.get("x-kubernetes-int-or-string"))


def _hint(values: Sequence[Schema]) -> str:
    if any(value.get("format") == "duration" for value in values):
        return ": durations are none"
    if any(value.get("enum") for value in values):
        return ": a StateSet shows which of some texts it is"
    return (
        ": give valueFrom, or a longer path"
        if any(value.get("type") in {"object", "array"} for value in values)
        else ""
    )


def _quantity(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-int-or-string"))


def _stateset(metric: CustomMetric, values: Sequence[Schema]) -> Iterator[tuple[str, bool]]:
    for value in values:
        if not is_open(value) and value.get("type") != "string" and not value.get("x-kubernetes-int-or-string"):
            yield f"a StateSet needs a text, and there is {value.get('type')}", True
        known = [one for one in value.get("enum") or () if isinstance(one, str)]
        surplus = [state for state in metric.states if known and state not in known]
        lacking = [one for one in known if one not in metric.states]
        if surplus:
            yield f"list: {', '.join(surplus)} can never be; there are {', '.join(known)}", False
        if lacking:
            yield f"list: {', '.join(lacking)} may be as well, and all samples are 0 then", False
