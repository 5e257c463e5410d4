"""What is found in an expression. That Prometheus finds the same is tried against its own answers where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ksm_shard.audit.promql import Selector, UnclearError, uses

PROMTOOL = shutil.which("promtool")

# Expression, names of the families that it selects by name, labels that it reads.
EXPRESSIONS = [
    ("kube_pod_info", "kube_pod_info", ""),
    ('kube_pod_info{node="a",pod!~"b.*"}', "kube_pod_info", "node pod"),
    ("sum by (namespace) (kube_pod_info)", "kube_pod_info", "namespace"),
    ("sum(kube_pod_info) without (uid)", "kube_pod_info", ""),
    ("SUM BY (node,) (kube_pod_info)", "kube_pod_info", "node"),
    ("topk(3, max_over_time(kube_pod_info[5m:1m] offset -1h))", "kube_pod_info", ""),
    (
        "a * on (namespace, pod) group_left (owner_name) kube_pod_owner",
        "a kube_pod_owner",
        "namespace pod owner_name",
    ),
    ("a / ignoring (uid) group_right b", "a b", ""),
    ("a and b or c unless d", "a b c d", ""),
    ("a @ end() > bool 0", "a", ""),
    ("a > inf or NaN < b", "a b", ""),
    ('{__name__="kube_pod_info",node="a"}', "kube_pod_info", "node"),
    ('label_replace(a, "host", "$1", "node", "(.*)")', "a", "node"),
    ('label_join(a, "to", "-", "one", "two")', "a", "one two"),
    ('count_values("version", a)', "a", ""),
    ("a{x='it\\'s'} # kube_pod_info\n+ 0x1F", "a", "x"),
    ("a{b=`}`}[1h30m]", "a", "b"),
    ("sum(a) by (sum)", "a", "sum"),
    ('sum:rate:1m{x=""}', "sum:rate:1m", "x"),
    ("absent(up == 1)", "up", ""),
    ("start + end", "start end", ""),
    ("1 + vector(time())", "", ""),
    ('histogram_quantile(.9, sum by (le) (rate(a_bucket{job=~"b"}[5m])))', "a_bucket", "job le"),
]  # fmt: skip
GRAFANA = [
    ('sum(rate(a{pod=~"$pod", $more}[$__rate_interval])) by ($group)', "a", "pod"),
    ("topk($n, a{x='${y:regex}'}[[[interval]]])", "a", "x"),
    ("a > $least", "a", ""),
    ("a offset $shift", "a", ""),
    ('{"kube.pod.info", "a.label"="x"}', "kube.pod.info", "a.label"),
]


def named(selector: Selector) -> str:
    """Return the name that a selector asks for."""
    ((operator, name),) = selector.names
    assert operator == "="
    return name


@pytest.mark.parametrize(("text", "names", "labels"), EXPRESSIONS + GRAFANA)
def test_selectors_and_labels(text: str, names: str, labels: str) -> None:
    """Each selector once, and the labels that the result depends on."""
    found = uses(text)

    assert names.split() == [named(selector) for selector in found.selectors]
    assert set(labels.split()) == found.labels.union(*(selector.labels for selector in found.selectors))


@pytest.mark.skipif(not PROMTOOL, reason="needs promtool")
def test_these_are_expressions_for_prometheus(tmp_path: Path) -> None:
    """The table has no expression that Prometheus would refuse."""
    rules = [{"record": f"r:{number}", "expr": text} for number, (text, *_) in enumerate(EXPRESSIONS)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))

    done = subprocess.run([str(PROMTOOL), "check", "rules", str(file)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "selected", "passed_over"),
    [
        ('{__name__=~"kube_pod_.*",__name__!="kube_pod_info"}', "kube_pod_owner", "kube_pod_info"),
        ('{__name__!~"kube_.*",__name__=~".*_info"}', "node_info", "kube_pod_info"),
        ("kube_${kind}_info", "kube_pod_info", "kube_pod_owner"),
        ("kube_[[kind]]_info{a='b'}", "kube_node_info", "kube_pod_owner"),
    ],
)
def test_names_by_pattern(text: str, selected: str, passed_over: str) -> None:
    """All matchers of the name count, and a variable in it is any text."""
    (selector,) = uses(text).selectors

    assert (True, False) == (selector.selects(selected), selector.selects(passed_over))


@pytest.mark.parametrize(
    "text", ['{job="kube-state-metrics"}', '{__name__=~".+"}', "$metric{a='b'}", '{__name__!="up"}']
)
def test_a_selector_of_anything_selects_nothing(text: str) -> None:
    """It is of no family in particular: with it all would be in use."""
    (selector,) = uses(text).selectors

    assert not selector.selects("kube_pod_info")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{app="x"} |= "error"', "no PromQL from '|= \"error\"' on"),
        ("sum(a", "a bracket is never closed"),
        ("a)", "a bracket is closed that was never opened"),
        ("a{b=", "it ends too early"),
        ("a{b}", "b is no matcher of a label"),
        ("a{b=1}", "b=1 is no matcher of a label"),
        ("sum by (a b", "it ends too early"),
        ("  ", "empty"),
        ("a}", "} is in the wrong place"),
    ],
)
def test_what_is_no_promql_is_told(text: str, why: str) -> None:
    """LogQL, and what was cut off."""
    with pytest.raises(UnclearError) as caught:
        uses(text)

    assert why == str(caught.value)
