"""Read the expressions of Grafana dashboards, of any schema, and as ConfigMaps or objects of operators.

A dashboard is searched for what has an expression, wherever it lies: panels were in rows first, then beside them and nested in
them, and are elements of a map in the newest schema. Queries to other than Prometheus are passed over.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression
from ksm_shard.audit.objects import embedded, members
from ksm_shard.audit.rules import documents

# Queries of a template variable that are no PromQL: label_values(expression, label), query_result(expression), metrics(regex).
LABEL_VALUES: Final = re.compile(r"\s*label_values\(\s*(?:(.*),)?\s*([a-zA-Z_]\w*|\$\w+|\$\{\w+\})\s*\)\s*", re.DOTALL)
QUERY_RESULT: Final = re.compile(r"\s*query_result\((.*)\)\s*", re.DOTALL)
NO_EXPRESSION: Final = re.compile(r"\s*(?:label_names|metrics)\(.*\)\s*", re.DOTALL)
LEGEND: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")
PROMETHEUS: Final = frozenset(
    {"prometheus", "grafana-amazonprometheus-datasource", "victoriametrics-metrics-datasource"}
)


def of_file(content: bytes, where: str) -> list[Expression]:
    """Return the expressions of all dashboards in a file.

    Raises:
        UnreadableError: it is neither JSON nor YAML, or has no dashboard.
    """
    dashboards = [one for document in documents(content, where) for one in _dashboards(document, where)]
    if not dashboards:
        raise UnreadableError(f"{where}: has no dashboard of Grafana, nor a ConfigMap with one")
    return [one for place, dashboard in dashboards for one in _of_dashboard(dashboard, place)]


def _dashboards(document: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in members(document):
        spec = _spec(one)
        if isinstance(one.get("dashboard"), dict):  # as the API of Grafana has it
            yield from _dashboards(one["dashboard"], where)
        elif isinstance(spec.get("json"), str):  # a GrafanaDashboard of the operator
            yield from _nested(spec["json"], where)
        elif "elements" in spec:  # the schema v2
            yield f"{where}: {spec.get('title', '')}", spec
        elif any(isinstance(one.get(key), list) for key in ("panels", "rows")):
            yield f"{where}: {one.get('title', '')}", one
        elif isinstance(spec.get("panels"), list):  # a Dashboard of the API dashboard.grafana.app
            yield f"{where}: {spec.get('title', '')}", spec
        for key, text in embedded(one):
            if text.lstrip()[:1] == "{":
                yield from _nested(text, f"{where}: {key}")


def _nested(text: str, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents(text.encode(), where):
        yield from _dashboards(document, where)


def _of_dashboard(dashboard: dict[str, Any], where: str) -> Iterator[Expression]:
    templating = dashboard.get("templating")
    listed = templating.get("list") if isinstance(templating, dict) else None
    for variables in (listed, dashboard.get("variables")):
        for variable in variables if isinstance(variables, list) else ():
            yield from _of_variable(variable, where)
    parts = [part for key, part in dashboard.items() if key not in {"templating", "variables"}]
    yield from _of_panels(parts, where)


def _of_variable(variable: Any, where: str) -> Iterator[Expression]:
    if not isinstance(variable, dict):
        return
    inner = _spec(variable) or variable
    if str(inner.get("type", variable.get("kind", ""))) not in {"query", "QueryVariable"} or _foreign(inner):
        return
    query = inner.get("query")
    if isinstance(query, dict):
        spec = _spec(query) or query
        query = spec.get("query") or spec.get("__legacyStringValue") or spec.get("expr")
    text, place = str(query or inner.get("definition") or ""), f"{where} / variable {inner.get('name', '')}"
    if found := LABEL_VALUES.fullmatch(text):
        if found[1]:
            yield Expression(place, found[1].strip(), shown=frozenset({found[2]} if found[2].isidentifier() else ()))
    elif found := QUERY_RESULT.fullmatch(text):
        yield Expression(place, found[1].strip())
    elif text.strip() and not NO_EXPRESSION.fullmatch(text):
        yield Expression(place, text.strip())


def _of_panels(part: Any, where: str) -> Iterator[Expression]:
    """Yield the expressions anywhere in a part of a dashboard; `where` names the nearest title."""
    if isinstance(part, list):
        for one in part:
            yield from _of_panels(one, where)
    elif isinstance(part, dict):
        title = part.get("title")
        place = f"{where} / {title}" if isinstance(title, str) and title else where
        expression = part.get("expr")
        if _foreign(part):
            # A mixed panel names a data source in each of its targets.
            targets = part.get("targets")
            mixed = (
                [one for one in targets if isinstance(one, dict) and _named(one)] if isinstance(targets, list) else []
            )
            yield from _of_panels([*mixed, part.get("panels")], place)
            return
        if isinstance(expression, str) and expression.strip():
            shown = frozenset(LEGEND.findall(str(part.get("legendFormat") or "")))
            yield Expression(place, expression.strip(), shown=shown)
        for one in part.values():
            yield from _of_panels(one, place)


def _spec(part: dict[str, Any]) -> dict[str, Any]:
    spec = part.get("spec")
    return spec if isinstance(spec, dict) else {}


def _foreign(part: dict[str, Any]) -> bool:
    """Tell whether a part names a data source of another type."""
    kind = _named(part)
    return bool(kind) and kind not in PROMETHEUS


def _named(part: dict[str, Any]) -> str:
    source = part.get("datasource")
    kind = source.get("type") if isinstance(source, dict) else None
    # The schema v2 has the type in `group` of a DataQuery.
    kind = part.get("group") if part.get("kind") == "DataQuery" else kind
    return kind if isinstance(kind, str) else ""
