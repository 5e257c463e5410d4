"""Rules and dashboards in all the forms that people have them in."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ksm_shard.audit import dashboards, rules
from ksm_shard.audit.exposition import UnreadableError
from ksm_shard.audit.expressions import Expression, Expressions
from ksm_shard.audit.given import expressions

GROUPS = {
    "groups": [
        {
            "name": "g",
            "rules": [
                {"record": "pods:sum", "expr": "sum by (node) (kube_pod_info)"},
                {
                    "alert": "Full",
                    "expr": "pods:sum > 100",
                    "annotations": {
                        "text": '{{ $labels.node }} {{ index $labels "zone" }} {{ with query "up == 0" }}{{ end }}'
                    },
                },
            ],
        }
    ]
}
RULE = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "spec": GROUPS}
RULE_FILES = {
    "plain": GROUPS,
    "PrometheusRule": RULE,
    "List": {"kind": "PrometheusRuleList", "items": [RULE]},
    "ConfigMap": {"kind": "ConfigMap", "data": {"rules.yaml": yaml.safe_dump(GROUPS)}},
}


@pytest.mark.parametrize("form", RULE_FILES)
def test_rules(form: str) -> None:
    """A rule file, an object of the Operator, a list of them, and a ConfigMap have the same expressions."""
    found = rules.of_file(yaml.safe_dump(RULE_FILES[form]).encode(), "f")

    assert ["sum by (node) (kube_pod_info)", "pods:sum > 100", "up == 0"] == [one.text for one in found]
    assert ["pods:sum", "", ""] == [one.record for one in found]
    assert {"node", "zone"} == found[1].shown
    assert found[1].place.endswith("g / Full")


def test_rules_in_force() -> None:
    """A Prometheus tells the rules that it has loaded in words of its own."""
    loaded = [
        {"type": "recording", "name": "pods:sum", "query": "sum(kube_pod_info)"},
        {
            "type": "alerting",
            "name": "Full",
            "query": "pods:sum > 1",
            "annotations": {"a": "{{ $labels.node }}"},
            "labels": {},
        },
    ]
    found = rules.of_prometheus(json.dumps({"data": {"groups": [{"name": "g", "rules": loaded}]}}).encode(), "http://p")

    assert [("http://p: g / pods:sum", "pods:sum"), ("http://p: g / Full", "")] == [
        (one.place, one.record) for one in found
    ]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"5",
        b"{}",
        b'{"data": 5}',
        b'{"data": {"groups": [5]}}',
        b'{"data": {"groups": [{"name": "g", "rules": [5]}]}}',
        b"[" * 100_000,
    ],
)
def test_no_rules_in_force(answer: bytes) -> None:
    """What no Prometheus answers is an error that names the URL."""
    with pytest.raises(UnreadableError, match=r"^http://p: is not what a Prometheus answers to /api/v1/rules$"):
        rules.of_prometheus(answer, "http://p")


TARGET = {"expr": "kube_pod_info", "legendFormat": "{{node}}"}
PANEL = {"title": "Pods", "type": "graph", "targets": [TARGET]}
VARIABLE = {"name": "node", "type": "query", "query": "label_values(kube_node_info, node)"}
DASHBOARD = {"title": "D", "panels": [PANEL], "templating": {"list": [VARIABLE]}}
V2 = {
    "title": "D",
    "elements": {
        "panel-1": {
            "kind": "Panel",
            "spec": {
                "title": "Pods",
                "data": {
                    "kind": "QueryGroup",
                    "spec": {
                        "queries": [{"spec": {"query": {"kind": "DataQuery", "group": "prometheus", "spec": TARGET}}}]
                    },
                },
            },
        }
    },
    "variables": [
        {
            "kind": "QueryVariable",
            "spec": {
                "name": "node",
                "query": {"kind": "DataQuery", "spec": {"query": "label_values(kube_node_info, node)"}},
            },
        }
    ],
}
DASHBOARDS = {
    "panels": DASHBOARD,
    "rows": {"title": "D", "rows": [{"title": "R", "panels": [PANEL]}], "templating": {"list": [VARIABLE]}},
    "nested": {**DASHBOARD, "panels": [{"type": "row", "title": "R", "panels": [PANEL]}]},
    "of the API": {"dashboard": DASHBOARD, "meta": {}},
    "ConfigMap": {"kind": "ConfigMap", "data": {"d.json": json.dumps(DASHBOARD)}},
    "ConfigMapList": {
        "kind": "ConfigMapList",
        "items": [{"kind": "ConfigMap", "data": {"d.json": json.dumps(DASHBOARD)}}],
    },
    "GrafanaDashboard": {"kind": "GrafanaDashboard", "spec": {"json": json.dumps(DASHBOARD)}},
    "v2": {"kind": "Dashboard", "spec": V2},
    "variable of an object": {
        **DASHBOARD,
        "templating": {"list": [{**VARIABLE, "query": {"query": VARIABLE["query"], "refId": "x"}}]},
    },
}


@pytest.mark.parametrize("form", DASHBOARDS)
def test_dashboards(form: str) -> None:
    """Each schema, and each way to carry a dashboard, has the same expressions."""
    found = dashboards.of_file(json.dumps(DASHBOARDS[form]).encode(), "f")

    assert {("kube_pod_info", frozenset({"node"})), ("kube_node_info", frozenset({"node"}))} == {
        (one.text, one.shown) for one in found
    }
    assert {"Pods", "variable node"} == {one.place.rpartition(" / ")[2] for one in found}


def test_other_data_sources_are_passed_over() -> None:
    """LogQL is no PromQL; of a mixed panel the targets count that name Prometheus."""
    loki = {"title": "Logs", "datasource": {"type": "loki"}, "targets": [{"expr": '{app="x"}'}]}
    mixed = {
        "title": "Both",
        "datasource": {"type": "datasource", "uid": "-- Mixed --"},
        "targets": [
            {"expr": "up", "datasource": {"type": "prometheus"}},
            {"expr": '{app="x"}', "datasource": {"type": "loki"}},
        ],
    }
    found = dashboards.of_file(json.dumps({"panels": [loki, mixed]}).encode(), "f")

    assert ["up"] == [one.text for one in found]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("label_values(node)", []),
        ("label_names()", []),
        ("metrics(kube_.*)", []),
        ('label_values(kube_pod_info{node=~"$node"}, pod)', ['kube_pod_info{node=~"$node"}']),
        ("query_result(topk(3, kube_pod_info))", ["topk(3, kube_pod_info)"]),
    ],
)
def test_queries_of_variables(query: str, expected: list[str]) -> None:
    """The functions that only Grafana has are taken away."""
    board = {"panels": [], "templating": {"list": [{"name": "v", "type": "query", "query": query}]}}

    assert expected == [one.text for one in dashboards.of_file(json.dumps(board).encode(), "f")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "f.yaml:2: is not YAML"),
        (b"a: 1", "f.yaml: has no rules"),
        (json.dumps(DASHBOARD).encode(), "f.yaml: has no rules"),
        (b"a: 2001-99-99", "f.yaml: is not YAML: month must be in 1..12"),
        (b"[" * 100_000, "f.yaml: is nested too deeply"),
        (b"groups: [{name: g, rules: {}}]", "f.yaml: g: rules: expected a list of rules"),
        (b"groups: [{name: g, rules: [up]}]", "f.yaml: g: rules: expected a list of rules"),
    ],
)
def test_a_file_without_rules_is_an_error(
    content: bytes, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that names the file: nobody relies on rules that were not read."""
    monkeypatch.chdir(tmp_path)
    Path("f.yaml").write_bytes(content)

    with pytest.raises(UnreadableError, match=f"^{why}"):
        expressions(["f.yaml"], [])
    with pytest.raises(UnreadableError, match=r"^nowhere: No such file"):
        expressions([], ["nowhere"])


def _bent(value: object) -> Iterator[object]:
    """Yield a document with each of its values replaced by one of another type."""
    yield from (None, 5, "x", ["x"], {"x": 5})
    for key in range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ():
        copy = value.copy()
        for bent in _bent(value[key]):
            copy[key] = bent
            yield copy


@pytest.mark.parametrize("form", [*RULE_FILES.values(), *DASHBOARDS.values()])
def test_any_value_of_another_type(form: object) -> None:
    """A value that is not what it should be costs itself, or the file is refused by one line with its name."""
    for document in _bent(form):
        for read in (rules.of_file, dashboards.of_file):
            try:
                said = [one.place for one in read(json.dumps(document).encode(), "f.json")]
            except UnreadableError as error:
                said = [str(error)]
            assert all(re.fullmatch(r"f\.json.+", line) for line in said)


def test_who_uses_a_family_may_be_far_away() -> None:
    """Through rules that feed rules, once each, also where they feed each other."""
    given = [
        Expression("a", "sum(kube_pod_info)", "one"),
        Expression("b", "one * 2", "two"),
        Expression("c", "two or three", "three"),
        Expression("d", "three > 1"),
        Expression("e", "up"),
    ]
    used = Expressions(given)
    direct = used.of(["kube_pod_info"])["kube_pod_info"]

    assert given[:1] == direct
    assert {"b": "one", "c": "two", "d": "three"} == {one.place: by for one, by in used.through(direct).items()}
